//go:build race

package sync_test

// The figures are smaller where the race detector makes all a tenfold slower.
const (
	manyFacts    = 5_000
	wrongRecords = 500
	lostRuns     = 100
)
