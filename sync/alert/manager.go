package alert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Options are what a [Manager] is made of.
type Options struct {
	// Rules are those of [Rules] by default.
	Rules []Rule
	// Notifiers are told of every alert that is not silenced.
	Notifiers []Notifier
	// Queue, when not nil, is asked at each evaluation what waits in it.
	Queue sync.Queue
	// Systems are those that are swept.
	Systems []sync.System
	// Modes and Quotas, when not nil, are asked at each evaluation. They are
	// those of [sync.Engine.Modes] and [sync.Engine.Quotas]; the engine may be
	// made after the manager.
	Modes  func() []sync.Mode
	Quotas func() []sync.Quota
	// Lag is what counts as a late live change, 5 s by default.
	Lag time.Duration
	// Interval is how often the rules are evaluated, 10 s by default, and
	// Repeat how often an alert that lasts is told again, 4 h by default.
	Interval, Repeat time.Duration
	// Runbooks is the address of the page with the runbooks, such as that of
	// docs/operations.md; "#" and the name of the rule in lower case are appended.
	Runbooks string
	// Logger gets what could not be told; nil is silent.
	Logger *slog.Logger
	// Next, when not nil, is told every event too.
	Next sync.Observer
}

// A Manager evaluates rules and tells of what they find. It is safe for
// concurrent use.
type Manager struct {
	o Options

	mu       stdsync.Mutex
	state    State
	firing   map[string]*firing
	silences []Silence
}

// A firing is a case for as long as it holds, and until everybody was told of
// its end.
type firing struct {
	alert Alert
	wait  time.Duration
	told  []time.Time // when each notifier was last told, by its place
	ended []bool      // whether it was told of the end
}

// New makes a manager. It starts nothing.
func New(o Options) (*Manager, error) {
	if o.Rules == nil {
		o.Rules = Rules(Objectives{Lag: o.Lag})
	}
	names := map[string]bool{}
	for _, r := range o.Rules {
		if r.Name == "" || r.Check == nil || names[r.Name] {
			return nil, &sync.Error{Op: "new alerts", Action: sync.Fatal, Field: "Options.Rules", Rule: "rule",
				Hint: "give each rule a name of its own and a check", Err: fmt.Errorf("the rule %q cannot be used", r.Name)}
		}
		names[r.Name] = true
	}
	o.Lag = cmp.Or(o.Lag, Objectives{}.withDefaults().Lag)
	o.Interval = cmp.Or(o.Interval, 10*time.Second)
	o.Repeat = cmp.Or(o.Repeat, 4*time.Hour)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Manager{o: o, firing: map[string]*firing{}, state: State{
		Swept: map[sync.System]time.Time{}, Agreement: map[string]float64{}, Degraded: map[Field]string{}, Tripped: map[Trip]time.Time{},
	}}
	for _, s := range o.Systems {
		m.state.Swept[s] = time.Time{}
	}
	return m, nil
}

// Run evaluates the rules until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	ticker := time.NewTicker(m.o.Interval)
	defer ticker.Stop()
	for {
		m.Evaluate(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Evaluate checks every rule at a moment and tells the notifiers what is new.
// What a notifier does not take is told again at the next evaluation.
func (m *Manager) Evaluate(ctx context.Context, now time.Time) {
	m.look(ctx, now)
	m.mu.Lock()
	if m.state.Started.IsZero() {
		m.state.Started = now
	}
	seen := map[string]bool{}
	for i := range m.o.Rules {
		m.check(&m.o.Rules[i], now, seen)
	}
	for key, f := range m.firing {
		if !seen[key] && f.alert.Ended.IsZero() {
			f.alert.Ended = now
		}
	}
	due := m.due(now)
	m.mu.Unlock()
	for _, n := range due {
		m.tell(ctx, n, now)
	}
	m.forget()
}

// look asks for what nobody tells.
func (m *Manager) look(ctx context.Context, now time.Time) {
	var stats sync.QueueStats
	var err error
	if m.o.Queue != nil {
		limited, cancel := context.WithTimeout(ctx, m.o.Interval/2)
		stats, err = m.o.Queue.Stats(limited, now)
		cancel()
	}
	var modes []sync.Mode
	if m.o.Modes != nil {
		modes = m.o.Modes()
	}
	var quotas []sync.Quota
	if m.o.Quotas != nil {
		quotas = m.o.Quotas()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err == nil {
		m.state.QueueDown = time.Time{}
	} else if m.state.QueueDown.IsZero() {
		m.state.QueueDown = now
	}
	m.state.Queue, m.state.QueueErr, m.state.Modes, m.state.Quotas = stats, err, modes, quotas
}

// check notes the cases of one rule.
func (m *Manager) check(r *Rule, now time.Time, seen map[string]bool) {
	for _, c := range r.Check(&m.state, now) {
		a := Alert{Rule: r.Name, Severity: r.Severity, Summary: r.Summary, Description: c.Description, Labels: c.Labels, Since: now}
		if m.o.Runbooks != "" {
			a.Runbook = m.o.Runbooks + "#" + strings.ToLower(r.Name)
		}
		key := a.Key()
		seen[key] = true
		f := m.firing[key]
		if f == nil || !f.alert.Ended.IsZero() {
			m.firing[key] = &firing{alert: a, wait: r.For, told: make([]time.Time, len(m.o.Notifiers)), ended: make([]bool, len(m.o.Notifiers))}
			continue
		}
		f.alert.Description = c.Description
	}
}

// A notice is an alert to be told to one notifier.
type notice struct {
	key   string
	alert Alert
	to    int
}

// due returns what is to be told now.
func (m *Manager) due(now time.Time) []notice {
	var out []notice
	for key, f := range m.firing {
		for i := range m.o.Notifiers {
			over := !f.alert.Ended.IsZero()
			first := f.told[i].IsZero()
			switch {
			case over && (first || f.ended[i]): // nobody knew of it, or everybody knows
			case !over && now.Sub(f.alert.Since) < f.wait:
			case !over && !first && now.Sub(f.told[i]) < m.o.Repeat:
			case slices.ContainsFunc(m.silences, func(s Silence) bool { return s.covers(&f.alert, now) }):
			default:
				out = append(out, notice{key, f.alert, i})
			}
		}
	}
	slices.SortFunc(out, func(a, b notice) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.to, b.to)) })
	return out
}

// tell tells a notifier and notes that it was told.
func (m *Manager) tell(ctx context.Context, n notice, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, notifyTimeout)
	defer cancel()
	if err := m.o.Notifiers[n.to].Notify(ctx, n.alert); err != nil {
		m.o.Logger.LogAttrs(ctx, slog.LevelError, "an alert could not be told", slog.String("alert", n.key), slog.Any("error", err))
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if f := m.firing[n.key]; f != nil && f.alert.Since.Equal(n.alert.Since) {
		f.told[n.to], f.ended[n.to] = now, !n.alert.Ended.IsZero()
	}
}

// notifyTimeout bounds one call of a notifier.
const notifyTimeout = 10 * time.Second

// forget drops the alerts that are over and of whose end everybody was told
// who was told of them.
func (m *Manager) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, f := range m.firing {
		open := false
		for i := range f.told {
			open = open || !f.told[i].IsZero() && !f.ended[i]
		}
		if !f.alert.Ended.IsZero() && !open {
			delete(m.firing, key)
		}
	}
}

// Active returns the alerts that hold now and have for as long as their rules
// ask, by their keys.
func (m *Manager) Active(now time.Time) []Alert {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []Alert
	for _, f := range m.firing {
		if f.alert.Ended.IsZero() && now.Sub(f.alert.Since) >= f.wait {
			out = append(out, f.alert)
		}
	}
	slices.SortFunc(out, func(a, b Alert) int { return cmp.Compare(a.Key(), b.Key()) })
	return out
}

// Test sends an alert and its end to every notifier and returns what went
// wrong.
func (m *Manager) Test(ctx context.Context, now time.Time) error {
	a := Alert{Rule: "Test", Severity: Info, Summary: "This is a test.", Description: "somebody asked for it", Since: now}
	var errs []error
	for i, n := range m.o.Notifiers {
		for _, a.Ended = range []time.Time{{}, now} {
			if err := n.Notify(ctx, a); err != nil {
				errs = append(errs, fmt.Errorf("notifier %d: %w", i, err))
				break
			}
		}
	}
	return errors.Join(errs...)
}
