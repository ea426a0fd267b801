package pgqueue_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/queuetest"
	"github.com/urbanhub/crmsync/sync"
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

// Behind a pooler of connections a host may have to do without prepared
// statements.
func TestWithoutPreparedStatements(t *testing.T) {
	for _, mode := range []pgx.QueryExecMode{pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec, pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol} {
		t.Run(mode.String(), func(t *testing.T) {
			pool := pgtest.Open(t, func(c *pgxpool.Config) { c.ConnConfig.DefaultQueryExecMode = mode })
			must(t, pgqueue.Migrate(t.Context(), pool, ""))
			q := dispatcher(t, pgqueue.NewLog(pool, nil), "a")
			must(t, q.Push(t.Context(), t0, message("1", "k"), message("2", "k")))
			lanes, err := q.Take(t.Context(), t0, 1, time.Minute)
			must(t, err)
			must(t, q.Retry(t.Context(), t0, lanes[0], t0, sync.Failure{Error: "x"}))
			if lanes, err = q.Take(t.Context(), t0, 1, time.Minute); err != nil || len(lanes) != 1 {
				t.Fatalf("got %v, %v", lanes, err)
			}
			lanes[0].Messages = lanes[0].Messages[:1]
			must(t, q.Bury(t.Context(), t0, lanes[0], sync.Failure{Error: "x"}))
			n, err := q.Replay(t.Context(), t0, "1")
			if err != nil || n != 1 {
				t.Fatalf("replayed %d, %v", n, err)
			}
			want(t, take(t, q, t0.Add(time.Hour)), "2", "1")
			must(t, q.Close(t.Context()))
		})
	}
}
