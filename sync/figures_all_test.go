//go:build figures && !race

package sync_test

// The figures that go test -tags figures proves.
const (
	manyFacts    = 100_000
	wrongRecords = 5_000
	lostRuns     = 1_000
)
