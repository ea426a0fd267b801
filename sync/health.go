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

// watchHealth checks every system until ctx ends, and notes which flows fall
// behind on that account and which may go on.
func (e *Engine) watchHealth(ctx context.Context) {
	last := map[System]health{}
	behind := map[string]Cursor{} // by flow, what is to be stored
	for {
		_ = e.refreshSwitches(ctx) // those of the start hold
		for _, system := range e.systems() {
			last[system] = e.checkHealth(system, last[system], behind)
		}
		e.noteBehind(ctx, behind)
		select {
		case <-ctx.Done():
			return
		case <-time.After(healthInterval):
		}
	}
}

// noteBehind stores which flows are behind, and keeps those that it could not.
// It also lets those go on that fell behind before this process was there.
func (e *Engine) noteBehind(ctx context.Context, behind map[string]Cursor) {
	for _, p := range e.planners {
		flow := p.flow.Name
		to, news := behind[flow]
		var err error
		if news {
			err = e.behind(ctx, flow, to)
		}
		if err == nil {
			delete(behind, flow)
			err = e.letGo(ctx, p.flow)
		}
		if err != nil && ctx.Err() == nil {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot note that a flow is behind", slog.String("flow", flow), slog.Any("error", err))
		}
	}
}

// healthInterval is how often the systems are asked what they cannot hold, and
// the store which switches are thrown.
const healthInterval = 5 * time.Second

// checkHealth tells the observer which fields paused and which go on since the
// last check, and notes what that means for their flows.
func (e *Engine) checkHealth(system System, last health, behind map[string]Cursor) health {
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
			switch {
			case lacks(now[end.Kind], last[end.Kind]):
				behind[p.flow.Name] = due
			case lacks(last[end.Kind], now[end.Kind]) && behind[p.flow.Name] != due:
				behind[p.flow.Name] = waiting
			}
		}
	}
	return now
}

// lacks reports whether names of another map are not in this one.
func lacks(names, other map[string]string) bool {
	for name := range other {
		if _, there := names[name]; !there {
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
