package redisqueue

import (
	"context"
	"errors"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A Log is a [queue.Log] on Redis. It is safe for concurrent use.
type Log struct {
	client  redis.UniversalClient
	opts    Options
	keys    *keys
	known   atomic.Bool                      // the stored format is ours
	latest  atomic.Int64                     // the latest time that a caller gave, in microseconds
	ends    [][sync.Priorities]atomic.Uint64 // by stream: the last message of a pack that was read to its end
	deletes *microbatch.Batcher[*deletion, bool]

	mu    stdsync.Mutex
	wakes []func()
}

var (
	_ queue.Log   = (*Log)(nil)
	_ queue.Waker = (*Log)(nil)
)

// NewLog returns a log over the client, which remains its caller's to close.
// It starts nothing and does no I/O: see [Log.Check] and [Log.Run].
func NewLog(client redis.UniversalClient, opts *Options) (*Log, error) {
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	if client == nil {
		return nil, optionError("client", "give a client of go-redis")
	}
	if redisdb.ReadsReplicas(client) {
		return nil, optionError("client", redisdb.MastersHint)
	}
	l := &Log{client: client, opts: o, keys: newKeys(o.Prefix, o.Shards, o.Spread),
		ends: make([][sync.Priorities]atomic.Uint64, o.Shards)}
	l.deletes = microbatch.New(microbatch.Config[*deletion, bool]{Max: 1024, InFlight: 1, Run: l.deleteAll})
	return l, nil
}

// Shards implements [queue.Log].
func (l *Log) Shards() int { return l.opts.Shards }

// Check looks at the server, or at every master of a cluster. It fails when a
// server is older than Redis 7 or a replica, or when the queue was laid out
// with other options. It returns, and logs, in plain words what the server may
// lose; with [Options].RequireDurable that is an error. Call it once at the
// start.
func (l *Log) Check(ctx context.Context) ([]string, error) {
	h := redisdb.Health{Op: "redisqueue: check", RequireDurable: l.opts.RequireDurable, Logger: l.opts.Logger}
	warnings, err := h.Check(ctx, l.client)
	if err != nil {
		return warnings, err
	}
	return warnings, l.ready(ctx, "check")
}

// ready makes sure, once, that the stored queue has this layout.
func (l *Log) ready(ctx context.Context, op string) error {
	if l.known.Load() {
		return nil
	}
	if err := redisdb.Claim(ctx, l.client, l.keys.format(), l.opts.format()); err != nil {
		return l.fail(op, err)
	}
	l.known.Store(true)
	return nil
}

// run runs scripts in one round trip.
func (l *Log) run(ctx context.Context, op string, calls ...*redisdb.Call) error {
	if err := redisdb.Run(ctx, l.client, calls...); err != nil {
		return l.fail(op, err)
	}
	return nil
}

// fenced runs a script that says whether its fence held.
func (l *Log) fenced(ctx context.Context, op string, call *redisdb.Call) error {
	if err := l.run(ctx, op, call); err != nil {
		return err
	}
	if number(call.Reply) == 0 {
		return queue.ErrFenced
	}
	return nil
}

func (l *Log) fail(op string, err error) error { return redisdb.Error("redisqueue: "+op, err) }

// note remembers the latest time, for corrupted entries: they are found while
// reading, which is given no time.
func (l *Log) note(now time.Time) {
	at := now.UnixMicro()
	for {
		was := l.latest.Load()
		if at <= was || l.latest.CompareAndSwap(was, at) {
			return
		}
	}
}

// number returns a reply that is a number.
func number(reply any) int64 {
	n, _ := reply.(int64)
	return n
}

// isNil reports whether err is the server's answer that there is nothing.
func isNil(err error) bool { return errors.Is(err, redis.Nil) }
