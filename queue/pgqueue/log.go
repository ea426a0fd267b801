package pgqueue

import (
	"context"
	"log/slog"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Schema is the PostgreSQL schema that holds the tables unless
// [Options].Schema names another.
const Schema = "crmsync"

// shards is fixed: the messages stored depend on it.
const shards = 64

// linger is how long small calls wait for others to share a transaction with.
const linger = time.Millisecond

// Options tune a queue. The zero value is good.
type Options struct {
	// Schema is the PostgreSQL schema of the tables. Default: [Schema].
	Schema string
	// MaxPayload is the most bytes of a message's payload; a larger one is
	// refused with an Invalid error. Default: 1 MiB.
	MaxPayload int
	// Queue tunes the dispatcher of [New]. Its Pause is 200 ms by default: how
	// long a message from elsewhere may go unseen when no notification comes.
	Queue queue.Options
	// Logger hears of lost connections and corrupt rows. Nil is silent.
	Logger *slog.Logger
}

// A Log is a [queue.Log] in PostgreSQL. It is safe for concurrent use.
type Log struct {
	pool    *pgxpool.Pool
	opts    Options
	sql     *strings.Replacer // puts the schema into statements
	appends *microbatch.Batcher[appending, struct{}]
	deletes *microbatch.Batcher[deletion, bool]
	settled settled
	pace    pace
	corrupt atomic.Int64
	changed chan struct{} // messages were appended here
	name    string        // of this log among those that notify

	mu    stdsync.Mutex
	wakes []func()
}

var (
	_ queue.Log   = (*Log)(nil)
	_ queue.Waker = (*Log)(nil)
)

// A Queue is a [sync.Queue] in PostgreSQL: a dispatcher over a [Log], whose
// further methods it shows.
type Queue struct {
	*queue.Queue
	log *Log
}

// New returns a queue over the pool, which stays the caller's to close. It
// starts nothing and does no I/O: call [Migrate] before and [Queue.Run] beside
// it. The error tells of unusable [queue.Options].
func New(pool *pgxpool.Pool, opts *Options) (*Queue, error) {
	log := NewLog(pool, opts)
	o := log.opts.Queue
	if o.Pause == 0 {
		o.Pause = 200 * time.Millisecond
	}
	q, err := queue.New(log, &o)
	if err != nil {
		return nil, err
	}
	return &Queue{q, log}, nil
}

// EnqueueTx is [Log.EnqueueTx].
func (q *Queue) EnqueueTx(ctx context.Context, tx pgx.Tx, now time.Time, msgs ...sync.Message) error {
	return q.log.EnqueueTx(ctx, tx, now, msgs...)
}

// Wake is [Log.Wake].
func (q *Queue) Wake() { q.log.Wake() }

// Check is [Log.Check].
func (q *Queue) Check(ctx context.Context) error { return q.log.Check(ctx) }

// Run is [Log.Run].
func (q *Queue) Run(ctx context.Context) error { return q.log.Run(ctx) }

// Maintain is [Log.Maintain].
func (q *Queue) Maintain(ctx context.Context, now time.Time) error { return q.log.Maintain(ctx, now) }

// Corrupt is [Log.Corrupt].
func (q *Queue) Corrupt() int64 { return q.log.Corrupt() }

// NewLog returns the log alone, over which several dispatchers can be made to
// play several processes.
func NewLog(pool *pgxpool.Pool, opts *Options) *Log {
	l := &Log{pool: pool, changed: make(chan struct{}, 1), name: instance()}
	if opts != nil {
		l.opts = *opts
	}
	if l.opts.Schema == "" {
		l.opts.Schema = Schema
	}
	if l.opts.MaxPayload <= 0 {
		l.opts.MaxPayload = 1 << 20
	}
	if l.opts.Logger == nil {
		l.opts.Logger = slog.New(slog.DiscardHandler)
	}
	l.sql = strings.NewReplacer("@", pgx.Identifier{l.opts.Schema}.Sanitize()+".queue_")
	l.appends = microbatch.New(microbatch.Config[appending, struct{}]{Max: 64, InFlight: 2, Linger: linger, Patience: linger, Run: l.appendAll})
	l.deletes = microbatch.New(microbatch.Config[deletion, bool]{Max: 1024, InFlight: 1, Linger: 2 * linger, Patience: 2 * linger, Run: l.deleteAll})
	return l
}

// Shards implements [queue.Log]: there are 64.
func (l *Log) Shards() int { return shards }

// Corrupt counts the rows that could not be read and were moved to the dead
// letters since the log was made.
func (l *Log) Corrupt() int64 { return l.corrupt.Load() }

// OnAppend implements [queue.Waker].
func (l *Log) OnAppend(wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes = append(l.wakes[:len(l.wakes):len(l.wakes)], wake)
}

// guards keep statements about an almost always empty table on its index,
// whatever its statistics say, for one transaction.
const guards = `SELECT set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
	set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
	set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

// guarded sends statements that begin with the guards: one transaction and
// one round trip.
func (l *Log) guarded(ctx context.Context, build func(*pgx.Batch)) error {
	var b pgx.Batch
	b.Queue(guards)
	build(&b)
	return l.pool.SendBatch(ctx, &b).Close()
}
