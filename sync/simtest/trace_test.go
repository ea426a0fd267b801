package simtest

import (
	"testing"
	"testing/synctest"
)

// The same seed has the same trace, whether it is kept or not.
func TestSameSeedSameTrace(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := uint64(1); seed <= 30; seed++ {
		a, b := Simulate(t, seed, Config{Trace: true}), Simulate(t, seed, Config{})
		if a.Hash != b.Hash {
			t.Errorf("seed %d has the traces %x and %x", seed, a.Hash, b.Hash)
		}
		if seen[a.Hash] {
			t.Errorf("seed %d has the trace of another one", seed)
		}
		seen[a.Hash] = true
	}
}

// So it has when many errands are on one process, where they wait for the same
// moments and then ask for the same.
func TestErrandsAtOnceSameTrace(t *testing.T) {
	for seed := uint64(1); seed <= 5; seed++ {
		traces := map[uint64]bool{}
		for range 6 {
			synctest.Test(t, func(*testing.T) {
				w := newWorld(seed, Config{Processes: 1}.withDefaults())
				for i := 5; i < len(w.script); i += 5 {
					w.script[i].Kind = Load
				}
				w.play()
				traces[w.trace.hash.Sum64()] = true
			})
		}
		if len(traces) > 1 {
			t.Errorf("seed %d has %d traces", seed, len(traces))
		}
	}
}
