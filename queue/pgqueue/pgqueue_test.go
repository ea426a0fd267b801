package pgqueue_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(pgtest.Main(m)) }

// database returns a pool on a database with the tables of a queue.
func database(tb testing.TB) *pgxpool.Pool {
	tb.Helper()
	pool := pgtest.Open(tb)
	if err := pgqueue.Migrate(tb.Context(), pool, ""); err != nil {
		tb.Fatal(err)
	}
	return pool
}

// Each scenario has a schema of its own, which is made faster than a database.
func TestLog(t *testing.T) {
	pool := pgtest.Open(t, func(c *pgxpool.Config) { c.MaxConns = 16 })
	var n atomic.Int64
	newLog := func(t *testing.T) queue.Log {
		schema := fmt.Sprint("scenario_", n.Add(1))
		if err := pgqueue.Migrate(t.Context(), pool, schema); err != nil {
			t.Fatal(err)
		}
		return pgqueue.NewLog(pool, &pgqueue.Options{Schema: schema})
	}
	t.Run("all", func(t *testing.T) { queuetest.RunLog(t, newLog, &queuetest.Options{Backlog: 100_000}) })
}
