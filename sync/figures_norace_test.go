//go:build !race && !figures

package sync_test

// The figures that the tests named figures_… prove in every run.
const (
	manyFacts    = 20_000
	wrongRecords = 5_000
	lostRuns     = 1_000
)
