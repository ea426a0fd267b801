package sync

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// health is what a system could not hold when it was last looked at.
type health map[Kind]map[string]string

// watchHealth checks every system until ctx ends, and has the flows verified
// whose fields go on, so that what waited is caught up with.
func (e *Engine) watchHealth(ctx context.Context) {
	last := map[System]health{}
	behind := map[string]bool{} // flows
	for {
		_ = e.refreshSwitches(ctx) // those of the start hold
		for _, system := range e.systems() {
			last[system] = e.checkHealth(system, last[system], behind)
		}
		for _, p := range e.planners {
			if behind[p.flow.Name] && e.catchUp(ctx, p.flow.Name) {
				delete(behind, p.flow.Name)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(healthInterval):
		}
	}
}

// healthInterval is how often the systems are asked what they cannot hold, and
// the store which switches are thrown.
const healthInterval = 5 * time.Second

// checkHealth tells the observer which fields paused and which go on since the
// last check, and notes the flows of the latter.
func (e *Engine) checkHealth(system System, last health, behind map[string]bool) health {
	now := health{}
	for _, p := range e.planners {
		for _, s := range []Side{Left, Right} {
			end := p.flow.End(s)
			if end.System != system {
				continue
			}
			if _, looked := now[end.Kind]; !looked {
				now[end.Kind] = maps.Clone(e.degraded(end))
				e.announce(EventDegraded, end, now[end.Kind], last[end.Kind])
				e.announce(EventRecovered, end, last[end.Kind], now[end.Kind])
			}
			behind[p.flow.Name] = behind[p.flow.Name] || mended(last[end.Kind], now[end.Kind])
		}
	}
	return now
}

// mended reports whether a name went on.
func mended(last, now map[string]string) bool {
	for name := range last {
		if _, still := now[name]; !still {
			return true
		}
	}
	return false
}

// announce tells of the names that are in one map and not in the other.
func (e *Engine) announce(t EventType, end *Endpoint, in, not map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if _, known := not[name]; !known {
			e.cfg.Logger.Warn("a field is "+string(t), slog.String("system", string(end.System)), slog.String("kind", string(end.Kind)),
				slog.String("field", name), slog.String("rule", in[name]))
			e.observe(Event{Type: t, Ref: Ref{System: end.System, Kind: end.Kind}, Err: &Error{Op: "schema", Action: Denied,
				Field: name, Rule: in[name], Hint: "the field pauses until the system can hold it again"}})
		}
	}
}

// catchUp looks again at every pair whose fields waited, and reports whether
// it could.
func (e *Engine) catchUp(ctx context.Context, flow string) bool {
	err := e.safely(ctx, func() (err error) { _, err = e.Verify(ctx, flow); return err })
	if err != nil && ctx.Err() == nil {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot look for what waited yet", slog.String("flow", flow), slog.Any("error", err))
	}
	return err == nil
}
