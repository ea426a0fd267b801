package memstore_test

import (
	"testing"

	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) sync.Store { return memstore.New() })
}
