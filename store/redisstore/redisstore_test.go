package redisstore_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(redistest.Main(m)) }

func open(t testing.TB, space *redistest.Space) *redisstore.Store {
	t.Helper()
	s, err := redisstore.New(space.Client, &redisstore.Options{Prefix: space.Prefix()})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStore(t *testing.T) {
	space := redistest.New(t)
	storetest.Run(t, func(t *testing.T) sync.Store { return open(t, space) })
}
