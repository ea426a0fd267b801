package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// An ours is a queue of crmsync at work.
type ours struct {
	sync.Queue
	db      *database // nil where there is none
	size    func(ctx context.Context) (int64, error)
	cleanup []func() error // the last one first
}

// workers is how many goroutines work lanes; lease is for how long.
const (
	workers = 1024
	lease   = time.Minute
)

// bulk is how a queue is tuned that many messages go through, as the peers are.
var bulk = &queue.Options{Pause: time.Second, Window: 2048}

func (o *ours) push(ctx context.Context, msgs []message) error {
	now, list := time.Now(), make([]sync.Message, len(msgs))
	for i := range msgs {
		m := &msgs[i]
		list[i] = sync.Message{ID: m.id(), Key: keyName(m.key), EnqueuedAt: now, Payload: m.payload}
	}
	return o.Push(ctx, now, list...)
}

// work takes and finishes as the engine of crmsync does: one goroutine takes,
// many work. A lane is done when the queue has confirmed it.
func (o *ours) work(ctx context.Context, l *ledger) error {
	lanes := make(chan sync.Lane, workers)
	var all stdsync.WaitGroup
	for range workers {
		all.Go(func() {
			for lane := range lanes {
				o.finish(ctx, l, lane)
			}
		})
	}
	err := o.take(ctx, lanes)
	close(lanes)
	all.Wait()
	return errors.Join(err, o.closeQueue())
}

func (o *ours) take(ctx context.Context, lanes chan<- sync.Lane) error {
	for ctx.Err() == nil {
		took, err := o.Take(ctx, time.Now(), workers, lease)
		if err != nil && ctx.Err() == nil {
			return err
		}
		for _, lane := range took {
			lanes <- lane
		}
		if len(took) == 0 {
			select {
			case <-o.Ready():
			case <-time.After(10 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}
	return nil
}

func (o *ours) finish(ctx context.Context, l *ledger, lane sync.Lane) {
	for _, m := range lane.Messages {
		l.work(m.Payload)
	}
	if err := o.Done(context.WithoutCancel(ctx), time.Now(), lane); err != nil {
		l.fail(err)
		return
	}
	l.done(len(lane.Messages))
}

func (o *ours) bytes(ctx context.Context) (int64, error) { return o.size(ctx) }

// closeQueue gives back the shards, so that work may be called again.
func (o *ours) closeQueue() error {
	return o.Queue.(*queue.Queue).Close(context.Background())
}

func (o *ours) close() (err error) {
	for i := len(o.cleanup) - 1; i >= 0; i-- {
		err = errors.Join(err, o.cleanup[i]())
	}
	return err
}

// beside runs a loop until the queue is closed.
func (o *ours) beside(ctx context.Context, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	o.cleanup = append(o.cleanup, func() error {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
}

func openPgqueue(ctx context.Context, m *machine) (engine, error) {
	db, err := m.database(ctx)
	if err != nil {
		return nil, err
	}
	o := &ours{db: db, size: db.bytes, cleanup: []func() error{db.drop}}
	if err := pgqueue.Migrate(ctx, db.Pool, ""); err != nil {
		return nil, errors.Join(err, o.close())
	}
	q, err := pgqueue.New(db.Pool, nil)
	if err != nil {
		return nil, errors.Join(err, o.close())
	}
	o.Queue = q.Queue
	o.beside(ctx, q.Run)
	return o, nil
}

func openRedisqueue(ctx context.Context, m *machine) (engine, error) {
	prefix := unique()
	log, err := redisqueue.NewLog(m.redis, &redisqueue.Options{Prefix: prefix})
	if err != nil {
		return nil, err
	}
	if _, err := log.Check(ctx); err != nil {
		return nil, err
	}
	q, err := queue.New(log, bulk)
	if err != nil {
		return nil, err
	}
	o := &ours{Queue: q, size: m.redisBytes, cleanup: []func() error{
		func() error { return m.emptyRedis(context.Background(), "*"+prefix+"*") },
	}}
	o.beside(ctx, log.Run)
	return o, nil
}

func openSqlitequeue(ctx context.Context, m *machine) (engine, error) {
	path := filepath.Join(m.dir, unique())
	store, err := sqlitestore.Open(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	log, err := sqlitequeue.OpenLog(ctx, store)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	q, err := queue.New(log, bulk)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return &ours{Queue: q,
		size: func(context.Context) (int64, error) { return fileBytes(path, path+"-wal") },
		cleanup: []func() error{
			func() error { return errors.Join(os.Remove(path), os.Remove(path+".lock")) },
			store.Close,
		},
	}, nil
}

func fileBytes(paths ...string) (n int64, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return 0, fmt.Errorf("how much the queue's file holds: %w", err)
		}
		n += info.Size()
	}
	return n, nil
}

func openMemqueue(context.Context, *machine) (engine, error) {
	return &ours{Queue: memqueue.New(nil), size: func(context.Context) (int64, error) { return heap(), nil }}, nil
}

// heap is what lives on the heap of this process.
func heap() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
