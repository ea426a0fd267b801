package simtest

import "testing"

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
