package storetest_test

import (
	"testing"

	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

// The whole test of an implementation, with memstore in the place of yours.
func ExampleRun() {
	_ = func(t *testing.T) { // TestStore
		storetest.Run(t, func(t *testing.T) sync.Store {
			store := memstore.New()
			// A store with connections closes them here, with t.Cleanup.
			return store
		})
	}
}
