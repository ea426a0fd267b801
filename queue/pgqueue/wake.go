package pgqueue

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	stdsync "sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// Wake tells the dispatchers of all processes that messages were appended; it
// returns at once. Call it after the commit of an [Log.EnqueueTx]; Append does
// it itself. The others hear of it only while [Log.Run] runs here and there.
func (l *Log) Wake() {
	l.wakeHere()
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *Log) wakeHere() {
	l.mu.Lock()
	wakes := l.wakes
	l.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}

// coalesce is the least time between two notifications. Each commit with one
// takes a lock of the whole server.
const coalesce = 5 * time.Millisecond

const reconnect = time.Second

// Run checks the tables, then tells and hears of new messages and does the
// housekeeping until ctx ends, when it returns nil. Messages are delivered
// without it, too, but those of other processes wait for the next poll, and
// the memory of IDs grows. It uses two connections, which come from the pool
// and do not count there any more.
func (l *Log) Run(ctx context.Context) error {
	if err := l.Check(ctx); err != nil {
		return err
	}
	var all stdsync.WaitGroup
	defer all.Wait()
	all.Go(func() { l.connected(ctx, "listen", l.listen) })
	all.Go(func() { l.connected(ctx, "notify", l.notify) })
	all.Go(func() { l.keep(ctx) })
	return nil
}

// connected does its work on a connection of its own, and again on another
// one when that is lost.
func (l *Log) connected(ctx context.Context, what string, work func(context.Context, *pgx.Conn) error) {
	for ctx.Err() == nil {
		err := l.connect(ctx, work)
		if ctx.Err() != nil {
			return
		}
		l.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "pgqueue lost a connection", slog.String("of", what), slog.Any("error", err))
		pause(ctx, reconnect)
	}
}

func (l *Log) connect(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	c, err := l.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := c.Hijack()
	err = work(ctx, conn)
	return errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
}

func (l *Log) channel() string { return l.opts.Schema + ".queue" }

// listen wakes the dispatchers when others notify. It also does so at its
// start: what was told before went unheard.
func (l *Log) listen(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{l.channel()}.Sanitize()); err != nil {
		return err
	}
	for {
		l.wakeHere()
		for {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				return err
			}
			if n.Payload != l.name {
				break
			}
		}
	}
}

// notify tells the others of what was appended here, after the commit and
// never too often.
func (l *Log) notify(ctx context.Context, conn *pgx.Conn) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.changed:
		}
		if _, err := conn.Exec(ctx, "SELECT pg_notify($1, $2)", l.channel(), l.name); err != nil {
			l.Wake() // it is still to be told
			return err
		}
		pause(ctx, coalesce)
	}
}

// pause waits for a time or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func instance() string { return rand.Text()[:12] }
