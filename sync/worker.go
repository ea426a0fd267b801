package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
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
	// Bulk work leaves a quarter of the slots to what is urgent: its lanes may
	// wait long for a quota.
	bulkMost := int64(e.cfg.Concurrency - e.cfg.Concurrency/4)
	var bulk atomic.Int64
	// Half of the slots wait for systems that are down, at the most: the others
	// are for those that are not.
	pauses := semaphore.NewWeighted(int64(e.cfg.Concurrency / 2))
	for {
		if slots.Acquire(ctx, 1) != nil {
			return
		}
		free := 1
		for free < takeMost && slots.TryAcquire(1) {
			free++
		}
		lanes := e.leaseFor(ctx, free, int(bulkMost-bulk.Load()))
		slots.Release(int64(free - len(lanes)))
		for _, lane := range lanes {
			if lane.Priority.Bulk() {
				bulk.Add(1)
			}
			wg.Go(func() {
				defer slots.Release(1)
				if until := e.work(working, lane, pauses); !until.IsZero() {
					pause(ctx, until)
					pauses.Release(1)
				}
				if lane.Priority.Bulk() && bulk.Add(-1) == bulkMost-1 {
					e.hint()
				}
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
		if err := e.knowSwitches(ctx); err != nil {
			return err
		}
		lanes, err := e.takeUpTo(ctx, e.cfg.Concurrency)
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
		e.workAll(ctx, lanes)
	}
	return ctx.Err()
}

// workAll works on lanes side by side. When ctx ends it lets them finish for up to
// Config.StopTimeout: a write that is cut off leaves a question behind.
func (e *Engine) workAll(ctx context.Context, lanes []Lane) {
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	for _, lane := range lanes {
		wg.Go(func() { e.work(working, lane, nil) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		timeout := time.AfterFunc(e.cfg.StopTimeout, stop)
		defer timeout.Stop()
		<-done
	}
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

// leaseFor takes up to n lanes, of which at most bulk are of bulk work.
func (e *Engine) leaseFor(ctx context.Context, n, bulk int) []Lane {
	if bulk >= n {
		return e.lease(ctx, n)
	}
	lanes := e.lease(UrgentOnly(ctx), n)
	if more := min(n-len(lanes), bulk); more > 0 {
		lanes = append(lanes, e.lease(ctx, more)...)
	}
	return lanes
}

// lease takes up to n lanes; a queue that fails is asked again later.
func (e *Engine) lease(ctx context.Context, n int) []Lane {
	if ctx.Err() != nil {
		return nil
	}
	lanes, err := e.takeUpTo(ctx, n)
	if ctx.Err() == nil && e.doors.note(err) {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "cannot take from the queue, it is asked again until it answers", slog.Any("error", err))
	}
	return lanes
}

// takeUpTo asks the queue for lanes. One that does not answer, as a server whose
// host has gone, is asked anew: a connection may wait a quarter of an hour.
func (e *Engine) takeUpTo(ctx context.Context, n int) ([]Lane, error) {
	ctx, cancel := context.WithTimeout(ctx, e.cfg.Lease/2)
	defer cancel()
	return e.cfg.Queue.Take(ctx, time.Now(), n, e.cfg.Lease)
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
	case <-e.hinted:
	case <-timer.C:
	}
	return true
}

// hint ends an idle wait.
func (e *Engine) hint() {
	select {
	case e.hinted <- struct{}{}:
	default:
	}
}

// work carries out one lane and settles it. It returns until when a system
// that is down should be left alone: who keeps the slot until then, having
// acquired one of the pauses, has neither an outage asked after by every lane,
// nor all of them fall upon a system that has just come back. A lane for which
// there is no pause left asks ever more rarely instead.
func (e *Engine) work(ctx context.Context, lane Lane, pauses *semaphore.Weighted) (until time.Time) {
	now := time.Now()
	e.observe(Event{Type: EventTaken, Priority: lane.Priority, Count: len(lane.Messages), Lag: now.Sub(lane.Messages[0].EnqueuedAt)})
	ctx = context.WithValue(WithPriority(ctx, lane.Priority), laneKey{}, lane.Key)
	limited, cancel := context.WithDeadline(ctx, lane.Expires.Add(-e.cfg.Lease/10))
	defer cancel()
	for more := true; more; {
		out := e.carryOut(limited, lane)
		until = downUntil(out.err)
		if pauses != nil && !until.IsZero() && !pauses.TryAcquire(1) {
			until, out.later = time.Time{}, rarely(lane)
		}
		lane, more = e.settle(ctx, lane, out)
	}
	return until
}

// rarely is how much longer a lane waits that was put off so often: up to 10 s.
func rarely(lane Lane) time.Duration {
	return min(time.Second<<min(len(lane.History), 4), 10*time.Second)
}

// pauseMost bounds a pause.
const pauseMost = 5 * time.Second

// pause waits until a moment, but not for long, nor longer than ctx.
func pause(ctx context.Context, until time.Time) {
	wait := min(time.Until(until), pauseMost)
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// An outcome tells of the first messages of a lane: how many are done, and if
// there is an error, how many after these it concerns and how much later than
// it says they are tried again.
type outcome struct {
	done, failed int
	err          error
	later        time.Duration
}

// carryOut works on the first messages of a lane that belong together.
func (e *Engine) carryOut(ctx context.Context, lane Lane) (out outcome) {
	job, err := newJob(lane)
	ctx, end := e.span(ctx, Span{Op: OpProcess, Ref: job.ref, Priority: lane.Priority, Count: len(job.at), Links: job.links})
	defer func() { end(out.err) }()
	switch {
	case err != nil:
		return outcome{failed: 1, err: err}
	case len(job.facts) > 0:
		return e.recordFacts(ctx, &job)
	}
	if err := e.safely(ctx, func() error { return e.reconcile(ctx, &job) }); err != nil {
		return outcome{failed: len(job.changes), err: err}
	}
	return outcome{done: len(job.changes)}
}

// ruleNoPanic is the rule of a panic.
const ruleNoPanic = "no-panic"

// panicked reports whether an error is a panic that was caught.
func panicked(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Rule == ruleNoPanic
}

// safely turns a panic into an error, so that one record can never take the
// process down with all the others.
func (e *Engine) safely(ctx context.Context, do func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{Op: "work", Action: Fatal, Rule: ruleNoPanic, Hint: "report this as a bug, then replay the message",
				Err: fmt.Errorf("panic of type %T", r)}
			e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a panic was caught", slog.Any("error", err))
		}
	}()
	return do()
}

// settle tells the queue how the work on a lane's first messages ended, and
// returns the lane with what is still to do. It does so even when the work was
// cancelled; what cannot be told is delivered again.
func (e *Engine) settle(ctx context.Context, lane Lane, out outcome) (rest Lane, more bool) {
	now := time.Now()
	if out.done > 0 {
		more = e.tell(ctx, lane, func(ctx context.Context) error { return e.cfg.Queue.Done(ctx, time.Now(), lane.first(out.done)) })
		lane = lane.after(out.done)
		if !more || out.err == nil {
			return lane, more && len(lane.Messages) > 0
		}
	}
	s := e.cfg.Backoff.settle(lane, out.err, now)
	ev := Event{Type: EventRetried, Ref: lane.Messages[0].about(), Priority: lane.Priority, Count: out.failed, Action: ActionOf(out.err), Err: out.err}
	if !s.bury {
		e.tell(ctx, lane, func(ctx context.Context) error {
			return e.cfg.Queue.Retry(ctx, time.Now(), lane, s.at.Add(out.later), s.cause)
		})
		e.observe(ev)
		return lane, false
	}
	ev.Type = EventBuried
	e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "buried", slog.String("key", lane.Key), slog.Int("messages", out.failed), slog.Any("error", out.err))
	more = e.tell(ctx, lane, func(ctx context.Context) error {
		return e.cfg.Queue.Bury(ctx, time.Now(), lane.first(out.failed), s.cause)
	})
	e.observe(ev)
	lane = lane.after(out.failed)
	return lane, more && len(lane.Messages) > 0
}

// first returns the lane with its first n messages only.
func (l Lane) first(n int) Lane {
	l.Messages = l.Messages[:n]
	return l
}

// after returns the lane without its first n messages. What failed before
// failed on account of these.
func (l Lane) after(n int) Lane {
	l.Messages, l.Attempts, l.History = l.Messages[n:], 0, nil
	return l
}

// tellEvery is how often a queue is told what it did not take.
const tellEvery = 500 * time.Millisecond

// tell tells the queue how work ended, and reports whether it could: a queue
// that does not answer is told again for as long as the lane is leased and the
// engine runs. Otherwise nothing is lost either: the lane is delivered again
// when the lease ends.
func (e *Engine) tell(ctx context.Context, lane Lane, say func(context.Context) error) bool {
	for {
		saying, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.cfg.Lease)
		err := say(saying)
		cancel()
		again := time.Now().Add(tellEvery)
		if err == nil {
			return true
		}
		if ActionOf(err) != Retry || ctx.Err() != nil || !again.Before(lane.Expires) {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "lane not settled, it will be delivered again",
				slog.String("key", lane.Key), slog.Int("messages", len(lane.Messages)), slog.Any("error", err))
			return false
		}
		pause(ctx, again)
	}
}
