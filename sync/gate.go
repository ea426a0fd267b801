package sync

import (
	"context"
	"errors"
	"time"
)

// gate returns what keeps fields of a pair from being written at present: the
// flow's rollout, and what stops it.
func (e *Engine) gate(flow *Flow, link string, ends ...Ref) Gate {
	if out := flow.Rollout.keepsOut(ends...); out != "" {
		return func(string, Side) string { return out }
	}
	return e.stops(flow, link)
}

// stops returns what stops fields of a pair for a while: a switch that somebody
// threw, or the breaker.
func (e *Engine) stops(flow *Flow, link string) Gate {
	now := time.Now()
	return func(field string, to Side) string {
		switch {
		case e.switches.suspended(flow.Name, field, to):
			return ruleSwitch
		case e.breaker.tripped(link, field, now):
			return "breaker.oscillation"
		}
		return ""
	}
}

// ruleSwitch is the rule of what a switch keeps back.
const ruleSwitch = "switch"

// suspended has a creation wait that a switch keeps back: there is no link by
// which a verification would find it after the switch is put back.
func (r *reconciliation) suspended(plan *Plan) error {
	if r.views[Left].Exists && r.views[Right].Exists || !plan.Empty() {
		return nil
	}
	for i := range plan.Decisions {
		if d := &plan.Decisions[i]; d.Outcome == Gated && d.Rule == ruleSwitch {
			return &Error{Op: "reconcile", Action: RetryAt, Ref: r.ref, Rule: ruleSwitch, RetryAt: time.Now().Add(guardWait),
				Hint: "it is created after the flow is resumed", Err: errors.New("the flow is suspended")}
		}
	}
	return nil
}

// watchFlips tells the breaker what was written, and the observer when that
// trips it. Fields that flip are ones that other processes may have written,
// too: then the audit tells of theirs.
func (r *reconciliation) watchFlips(ctx context.Context, decisions []Decision) {
	now := time.Now()
	var inDoubt []*Decision
	for i := range decisions {
		d := &decisions[i]
		if d.Outcome != Wrote {
			continue
		}
		switch n := r.engine.breaker.wrote(r.link.ID, d.Field, d.After.String(), now); {
		case n == flipsAllowed:
			r.tripped(d)
		case n > 0 && n < flipsAllowed:
			inDoubt = append(inDoubt, d)
		}
	}
	if len(inDoubt) == 0 {
		return
	}
	all := r.written(ctx)
	for _, d := range inDoubt {
		if r.engine.breaker.learn(r.link.ID, d.Field, all[d.Field], now) >= flipsAllowed {
			r.tripped(d)
		}
	}
}

func (r *reconciliation) tripped(d *Decision) {
	r.engine.observe(Event{Type: EventTripped, Flow: r.flow.Name, Ref: r.ref, Decision: d})
}

// written lists what was written to the pair, by the field; nothing if the
// audit cannot be read.
func (r *reconciliation) written(ctx context.Context) map[string][]flip {
	entries, err := r.engine.entriesOf(ctx, AuditFilter{Link: r.link.ID})
	if err != nil {
		return nil
	}
	effects, all := effectsOf(entries), map[string][]flip{}
	for i := range entries {
		if d := entries[i].Decision; d != nil && effects[entries[i].Intent].of(d) {
			all[d.Field] = append(all[d.Field], flip{entries[i].At, d.After.String()})
		}
	}
	return all
}
