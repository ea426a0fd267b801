package sync

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// takeMost is how many lanes are leased in one call.
const takeMost = 128

// take leases lanes until ctx ends and works on them under working; it
// returns when all of them are done.
func (e *Engine) take(ctx, working context.Context) {
	slots := semaphore.NewWeighted(int64(e.cfg.Concurrency))
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		if slots.Acquire(ctx, 1) != nil {
			return
		}
		free := 1
		for free < takeMost && slots.TryAcquire(1) {
			free++
		}
		lanes := e.lease(ctx, free)
		slots.Release(int64(free - len(lanes)))
		for _, lane := range lanes {
			wg.Go(func() {
				defer slots.Release(1)
				e.work(working, lane)
			})
		}
		if len(lanes) == 0 && !e.idle(ctx) {
			return
		}
	}
}

// drainWaits is how often in a row drain waits for what wakes soon; it may
// be another process's by then.
const drainWaits = 20

// drain works until nothing is ready.
func (e *Engine) drain(ctx context.Context) error {
	for waits := 0; ctx.Err() == nil; {
		lanes, err := e.cfg.Queue.Take(ctx, time.Now(), e.cfg.Concurrency, e.cfg.Lease)
		if err != nil {
			return err
		}
		if len(lanes) == 0 {
			if waits++; waits <= drainWaits && e.soon(ctx) {
				continue
			}
			return nil
		}
		waits = 0
		var wg sync.WaitGroup
		for _, lane := range lanes {
			wg.Go(func() { e.work(ctx, lane) })
		}
		wg.Wait()
	}
	return ctx.Err()
}

// soon waits for a lane that was only left to another worker for a moment; it
// is false when nothing wakes within a few such moments.
func (e *Engine) soon(ctx context.Context) bool {
	stats, err := e.cfg.Queue.Stats(ctx, time.Now())
	if err != nil || stats.NextAt.IsZero() {
		return false
	}
	wait := max(time.Until(stats.NextAt), time.Millisecond)
	if wait > 4*busyWait {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(wait):
		return true
	}
}

// lease takes up to n lanes; a queue that fails is asked again later.
func (e *Engine) lease(ctx context.Context, n int) []Lane {
	if ctx.Err() != nil {
		return nil
	}
	lanes, err := e.cfg.Queue.Take(ctx, time.Now(), n, e.cfg.Lease)
	if err != nil && ctx.Err() == nil {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "cannot take from the queue", slog.Any("error", err))
	}
	return lanes
}

// idle waits for a hint of new work or the poll interval; it is false when
// ctx ended.
func (e *Engine) idle(ctx context.Context) bool {
	timer := time.NewTimer(e.cfg.PollInterval)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-e.cfg.Queue.Ready():
	case <-timer.C:
	}
	return true
}

// work carries out one lane and settles it.
func (e *Engine) work(ctx context.Context, lane Lane) {
	now := time.Now()
	e.observe(Event{Type: EventTaken, Priority: lane.Priority, Count: len(lane.Messages), Lag: now.Sub(lane.Messages[0].EnqueuedAt)})
	ctx = WithPriority(ctx, lane.Priority)
	limited, cancel := context.WithDeadline(ctx, lane.Expires.Add(-e.cfg.Lease/10))
	defer cancel()
	err := e.carryOut(limited, lane)
	e.settle(ctx, lane, err)
}

// carryOut turns a panic into an error, so that one record can never take the
// process down with all the others.
func (e *Engine) carryOut(ctx context.Context, lane Lane) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Op: "work", Action: Fatal, Rule: "no-panic", Hint: "report this as a bug, then replay the message",
				Err: fmt.Errorf("panic of type %T", r)}
			e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "panic while working on a lane", slog.Any("error", err))
		}
	}()
	job, err := newJob(lane)
	if err != nil {
		return err
	}
	return e.perform(ctx, job)
}

// settle tells the queue how the work on a lane ended. It does so even when
// the work was cancelled; what cannot be told is delivered again.
func (e *Engine) settle(ctx context.Context, lane Lane, workErr error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Lease)
	defer cancel()
	now := time.Now()
	if workErr == nil {
		e.logLost(ctx, lane, e.cfg.Queue.Done(ctx, now, lane))
		return
	}
	s := e.cfg.Backoff.settle(lane, workErr, now)
	ev := Event{Type: EventRetried, Priority: lane.Priority, Count: len(lane.Messages), Action: ActionOf(workErr), Err: workErr}
	if s.bury {
		ev.Type = EventBuried
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "buried", slog.String("key", lane.Key), slog.Int("messages", len(lane.Messages)), slog.Any("error", workErr))
		e.logLost(ctx, lane, e.cfg.Queue.Bury(ctx, now, lane, s.cause))
	} else {
		e.logLost(ctx, lane, e.cfg.Queue.Retry(ctx, now, lane, s.at, s.cause))
	}
	e.observe(ev)
}

// logLost reports a lane that could not be settled. Nothing is lost: the
// queue delivers it again when the lease ends.
func (e *Engine) logLost(ctx context.Context, lane Lane, err error) {
	if err != nil {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "lane not settled, it will be delivered again",
			slog.String("key", lane.Key), slog.Int("messages", len(lane.Messages)), slog.Any("error", err))
	}
}
