// Package ratelimit keeps calls within a vendor's quota, together with
// everybody else who draws on it.
//
// A [Window] never lets more calls pass in any span of time than the quota
// has, spreads them evenly so that nobody waits long behind a burst, serves
// priorities by shares, and learns from answers what others use of the quota.
package ratelimit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A TooLongError tells that leave would come only after the caller's deadline.
type TooLongError struct {
	// Until is when it is worth asking again.
	Until time.Time
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("the rate limit gives no leave before %s", e.Until.UTC().Format(time.RFC3339))
}

// Unwrap tells that a deadline is what stands in the way.
func (e *TooLongError) Unwrap() error { return context.DeadlineExceeded }

// Config describes a quota.
type Config struct {
	// Limit is how many calls may be made in any span of Per; answers may
	// tell better, see [Place.Told].
	Limit int
	Per   time.Duration
	// InFlight bounds the calls that wait for their answers; 0: no bound.
	InFlight int
	// Weights are the priorities' shares; zero: [DefaultWeights].
	Weights Weights
	// Permits, if set, is the quota called Name as the processes share it.
	Permits sync.Permits
	Name    string
	// Alone is the part of the quota that is used while the permits cannot be
	// had; 0: a quarter.
	Alone float64
	// Logger is told when that begins and ends; nil is silent.
	Logger *slog.Logger
}

// A Window gives leave to make calls. It runs no goroutine and, while nobody
// waits, no timer. Methods may be called concurrently.
type Window struct {
	cfg Config

	mu    stdsync.Mutex
	limit int
	per   time.Duration
	until time.Time // paused
	open  int       // calls that wait for their answers
	// ends is when each answered call's place falls free. The server counted
	// it some time between its start and its answer.
	ends    []time.Time
	calls   uint64    // started so far
	started time.Time // the last of them
	bulk    time.Time // the last of bulk work

	tokens float64 // of calls that may start at once
	paced  time.Time

	news   news
	cuts   cuts
	ramp   time.Time // began
	shared shared
	line   line
	timer  *time.Timer
}

// New returns a window, all free. It starts nothing.
func New(cfg Config) *Window {
	if cfg.Weights == (Weights{}) {
		cfg.Weights = DefaultWeights
	}
	if cfg.Alone <= 0 {
		cfg.Alone = 0.25
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	w := &Window{cfg: cfg, limit: max(cfg.Limit, 1), per: cfg.Per, cuts: cuts{rate: 1}, line: line{weights: cfg.Weights}}
	w.tokens = w.burst()
	return w
}

// A Place is the leave for one call. Its methods may be called in any order
// and concurrently.
type Place struct {
	w       *Window
	number  uint64
	used    int // places in use when the call started, its own included
	started time.Time
	over    bool
}

// Wait returns when one call of the context's priority may start; release the
// place when it was answered. It returns the context's error when that ends
// first, and at once a [*TooLongError] when leave would come only after the
// context's deadline.
func (w *Window) Wait(ctx context.Context) (*Place, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	me := &waiter{priority: sync.PriorityOf(ctx), since: time.Now(), wake: make(chan errand, errands)}
	if at, ok := w.enter(ctx, me); !ok {
		return nil, &TooLongError{Until: at}
	}
	for {
		select {
		case e := <-me.wake:
			if e == goOn {
				return me.place, nil
			}
			w.fetch(ctx)
		case <-ctx.Done():
			return nil, w.giveUp(me, ctx.Err())
		}
	}
}

// enter puts a waiter into the line, unless it is known already that its
// deadline comes first.
func (w *Window) enter(ctx context.Context, me *waiter) (time.Time, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.line.push(me)
	w.dispatch()
	end, bound := ctx.Deadline()
	if me.place != nil || !bound {
		return time.Time{}, true
	}
	at, known := w.next(time.Now(), w.reserve(me.priority))
	if known && at.After(end) {
		w.leave(me)
		w.dispatch()
		return at, false
	}
	return at, true
}

// giveUp takes a waiter out whose context has ended.
func (w *Window) giveUp(me *waiter, err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leave(me)
	at, known := w.next(time.Now(), w.reserve(me.priority))
	w.dispatch()
	if errors.Is(err, context.DeadlineExceeded) && known {
		return &TooLongError{Until: at}
	}
	return err
}

// leave takes a waiter out, with its place and its errand. The lock is held.
func (w *Window) leave(me *waiter) {
	if me.place != nil {
		me.place.undo()
	} else {
		w.line.leave(me)
	}
	for len(me.wake) > 0 {
		if e := <-me.wake; e == fetchPermits {
			w.shared.fetching = false // somebody else must go
		}
	}
}

// Release tells that the call was answered, or never will be.
func (p *Place) Release() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	if !p.over {
		p.over = true
		p.w.open--
		p.w.ends = append(p.w.ends, time.Now().Add(p.w.per))
		p.w.dispatch()
	}
}

// Return gives a place back in which no call was made.
func (p *Place) Return() {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.undo()
	p.w.dispatch()
}

func (p *Place) undo() {
	if !p.over {
		p.over = true
		p.w.open--
		p.w.tokens++
		p.w.shared.credit++
	}
}

// Pause holds all calls back until the moment given. A pause never shortens an
// earlier one.
func (w *Window) Pause(until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until.After(w.until) {
		w.until = until
		w.dispatch()
	}
}

// dispatch serves the line as far as the quota goes, and sets the timer for
// what is left. The lock is held.
func (w *Window) dispatch() {
	now := time.Now()
	for head := w.line.head(); head != nil; head = w.line.head() {
		at, known := w.next(now, w.reserve(head.priority))
		if !known || at.After(now) {
			w.wakeAt(at, known)
			return
		}
		if !w.permitted(now, head) {
			return
		}
		w.line.serve()
		if head.priority.Bulk() {
			w.bulk = now
		}
		head.place = w.take(now)
		head.wake <- goOn
	}
	w.wakeAt(time.Time{}, false)
}

// take counts one call in.
func (w *Window) take(now time.Time) *Place {
	w.open++
	w.calls++
	w.tokens--
	w.started = now
	return &Place{w: w, number: w.calls, used: w.open + len(w.ends), started: now}
}

func (w *Window) wakeAt(at time.Time, set bool) {
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	if set {
		w.timer = time.AfterFunc(time.Until(at), func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.dispatch()
		})
	}
}
