//go:build unix

package chaos

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// What a store or a queue is kept in.
const (
	inPostgres = "PostgreSQL"
	inRedis    = "Redis"
	inSQLite   = "SQLite"
)

// A disk is all of an engine process that outlives it.
type disk struct {
	store   sync.Store
	queue   sync.Queue
	permits sync.Permits                // nil where only one process can be
	running func(context.Context) error // beside the engine, if there is anything
	closing []func()
}

// dispatching takes over from a dead process soon, and never blames a message
// for being in work when the process was killed.
var dispatching = queue.Options{Lease: 2 * time.Second, Renew: 500 * time.Millisecond, Crashes: 1 << 30}

// open opens the store and the queue of the settings.
func open(ctx context.Context, s settings) (*disk, error) {
	d := &disk{}
	var pool *pgxpool.Pool
	var client *redis.Client
	var file *sqlitestore.Store
	var err error
	for _, in := range []string{s.Store, s.Queue} {
		switch {
		case err != nil:
		case in == inPostgres && pool == nil:
			pool, err = d.openPostgres(ctx, s.Postgres)
		case in == inRedis && client == nil:
			client = redis.NewClient(&redis.Options{Addr: s.Redis})
			d.closing = append(d.closing, func() { _ = client.Close() })
		case in == inSQLite && file == nil:
			if file, err = sqlitestore.Open(ctx, s.File, &sqlitestore.Options{Check: true}); err == nil {
				d.closing = append(d.closing, func() { _ = file.Close() })
			}
		}
	}
	if err == nil {
		err = errors.Join(d.openStore(s.Store, pool, client, file), d.openQueue(ctx, s.Queue, pool, client, file))
	}
	if err != nil {
		d.close()
	}
	return d, err
}

// openPostgres migrates as a release does that finds its tables too old.
func (d *disk) openPostgres(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		return nil, err
	}
	d.closing = append(d.closing, pool.Close)
	return pool, errors.Join(pgstore.Migrate(ctx, pool, ""), pgqueue.Migrate(ctx, pool, ""))
}

func (d *disk) openStore(in string, pool *pgxpool.Pool, client *redis.Client, file *sqlitestore.Store) error {
	switch in {
	case inPostgres:
		s := pgstore.New(pool, nil)
		d.store, d.permits = s, s
	case inRedis:
		s, err := redisstore.New(client, nil)
		if err != nil {
			return err
		}
		d.store, d.permits = s, s
	case inSQLite:
		d.store = file
	}
	return nil
}

func (d *disk) openQueue(ctx context.Context, in string, pool *pgxpool.Pool, client *redis.Client, file *sqlitestore.Store) error {
	switch in {
	case inPostgres:
		q, err := pgqueue.New(pool, &pgqueue.Options{Queue: dispatching})
		if err != nil {
			return err
		}
		d.serve(q.Queue)
		d.running = q.Run
		return nil
	case inRedis:
		log, err := redisqueue.NewLog(client, nil)
		if err != nil {
			return err
		}
		d.running = log.Run
		return d.dispatch(log)
	default:
		log, err := sqlitequeue.OpenLog(ctx, file)
		if err != nil {
			return err
		}
		return d.dispatch(log)
	}
}

func (d *disk) dispatch(log queue.Log) error {
	q, err := queue.New(log, &dispatching)
	if err == nil {
		d.serve(q)
	}
	return err
}

func (d *disk) serve(q *queue.Queue) {
	d.queue = q
	d.closing = append(d.closing, func() { _ = q.Close(context.Background()) }) // its leases would end by themselves
}

// run keeps running what has to, until the context ends.
func (d *disk) run(ctx context.Context) error {
	if d.running != nil {
		return d.running(ctx)
	}
	<-ctx.Done()
	return nil
}

func (d *disk) close() {
	for i := len(d.closing) - 1; i >= 0; i-- {
		d.closing[i]()
	}
}
