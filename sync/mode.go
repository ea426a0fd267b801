package sync

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"
)

// A Mode is a way in which a part works on while something is wrong.
type Mode struct {
	// System is where, "" for the engine itself.
	System System `json:"system,omitempty"`
	// Name says what is done instead, such as "calls wait: records" or "field
	// paused: score".
	Name string `json:"name"`
	// Why is the cause, without values of records.
	Why string `json:"why,omitempty"`
	// Since is when it began, zero when that is not known.
	Since time.Time `json:"since,omitzero"`
}

// Health is how an engine is.
type Health struct {
	// Ready says that the store and the queue answer, so that this process
	// can take in webhooks and work. A system that is down does not change
	// it: what comes in waits.
	Ready bool `json:"ready"`
	// Store and Queue are why they do not answer, "" when they do.
	Store string `json:"store,omitempty"`
	Queue string `json:"queue,omitempty"`
	// Modes are those that are on, by system and name.
	Modes []Mode `json:"modes,omitempty"`
}

// Health asks the store and the queue, and tells in which modes the engine and
// the systems work.
func (e *Engine) Health(ctx context.Context) Health {
	var h Health
	if _, err := e.cfg.Store.Cursor(ctx, "health"); err != nil {
		h.Store = err.Error()
	}
	_, err := e.cfg.Queue.Stats(ctx, time.Now())
	if err != nil {
		h.Queue = err.Error()
	}
	if ctx.Err() == nil {
		e.doors.note(err)
	}
	h.Ready = h.Store == "" && h.Queue == ""
	h.Modes = e.Modes()
	return h
}

// Modes returns the modes that are on in this process: what a [Moder] tells,
// fields that pause, switches that are thrown, "work waits: store" while the
// store does not answer, and "webhooks refused" while the queue does not, so
// that receivers answer 503 and the vendors send again. While a feed cannot be
// read, a journal say, the mode is "without feed: " and its name: changes come
// by the system's webhooks and its sweep; "without sweep" is that of the sweep.
func (e *Engine) Modes() []Mode {
	modes := slices.Concat(e.footing.ailment.modes("work waits: store"), e.doors.modes("webhooks refused"))
	for _, p := range e.pulls() {
		modes = append(modes, e.without(p)...)
	}
	for _, system := range e.systems() {
		if m, ok := e.cfg.Peers[system].Source.(Moder); ok {
			for _, mode := range m.Modes() {
				mode.System = system
				modes = append(modes, mode)
			}
		}
	}
	seen := map[string]bool{}
	for _, p := range e.planners {
		for _, s := range []Side{Left, Right} {
			end := p.flow.End(s)
			for name, rule := range e.degraded(end) {
				mode := Mode{System: end.System, Name: "field paused: " + string(end.Kind) + "." + name, Why: rule}
				if key := string(mode.System) + mode.Name; !seen[key] {
					seen[key] = true
					modes = append(modes, mode)
				}
			}
		}
		for _, w := range e.switches.of(p.flow.Name) {
			modes = append(modes, Mode{Name: "suspended: " + w.String(), Why: w.Why, Since: w.At})
		}
	}
	slices.SortFunc(modes, func(a, b Mode) int { return cmp.Or(cmp.Compare(a.System, b.System), cmp.Compare(a.Name, b.Name)) })
	return modes
}

// without returns the mode of a feed that could not be read when it was last
// asked.
func (e *Engine) without(p pull) []Mode {
	feed := e.feeds[p.name]
	name, further := strings.CutPrefix(p.name, "feed:"+string(p.system)+":")
	modes := feed.modes("without sweep")
	if further {
		modes = feed.modes("without feed: " + name)
	}
	for i := range modes {
		modes[i].System = p.system
	}
	return modes
}
