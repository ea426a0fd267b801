package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	stdsync "sync"
	"time"
)

const (
	// batch is how many messages a push has, producers how many push at the
	// same time, each the messages of its own keys.
	batch     = 500
	producers = 4
	// warming is how many messages an engine works before the clock starts.
	warming = 500
)

// A scenario is one kind of load.
type scenario struct {
	pattern
	// takes is how long the work on a message takes.
	takes time.Duration
	// messages is how many an engine with a share of 100 is given.
	messages int
	// preload also measures pushing alone and working alone.
	preload bool
}

// A run is what one engine did in one round of a scenario; rates are messages
// a second, those of phases that were not measured 0.
type run struct {
	Insert, Drain, Mixed float64
	CPU                  float64 // µs per message of the mixed phase
	Bytes                float64 // per waiting message
	Order, Exclusive     int64   // violations
	Doubled              int64
	Messages             int
}

// play runs the phases of a scenario on an engine.
func (s *scenario) play(ctx context.Context, m *machine, k *maker) (r run, err error) {
	n := max(s.messages*k.share/100, 2*warming)
	if s.preload {
		if err := s.apart(ctx, m, k, n, &r); err != nil {
			return r, fmt.Errorf("%s, %s, insert and drain: %w", k.name, s.Name, err)
		}
	}
	if err := s.mixed(ctx, m, k, n, &r); err != nil {
		return r, fmt.Errorf("%s, %s, mixed: %w", k.name, s.Name, err)
	}
	return r, nil
}

// apart pushes all messages and works them afterwards.
func (s *scenario) apart(ctx context.Context, m *machine, k *maker, n int, r *run) error {
	return s.with(ctx, m, k, n, func(e engine, l *ledger) error {
		before, err := e.bytes(ctx)
		if err != nil {
			return err
		}
		begin := time.Now()
		if err := s.produce(ctx, e, 0, n); err != nil {
			return err
		}
		r.Insert = perSecond(n, begin)
		after, err := e.bytes(ctx)
		if err != nil {
			return err
		}
		r.Bytes = float64(after-before) / float64(n)
		return working(ctx, e, l, func() error {
			begin := time.Now()
			<-l.all
			r.Drain = perSecond(n, begin)
			return nil
		})
	}, r)
}

// mixed pushes and works at the same time until all is done.
func (s *scenario) mixed(ctx context.Context, m *machine, k *maker, n int, r *run) error {
	return s.with(ctx, m, k, n, func(e engine, l *ledger) error {
		return working(ctx, e, l, func() error {
			if err := s.warm(ctx, e, l, n); err != nil {
				return err
			}
			used, err := m.cpu(ctx)
			if err != nil {
				return err
			}
			begin := time.Now()
			if err := s.produce(ctx, e, warming, n); err != nil {
				return err
			}
			<-l.all
			r.Mixed = perSecond(n-warming, begin)
			now, err := m.cpu(ctx)
			r.CPU, r.Messages = float64((now-used).Microseconds())/float64(n-warming), n
			return err
		})
	}, r)
}

// with opens an engine, runs the step and adds what its ledger counted.
func (s *scenario) with(ctx context.Context, m *machine, k *maker, n int, step func(engine, *ledger) error, r *run) (err error) {
	e, err := k.open(ctx, m)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	l := newLedger(s.pattern, n)
	l.takes = s.takes
	runtime.GC()
	if err := errors.Join(step(e, l), l.failure()); err != nil {
		return err
	}
	if lost := l.missing(); lost > 0 {
		return fmt.Errorf("%d of %d messages never came", lost, n)
	}
	r.Order += l.order.Load()
	r.Exclusive += l.exclusive.Load()
	r.Doubled += l.doubled.Load()
	return nil
}

// working runs the engine's workers around a step.
func working(ctx context.Context, e engine, l *ledger, step func() error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() {
		err := e.work(ctx, l)
		if err != nil {
			l.fail(err)
		}
		ended <- err
	}()
	err := step()
	stop()
	return errors.Join(err, <-ended)
}

// warm pushes the first messages and waits until they are done.
func (s *scenario) warm(ctx context.Context, e engine, l *ledger, n int) error {
	if err := e.push(ctx, s.make(0, warming)); err != nil {
		return err
	}
	for l.left.Load() > int64(n-warming) && l.failure() == nil {
		pause(ctx, time.Millisecond)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return l.failure()
}

// produce pushes the messages [from, to) in batches, those of a key in order.
func (s *scenario) produce(ctx context.Context, e engine, from, to int) error {
	var all stdsync.WaitGroup
	errs := make([]error, producers)
	for p := range producers {
		all.Go(func() {
			var msgs []message
			for seq := from; seq < to && errs[p] == nil; seq++ {
				if key := s.key(seq); key%producers == p {
					msgs = append(msgs, newMessage(key, seq))
				}
				if len(msgs) == batch || seq == to-1 && len(msgs) > 0 {
					errs[p] = e.push(ctx, msgs)
					msgs = make([]message, 0, batch)
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func perSecond(n int, begin time.Time) float64 { return float64(n) / time.Since(begin).Seconds() }
