// Package breaker keeps calls away from a vendor that is down. A circuit opens
// after some faults in a row; until it closes nothing is sent but one probe at
// a time, and whoever wants to call is told when to ask again.
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
	// Faults in a row open a circuit, 6 by default.
	Faults int
	// Pause is how long it stays open before a probe, 5 s by default.
	Pause time.Duration
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
	steps  *gobreaker.TwoStepCircuitBreaker[struct{}]
	opened time.Time // when it last opened, zero while it is closed
}

// A Circuit is one that is not closed.
type Circuit struct {
	Family string
	// Since is when its first fault was, Why the last one.
	Since time.Time
	Why   string
}

// An OpenError says that a call was not made.
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
	c.Faults, c.Pause = cmp.Or(c.Faults, 6), cmp.Or(c.Pause, 5*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Breaker{cfg: c, circuits: map[string]*circuit{}}
}

// Enter asks for leave to make a call. If it may be made, its outcome must be
// told to the returned function: nil for any answer that shows the vendor at
// work, even a refusal; the caller's own [context.Canceled] for none; else the
// fault. Otherwise the error is an [*OpenError].
func (b *Breaker) Enter(family string) (leave func(fault error), err error) {
	c := b.circuit(family)
	done, err := c.steps.Allow()
	if err != nil {
		return nil, &OpenError{Name: b.cfg.Name, Family: family, Until: b.again(c, err)}
	}
	return func(fault error) {
		if !errors.Is(fault, context.Canceled) {
			b.outcome(c, fault)
		}
		done(fault)
	}, nil
}

// circuit returns that of a family.
func (b *Breaker) circuit(family string) *circuit {
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.circuits[family]
	if c == nil {
		c = &circuit{Circuit: Circuit{Family: family}}
		c.steps = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
			Name: family, MaxRequests: 1, Timeout: b.cfg.Pause,
			ReadyToTrip:   func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= uint32(b.cfg.Faults) },
			IsExcluded:    func(err error) bool { return errors.Is(err, context.Canceled) },
			OnStateChange: func(_ string, from, to gobreaker.State) { b.changed(c, from, to) },
		})
		b.circuits[family] = c
	}
	return c
}

// outcome notes why the circuit may open, or stay open.
func (b *Breaker) outcome(c *circuit, fault error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case fault == nil && c.opened.IsZero():
		c.Since = time.Time{}
	case fault != nil && c.Since.IsZero():
		c.Since = time.Now()
		fallthrough
	case fault != nil:
		c.Why = fault.Error()
	}
}

// changed notes and tells that a circuit opened or closed.
func (b *Breaker) changed(c *circuit, from, to gobreaker.State) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch to {
	case gobreaker.StateOpen:
		c.opened = time.Now()
		if from == gobreaker.StateClosed {
			b.cfg.Logger.Warn("circuit opened", slog.String("system", b.cfg.Name), slog.String("calls", c.Family), slog.String("why", c.Why))
		}
	case gobreaker.StateClosed:
		b.cfg.Logger.Info("circuit closed", slog.String("system", b.cfg.Name), slog.String("calls", c.Family),
			slog.Duration("down", time.Since(c.Since)))
		c.Since, c.Why, c.opened = time.Time{}, "", time.Time{}
	}
}

// again returns when to ask once more: after the pause, or soon when a probe
// is under way. Not everybody comes back at the same moment.
func (b *Breaker) again(c *circuit, err error) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := b.cfg.Pause / 10
	if errors.Is(err, gobreaker.ErrOpenState) {
		wait = time.Until(c.opened.Add(b.cfg.Pause))
	}
	return time.Now().Add(max(0, wait) + rand.N(b.cfg.Pause/5+1))
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
