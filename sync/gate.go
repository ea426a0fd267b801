package sync

import "time"

// gate returns what keeps fields of a pair from being written at present: the
// flow's rollout, a switch that somebody threw, or the breaker.
func (e *Engine) gate(flow *Flow, link string, ends ...Ref) Gate {
	out := flow.Rollout.keepsOut(ends...)
	now := time.Now()
	return func(field string, to Side) string {
		switch {
		case out != "":
			return out
		case e.switches.suspended(flow.Name, field, to):
			return "switch"
		case e.breaker.tripped(link, field, now):
			return "breaker.oscillation"
		}
		return ""
	}
}

// watchFlips tells the breaker what was written, and the observer when that
// trips it.
func (r *reconciliation) watchFlips(decisions []Decision) {
	for i := range decisions {
		d := &decisions[i]
		if d.Outcome == Wrote && r.engine.breaker.wrote(r.link.ID, d.Field, d.After.String(), time.Now()) {
			r.engine.observe(Event{Type: EventTripped, Flow: r.flow.Name, Ref: r.ref, Decision: d})
		}
	}
}
