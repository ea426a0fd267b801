package pgstore_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }

// Each scenario has a schema of its own: that is faster than a database.
func TestStore(t *testing.T) {
	pool := pgtest.Open(t, func(c *pgxpool.Config) { c.MaxConns = 16 })
	t.Run("one process", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sync.Store {
			return pgstore.New(pool, &pgstore.Options{Schema: migrated(t, pool)})
		})
	})
}

// Two processes behind a pooler that knows no prepared statements.
func TestStoreOfManyProcesses(t *testing.T) {
	pool := pgtest.Open(t, func(c *pgxpool.Config) {
		c.MaxConns = 16
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	})
	t.Run("two processes", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sync.Store {
			o := &pgstore.Options{Schema: migrated(t, pool)}
			return &processes{Store: pgstore.New(pool, o), other: pgstore.New(pool, o)}
		})
	})
}

var schemas atomic.Int64

// migrated makes the tables in a schema of their own.
func migrated(t *testing.T, pool *pgxpool.Pool) string {
	t.Helper()
	schema := fmt.Sprintf("Store %d", schemas.Add(1))
	if err := pgstore.Migrate(t.Context(), pool, schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// processes are two stores over the same tables, to which calls go in turn.
type processes struct {
	*pgstore.Store
	other *pgstore.Store
	calls atomic.Int64
}

func (p *processes) next() *pgstore.Store {
	if p.calls.Add(1)%2 == 0 {
		return p.other
	}
	return p.Store
}

func (p *processes) Begin(ctx context.Context, now time.Time, l sync.Link, in sync.Intent, entries ...sync.Entry) (sync.Link, error) {
	return p.next().Begin(ctx, now, l, in, entries...)
}

func (p *processes) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	return p.next().Commit(ctx, now, c)
}

func (p *processes) Append(ctx context.Context, entries ...sync.Entry) error {
	return p.next().Append(ctx, entries...)
}

func (p *processes) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	return p.next().SetCursor(ctx, name, from, to)
}
