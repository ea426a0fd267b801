package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// A storage is where a deployment keeps its state and its work.
type storage struct {
	store   sync.Store
	queue   sync.Queue
	permits sync.Permits // nil where there is one process
	// inspect looks at the store and at the queue; warnings are what they may lose.
	inspect map[string]func(ctx context.Context) (warnings []string, err error)
	migrate []func(ctx context.Context) error
	beside  []func(ctx context.Context) error // runs beside the engine
	closers []func(ctx context.Context) error

	pool   *pgxpool.Pool
	client redis.UniversalClient
	lite   *sqlitestore.Store
	log    *slog.Logger
}

// elsewhere tells that SQLite's file is not where the configuration says. A
// command that made a new one would find nothing in it and say that all is well.
func (c *config) elsewhere() error {
	if c.Store != "sqlite" {
		return nil
	}
	if _, err := os.Stat(c.SQLite.Path); !errors.Is(err, fs.ErrNotExist) {
		return nil // what else is wrong is told by opening it
	}
	if filepath.IsAbs(c.SQLite.Path) {
		return problems{{Key: "sqlite.path", Hint: "there is no " + c.SQLite.Path + ": crmsyncd migrate makes it, and so does the first start of serve"}}
	}
	return problems{{Key: "sqlite.path", Hint: "there is no " + c.SQLite.Path + " here: run this in the daemon's directory, or write an absolute path; " +
		"before the daemon's first start crmsyncd migrate makes it"}}
}

// openStorage opens what the configuration names. It makes no tables but in
// SQLite, whose file is made by opening it.
func openStorage(ctx context.Context, c *config, log *slog.Logger) (*storage, error) {
	s := &storage{log: log, inspect: map[string]func(context.Context) ([]string, error){}}
	err := s.connect(c)
	if err == nil {
		err = s.openStore(ctx, c)
	}
	if err == nil {
		err = s.openQueue(ctx, c)
	}
	if err != nil {
		return nil, errors.Join(err, s.close(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// connect makes the clients of the servers; they call nobody yet.
func (s *storage) connect(c *config) error {
	if c.uses("postgres") {
		pg, err := pgxpool.ParseConfig(c.Postgres.URL.text)
		if err != nil {
			return errors.New("postgres.url is no address of PostgreSQL") // err may quote it
		}
		pg.MaxConns = int32(c.Postgres.Connections)
		if s.pool, err = pgxpool.NewWithConfig(context.Background(), pg); err != nil {
			return errors.New("postgres.url cannot be used")
		}
		s.onClose(func(context.Context) error { s.pool.Close(); return nil })
	}
	if c.uses("redis") {
		opts, err := redis.ParseURL(c.Redis.URL.text)
		if err != nil {
			return errors.New("redis.url is no address of Redis")
		}
		opts.DialerRetries = 1 // calls are repeated as a whole, and receivers have to answer soon
		opts.ContextTimeoutEnabled = true
		s.client = redis.NewClient(opts)
		s.onClose(func(context.Context) error { return s.client.Close() })
	}
	return nil
}

func (s *storage) openStore(ctx context.Context, c *config) (err error) {
	switch c.Store {
	case "postgres":
		store := pgstore.New(s.pool, &pgstore.Options{Schema: c.Postgres.Schema, Logger: s.log})
		s.store, s.permits, s.inspect["store"] = store, store, unwarned(store.Check)
		s.migrate = append(s.migrate, func(ctx context.Context) error { return pgstore.Migrate(ctx, s.pool, c.Postgres.Schema) })
	case "redis":
		store, err := redisstore.New(s.client, &redisstore.Options{Prefix: c.Redis.Prefix, RequireDurable: c.Redis.RequireDurable})
		if err != nil {
			return err
		}
		s.store, s.permits, s.inspect["store"] = store, store, store.Check
	case "sqlite":
		if s.lite, err = sqlitestore.Open(ctx, c.SQLite.Path, &sqlitestore.Options{Logger: s.log}); err != nil {
			return err
		}
		s.store, s.inspect["store"] = s.lite, unwarned(s.answers)
		s.onClose(func(context.Context) error { return s.lite.Close() })
	default:
		s.store, s.inspect["store"] = memstore.New(), forgets
	}
	return nil
}

func (s *storage) openQueue(ctx context.Context, c *config) error {
	switch c.Queue {
	case "postgres":
		q, err := pgqueue.New(s.pool, &pgqueue.Options{Schema: c.Postgres.Schema, Logger: s.log})
		if err != nil {
			return err
		}
		s.queue, s.inspect["queue"] = q, unwarned(q.Check)
		s.beside = append(s.beside, q.Run)
		s.onClose(q.Close)
		s.migrate = append(s.migrate, func(ctx context.Context) error { return pgqueue.Migrate(ctx, s.pool, c.Postgres.Schema) })
	case "redis":
		log, err := redisqueue.NewLog(s.client, &redisqueue.Options{Prefix: c.Redis.Prefix, RequireDurable: c.Redis.RequireDurable})
		if err != nil {
			return err
		}
		q, err := queue.New(log, &queue.Options{Pause: 200 * time.Millisecond})
		if err != nil {
			return err
		}
		s.queue, s.inspect["queue"] = q, log.Check
		s.beside = append(s.beside, log.Run)
		s.onClose(q.Close)
	case "sqlite":
		q, err := sqlitequeue.Open(ctx, s.lite)
		if err != nil {
			return err
		}
		s.queue, s.inspect["queue"] = q, unwarned(s.answers)
		s.onClose(q.Close)
	default:
		q := memqueue.New(nil)
		s.queue, s.inspect["queue"] = q, forgets
		s.onClose(q.Close)
	}
	return nil
}

func (s *storage) onClose(f func(ctx context.Context) error) { s.closers = append(s.closers, f) }

// ready tells whether everything is there, with the command that mends it.
func (s *storage) ready(ctx context.Context) error {
	for _, name := range []string{"store", "queue"} {
		warnings, err := s.inspect[name](ctx)
		if err != nil {
			return fmt.Errorf("the %s is not ready; is it up, and did you run crmsyncd migrate? %w", name, err)
		}
		for _, w := range warnings {
			s.log.WarnContext(ctx, "the "+name+" may lose something", slog.String("why", w))
		}
	}
	return nil
}

// close closes everything in the reverse order.
func (s *storage) close(ctx context.Context) error {
	var err error
	for _, f := range slices.Backward(s.closers) {
		err = errors.Join(err, f(ctx))
	}
	s.closers = nil
	return err
}

// answers tells whether the SQLite file can be read.
func (s *storage) answers(ctx context.Context) error {
	_, err := s.lite.Cursor(ctx, "health")
	return err
}

func unwarned(check func(ctx context.Context) error) func(context.Context) ([]string, error) {
	return func(ctx context.Context) ([]string, error) { return nil, check(ctx) }
}

func forgets(context.Context) ([]string, error) {
	return []string{"it is in memory and forgets everything at the end: good for trials only"}, nil
}
