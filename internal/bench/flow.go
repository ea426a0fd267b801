package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	stdsync "sync"
	"time"
)

// A flow pushes at a steady rate, whatever becomes of it: groups of some
// messages, so many groups a second. A late message is late from the moment at
// which it was due, not from when there was time to push it.
type flow struct {
	groups, size int
	lasts        time.Duration
}

// messages is how many it has.
func (f *flow) messages() int { return f.size * f.total() }

func (f *flow) total() int { return int(f.lasts.Seconds() * float64(f.groups)) }

// due is when a message is to be pushed, after the beginning.
func (f *flow) due(seq int) time.Duration {
	return time.Duration(seq/f.size) * time.Second / time.Duration(f.groups)
}

// run sends the flow through an engine and returns, for each message, how long
// it took until the work on it began. Beside runs at the same time, if set.
func (f *flow) run(ctx context.Context, m *machine, k *maker, beside func(context.Context, engine) error) (lags []time.Duration, err error) {
	e, err := k.open(ctx, m)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	n := f.messages() + warming
	s := scenario{pattern: uniform}
	l := newLedger(s.pattern, n)
	lags = make([]time.Duration, n)
	runtime.GC()
	err = working(ctx, e, l, func() error {
		if err := s.warm(ctx, e, l, n); err != nil {
			return err
		}
		begin := time.Now()
		l.began = func(seq int) {
			if seq >= warming {
				lags[seq] = time.Since(begin) - f.due(seq-warming)
			}
		}
		return f.push(ctx, e, l, begin, beside)
	})
	if err = errors.Join(err, l.failure()); err != nil {
		return nil, fmt.Errorf("%s at %d messages/s: %w", k.name, f.groups*f.size, err)
	}
	if lost := l.missing(); lost > 0 {
		return nil, fmt.Errorf("%s at %d messages/s: %d never came", k.name, f.groups*f.size, lost)
	}
	return lags[warming:], nil
}

// push sends the groups when they are due and waits until all are worked.
func (f *flow) push(ctx context.Context, e engine, l *ledger, begin time.Time, beside func(context.Context, engine) error) error {
	var all stdsync.WaitGroup
	defer all.Wait()
	if beside != nil {
		all.Go(func() {
			if err := beside(ctx, e); err != nil {
				l.fail(err)
			}
		})
	}
	for group := range f.total() {
		from := warming + group*f.size
		pause(ctx, time.Until(begin.Add(f.due(group*f.size))))
		all.Go(func() {
			if err := e.push(ctx, uniform.make(from, from+f.size)); err != nil {
				l.fail(err)
			}
		})
		if l.failure() != nil || ctx.Err() != nil {
			return ctx.Err()
		}
	}
	<-l.all
	return nil
}
