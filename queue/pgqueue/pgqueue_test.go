package pgqueue_test

import (
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

func TestLog(t *testing.T) {
	queuetest.RunLog(t, func(t *testing.T) queue.Log { return pgqueue.NewLog(database(t), nil) },
		&queuetest.Options{Backlog: 100_000})
}
