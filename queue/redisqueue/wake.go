package redisqueue

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/redis/go-redis/v9"
)

// OnAppend implements [queue.Waker]. It is called while [Log.Run] runs.
func (l *Log) OnAppend(wake func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wakes = append(l.wakes[:len(l.wakes):len(l.wakes)], wake)
}

// The subscription is tried again after a pause, and a server that is silent
// for so long is asked whether it is there.
const (
	resubscribe = time.Second
	silence     = 15 * time.Second
)

// Run listens for messages that other processes append and wakes the
// dispatchers over the log, until the context ends; its error is returned.
// Without Run, messages of other processes are found by polling alone. A lost
// subscription is renewed; what is missed meanwhile is found by polling.
func (l *Log) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		err := l.listen(ctx)
		if ctx.Err() != nil {
			break
		}
		l.opts.Logger.Warn("redis: the subscription is lost and will be renewed", "queue", l.opts.Prefix, "error", err)
		select {
		case <-time.After(resubscribe):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// listen subscribes and returns when the subscription is lost.
func (l *Log) listen(ctx context.Context) error {
	sub := l.client.Subscribe(ctx, l.keys.wake())
	defer func() { _ = sub.Close() }()
	// A read that waits does not look at the context.
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	for {
		msg, err := sub.ReceiveTimeout(ctx, silence)
		var timeout net.Error
		switch {
		case err == nil:
			if _, pong := msg.(*redis.Pong); !pong {
				l.awaken()
			}
		case errors.As(err, &timeout) && timeout.Timeout():
			if err := sub.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// awaken tells all dispatchers. A new subscription does so too, because
// something may have been missed.
func (l *Log) awaken() {
	l.mu.Lock()
	wakes := l.wakes
	l.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
}
