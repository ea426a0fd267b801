// Package breaker keeps calls away from a vendor that is down. A circuit opens
// after some faults in a row; until it closes nothing is sent but one probe at
// a time, and whoever wants to call is told when to ask again. Whose call met a
// fault learns whether it was its own or the vendor's, who is down.
package breaker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Config shapes the circuits of a vendor.
type Config struct {
	// Name is the vendor's, for the log.
	Name string
	// Faults in a row open a circuit, 3 by default, if the first of them is Row
	// ago, 500 ms by default: connections that break all at once are one fault.
	Faults int
	Row    time.Duration
	// Doubt is how long a call that met a fault waits at most for what the
	// others meet, 2 s by default: an answer says that the fault was its own,
	// an open circuit that it was the vendor's.
	Doubt time.Duration
	// Pause is how long a circuit stays open before a probe, 5 s by default.
	Pause time.Duration
	// Closed, if set, is told the family of each circuit that closes, so that
	// its calls can begin again slowly. It must not block.
	Closed func(family string)
	// Logger is told when a circuit opens and closes; nil is silent.
	Logger *slog.Logger
}

// A Breaker holds one circuit for each family of a vendor's operations.
// Methods may be called concurrently; it starts nothing.
type Breaker struct {
	cfg      Config
	mu       sync.Mutex
	circuits map[string]*circuit
}

// A circuit is that of one family.
type circuit struct {
	Circuit
	steps   *gobreaker.TwoStepCircuitBreaker[struct{}]
	opened  time.Time     // when it last opened, zero while it is closed
	verdict chan struct{} // closed when it is known what a fault or a probe means
}

// A Circuit is one that is not closed.
type Circuit struct {
	Family string
	// Since is when its first fault was, Why the last one.
	Since time.Time
	Why   string
}

// An OpenError says that a call was not made, or met a fault of a vendor that
// is down.
type OpenError struct {
	Name, Family string
	// Until is when to ask again.
	Until time.Time
}

func (e *OpenError) Error() string {
	return fmt.Sprintf("%s is down: calls (%s) wait until a probe gets through", e.Name, e.Family)
}

// New returns a breaker whose circuits are closed.
func New(c Config) *Breaker {
	c.Faults, c.Row = cmp.Or(c.Faults, 3), cmp.Or(c.Row, 500*time.Millisecond)
	c.Doubt, c.Pause = cmp.Or(c.Doubt, 2*time.Second), cmp.Or(c.Pause, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Closed == nil {
		c.Closed = func(string) {}
	}
	return &Breaker{cfg: c, circuits: map[string]*circuit{}}
}

// Enter asks for leave to make a call. If it may be made, its outcome must be
// told to the returned function: nil for any answer that shows the vendor at
// work, even a refusal; the caller's own [context.Canceled] for none; else the
// fault. For a fault that function waits until it is known whose it is, and
// returns nil if it is the call's own. All errors are [*OpenError]. Who comes
// while a probe is under way waits for what becomes of it.
//
// Only the first outcome counts. Whoever calls the host's own code meanwhile
// defers to tell none: a panic there would leave the probe under way for ever.
func (b *Breaker) Enter(ctx context.Context, family string) (leave func(ctx context.Context, fault error) error, err error) {
	c := b.circuit(family)
	verdict := b.pending(c)
	done, err := c.steps.Allow()
	if errors.Is(err, gobreaker.ErrTooManyRequests) {
		b.await(ctx, verdict)
		done, err = c.steps.Allow()
	}
	if err != nil {
		return nil, b.open(c, err)
	}
	began, told := time.Now(), false
	return func(ctx context.Context, fault error) error {
		if told {
			return nil
		}
		told = true
		if fault == nil && b.late(c, began) {
			fault = context.Canceled
		}
		if errors.Is(fault, context.Canceled) {
			done(fault)
			return nil
		}
		verdict := b.outcome(c, fault)
		done(fault)
		if fault == nil || !b.down(ctx, c, verdict) {
			return nil
		}
		return b.open(c, gobreaker.ErrOpenState)
	}, nil
}

// late reports whether an answer says nothing of the present doubt: the call was
// made before the first fault, when the vendor still was at work.
func (b *Breaker) late(c *circuit, began time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.opened.IsZero() && began.Before(c.Since)
}

// down waits for the verdict, and reports whether the vendor is.
func (b *Breaker) down(ctx context.Context, c *circuit, verdict <-chan struct{}) bool {
	if b.opened(c).IsZero() {
		b.await(ctx, verdict)
	}
	return !b.opened(c).IsZero()
}

// opened returns when the circuit opened, or another while this one met nothing
// but faults: who cannot read has nothing to write, so that the writes which
// failed stay too few to tell.
func (b *Breaker) opened(c *circuit) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !c.opened.IsZero() || c.Since.IsZero() {
		return c.opened
	}
	var last time.Time
	for _, other := range b.circuits {
		if other.opened.After(last) {
			last = other.opened
		}
	}
	return last
}

// pending returns what ends the present doubt.
func (b *Breaker) pending(c *circuit) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.verdict
}

// await waits for a verdict, but not for long.
func (b *Breaker) await(ctx context.Context, verdict <-chan struct{}) {
	timer := time.NewTimer(b.cfg.Doubt)
	defer timer.Stop()
	select {
	case <-verdict:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// circuit returns that of a family.
func (b *Breaker) circuit(family string) *circuit {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[family]
	if c == nil {
		c = &circuit{Circuit: Circuit{Family: family}, verdict: make(chan struct{})}
		c.steps = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name: family, MaxRequests: 1, Timeout: b.cfg.Pause,
			ReadyToTrip:   func(n gobreaker.Counts) bool { return b.trips(c, int(n.ConsecutiveFailures)) },
			IsExcluded:    func(err error) bool { return errors.Is(err, context.Canceled) },
			OnStateChange: func(_ string, from, to gobreaker.State) { b.changed(c, from, to) },
		})
		b.circuits[family] = c
	}
	return c
}

// trips reports whether so many faults in a row open the circuit.
func (b *Breaker) trips(c *circuit, faults int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return faults >= b.cfg.Faults && time.Since(c.Since) >= b.cfg.Row
}

// outcome notes why the circuit may open, or stay open, and returns what ends
// the doubt about a fault.
func (b *Breaker) outcome(c *circuit, fault error) (verdict <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	verdict = c.verdict
	switch {
	case fault == nil && c.opened.IsZero():
		c.Since = time.Time{}
		c.judge()
	case fault != nil && c.Since.IsZero():
		c.Since = time.Now()
		fallthrough
	case fault != nil:
		c.Why = fault.Error()
	}
	return verdict
}

// judge ends the doubt of all who met a fault so far or wait for a probe.
func (c *circuit) judge() {
	close(c.verdict)
	c.verdict = make(chan struct{})
}

// judgeAll ends the doubts of all circuits.
func (b *Breaker) judgeAll() {
	for _, c := range b.circuits {
		c.judge()
	}
}

// changed notes and tells that a circuit opened or closed.
func (b *Breaker) changed(c *circuit, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch to {
	case gobreaker.StateOpen:
		c.opened = time.Now()
		b.judgeAll()
		if from == gobreaker.StateClosed {
			b.cfg.Logger.Warn("circuit opened", slog.String("system", b.cfg.Name), slog.String("calls", c.Family), slog.String("why", c.Why))
		}
	case gobreaker.StateClosed:
		b.cfg.Logger.Info("circuit closed", slog.String("system", b.cfg.Name), slog.String("calls", c.Family),
			slog.Duration("down", time.Since(c.Since)))
		c.Since, c.Why, c.opened = time.Time{}, "", time.Time{}
		c.judge()
		b.cfg.Closed(c.Family)
	}
}

// open says when to ask again: after the pause, or soon when a probe is under
// way. Not everybody comes back at the same moment.
func (b *Breaker) open(c *circuit, err error) *OpenError {
	wait := b.cfg.Pause / 10
	if errors.Is(err, gobreaker.ErrOpenState) {
		wait = time.Until(b.opened(c).Add(b.cfg.Pause))
	}
	return &OpenError{Name: b.cfg.Name, Family: c.Family, Until: time.Now().Add(max(0, wait) + rand.N(b.cfg.Pause/5+1))}
}

// Open returns the circuits that are not closed, by family.
func (b *Breaker) Open() []Circuit {
	b.mu.Lock()
	all := make([]*circuit, 0, len(b.circuits))
	for _, c := range b.circuits {
		all = append(all, c)
	}
	b.mu.Unlock()
	var open []Circuit
	for _, c := range all {
		if c.steps.State() != gobreaker.StateClosed { // may call changed
			b.mu.Lock()
			open = append(open, c.Circuit)
			b.mu.Unlock()
		}
	}
	slices.SortFunc(open, func(a, b Circuit) int { return cmp.Compare(a.Family, b.Family) })
	return open
}
