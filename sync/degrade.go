package sync

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// degraded returns what the system of an endpoint cannot hold at present.
func (e *Engine) degraded(end *Endpoint) map[string]string {
	if d, ok := e.cfg.Peers[end.System].Source.(Degrader); ok {
		return d.Degraded(end.Kind)
	}
	return nil
}

// drop takes back what a side did not take: its fields stay as they were
// agreed on, and so wait until the system can hold them again.
func (r *reconciliation) drop(s Side, plan *Plan, before Fields, res Result) {
	if len(res.Dropped) == 0 {
		return
	}
	plan.Unsettled = true
	for n := range res.Dropped {
		r.views[s].Record.Fields[n] = before[n]
	}
	for i := range r.planner.registers {
		if reg := &r.planner.registers[i]; slices.ContainsFunc(reg.names[s], func(n string) bool { return res.Dropped[n] != "" }) {
			r.rollback(reg, plan)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(res.Dropped)) {
		r.note(Entry{Kind: EntryFailed, Note: s.String() + ": " + n + " is not written: " + res.Dropped[n]})
	}
}

// rollback takes a register out of the next base.
func (r *reconciliation) rollback(reg *register, plan *Plan) {
	for _, s := range []Side{Left, Right} {
		was, next := r.base.side(s).Fields, plan.Base.side(s).Fields
		for _, n := range reg.names[s] {
			if v, agreed := was[n]; agreed {
				next[n] = v
			} else {
				delete(next, n)
			}
		}
	}
}

// health is what a system could not hold when it was last looked at.
type health map[Kind]map[string]string

// watchHealth checks the health of every system until ctx ends.
func (e *Engine) watchHealth(ctx context.Context) {
	last := map[System]health{}
	for {
		e.refreshSwitches(ctx)
		for _, system := range e.systems() {
			last[system] = e.checkHealth(ctx, system, last[system])
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

// checkHealth tells the observer which fields paused and which go on since
// the last check, and has the flows of the latter verified, so that what
// waited is caught up with.
func (e *Engine) checkHealth(ctx context.Context, system System, last health) health {
	now, mended := health{}, map[Kind]bool{}
	for _, p := range e.planners {
		for _, s := range []Side{Left, Right} {
			end := p.flow.End(s)
			if end.System != system {
				continue
			}
			if _, looked := now[end.Kind]; !looked {
				now[end.Kind] = maps.Clone(e.degraded(end))
				e.announce(EventDegraded, end, now[end.Kind], last[end.Kind])
				mended[end.Kind] = e.announce(EventRecovered, end, last[end.Kind], now[end.Kind]) > 0
			}
			if mended[end.Kind] {
				e.catchUp(ctx, p.flow.Name)
			}
		}
	}
	return now
}

// announce tells of the names that are in one map and not in the other.
func (e *Engine) announce(t EventType, end *Endpoint, in, not map[string]string) int {
	n := 0
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if _, known := not[name]; !known {
			n++
			e.observe(Event{Type: t, Ref: Ref{System: end.System, Kind: end.Kind}, Err: &Error{Op: "schema", Action: Denied,
				Field: name, Rule: in[name], Hint: "the field pauses until the system can hold it again"}})
		}
	}
	return n
}

// catchUp looks again at every pair whose fields waited.
func (e *Engine) catchUp(ctx context.Context, flow string) {
	if _, err := e.Verify(ctx, flow); err != nil && ctx.Err() == nil {
		e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot look for what waited; a verification will find it",
			slog.String("flow", flow), slog.Any("error", err))
	}
}
