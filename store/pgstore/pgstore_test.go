package pgstore_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }

// open returns a store with tables of its own.
func open(t testing.TB, change ...func(*pgxpool.Config)) (*pgstore.Store, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.Open(t, change...)
	if err := pgstore.Migrate(t.Context(), pool, ""); err != nil {
		t.Fatal(err)
	}
	store := pgstore.New(pool, nil)
	if err := store.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store, pool
}

// Each scenario has a schema of its own: that is faster than a database.
func TestStore(t *testing.T) {
	var schemas atomic.Int64
	pool := pgtest.Open(t, func(c *pgxpool.Config) { c.MaxConns = 16 })
	t.Run("all", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sync.Store {
			schema := fmt.Sprintf("Store %d", schemas.Add(1))
			if err := pgstore.Migrate(t.Context(), pool, schema); err != nil {
				t.Fatal(err)
			}
			return pgstore.New(pool, &pgstore.Options{Schema: schema})
		})
	})
}
