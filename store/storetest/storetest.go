package storetest

import (
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// A scenario is one promise of the contract.
type scenario struct {
	name string
	run  func(*rig)
}

// Run holds the stores that newStore makes to the contract of [sync.Store].
// Each scenario is a subtest of its own and runs in parallel with the others;
// newStore must give it an empty store that shares nothing with them, and
// releases what the store holds with t.Cleanup.
func Run(t *testing.T, newStore func(t *testing.T) sync.Store) {
	t.Helper()
	for _, s := range slices.Concat(links, commits, intents, bases, audits, cursors, values, races) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			s.run(&rig{T: t, store: newStore(t)})
		})
	}
}
