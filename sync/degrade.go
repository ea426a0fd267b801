package sync

import (
	"maps"
	"slices"
)

// degraded returns what the system of an endpoint cannot hold at present.
func (e *Engine) degraded(end *Endpoint) map[string]string {
	if d, ok := e.cfg.Peers[end.System].Source.(Degrader); ok {
		return d.Degraded(end.Kind)
	}
	return nil
}

// both joins what a system could not hold before it was read and what it
// cannot hold now: a field that came back in between was read as if blank.
func both(before, now map[string]string) map[string]string {
	if len(before) == 0 {
		return now
	}
	all := maps.Clone(before)
	maps.Copy(all, now)
	return all
}

// hides reports whether there are fields of a side that cannot be seen, and so
// may have been edited without anybody knowing.
func (r *reconciliation) hides(s Side) bool {
	for n := range both(r.degraded[s], r.engine.degraded(r.flow.End(s))) {
		if r.planner.maps(s, n) {
			return true
		}
	}
	return false
}

// drop takes back what a side did not take: its fields stay as they were
// agreed on, and so wait until the system can hold them again. So do the times,
// since an edit that waits may be older than what was read.
func (r *reconciliation) drop(s Side, plan *Plan, before Fields, res Result) {
	if len(res.Dropped) == 0 {
		return
	}
	plan.Unsettled = true
	for _, s := range []Side{Left, Right} {
		plan.Base.side(s).UpdatedAt = r.base.side(s).UpdatedAt
	}
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
