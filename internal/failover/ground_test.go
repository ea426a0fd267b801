//go:build unix

package failover

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/pgtest"
	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/sync"
)

// The ground is what an engine stands on, and how to take it away.
type ground struct {
	store    sync.Store
	queue    sync.Queue
	permits  sync.Permits
	running  func(context.Context) error // beside the engine, nil for nothing
	down, up func(t *testing.T)          // of the server, nil where there is none
}

// inMemory is for outages of the vendors.
func inMemory(*testing.T) *ground { return &ground{store: memstore.New(), queue: memqueue.New(nil)} }

// inPostgres keeps everything in a PostgreSQL of the test's own.
func inPostgres(t *testing.T) *ground {
	t.Helper()
	server, pool := postgres(t)
	if err := pgqueue.Migrate(t.Context(), pool, ""); err != nil {
		t.Fatal(err)
	}
	q, err := pgqueue.New(pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, q.Queue)
	store := pgstore.New(pool, nil)
	return &ground{store: store, queue: q, permits: store, running: q.Run, down: shutDown(server), up: startAgain(server)}
}

// inRedis keeps everything in a Redis of the test's own, which loses nothing
// that it has acknowledged.
func inRedis(t *testing.T) *ground {
	t.Helper()
	server := redistest.Start(t, "--appendfsync", "always", "--maxmemory-policy", "noeviction")
	client := server.Client()
	store, err := redisstore.New(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	log, err := redisqueue.NewLog(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &ground{store: store, queue: dispatching(t, log), permits: store, running: log.Run,
		down: func(*testing.T) { server.Kill() }, up: func(*testing.T) { server.Restart() }}
}

// inBoth keeps the queue in Redis and all else in PostgreSQL, of which only
// the latter is taken away.
func inBoth(t *testing.T) *ground {
	t.Helper()
	g := inRedis(t)
	server, pool := postgres(t)
	store := pgstore.New(pool, nil)
	g.store, g.permits, g.down, g.up = store, store, shutDown(server), startAgain(server)
	return g
}

// postgres starts a server with the store's tables.
func postgres(t *testing.T) (*pgtest.Server, *pgxpool.Pool) {
	t.Helper()
	server := pgtest.Start(t)
	pool := pgtest.Connect(t, server.DSN)
	if err := pgstore.Migrate(t.Context(), pool, ""); err != nil {
		t.Fatal(err)
	}
	return server, pool
}

func shutDown(s *pgtest.Server) func(*testing.T) {
	return func(*testing.T) { s.Stop(syscall.SIGQUIT) }
}

func startAgain(s *pgtest.Server) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		if err := s.Restart(); err != nil {
			t.Fatal(err)
		}
	}
}

func dispatching(t *testing.T, log queue.Log) *queue.Queue {
	t.Helper()
	q, err := queue.New(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	closing(t, q)
	return q
}

// closing gives the queue's leases back when the test ends.
func closing(t *testing.T, q *queue.Queue) {
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		if err := q.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}
