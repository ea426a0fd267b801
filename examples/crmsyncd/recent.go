package main

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A recent is something that is found out at most once a second, by one at a
// time, however many ask. Strangers may ask how the daemon is, and to find out
// the queue counts all that lies in it.
type recent[T any] struct {
	find  func(ctx context.Context) T
	turn  chan struct{} // of one place; whoever has it uses the rest
	found T
	at    time.Time
}

func newRecent[T any](find func(ctx context.Context) T) *recent[T] {
	return &recent[T]{find: find, turn: make(chan struct{}, 1)}
}

// get returns what was found within the last second, or now. It is an error only
// of who does not wait for it. Whoever finds out does it for all who wait, and
// so to the end.
func (r *recent[T]) get(ctx context.Context) (found T, err error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return found, ctx.Err()
	}
	if r.at.IsZero() || time.Since(r.at) >= time.Second {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answering)
		defer cancel()
		r.found, r.at = r.find(ctx), time.Now()
	}
	return r.found, nil
}

// A seldom is a queue that counts rarely what lies in it.
type seldom struct {
	sync.Queue
	counts *recent[counted]
}

// A counted is what Stats returns.
type counted struct {
	stats sync.QueueStats
	err   error
}

func newSeldom(q sync.Queue) seldom {
	return seldom{q, newRecent(func(ctx context.Context) (c counted) {
		c.stats, c.err = q.Stats(ctx, time.Now())
		return c
	})}
}

// Stats implements [sync.Queue].
func (s seldom) Stats(ctx context.Context, _ time.Time) (sync.QueueStats, error) {
	c, err := s.counts.get(ctx)
	if err != nil {
		return sync.QueueStats{}, err
	}
	return c.stats, c.err
}
