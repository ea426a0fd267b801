package sync

import (
	"context"
	"errors"
	"time"
)

// An activity is shown on the records that flows lead to, and so it is written
// where they may write: not in shadow, not on pairs that a rollout keeps out,
// and not while a switch suspends them.

// admitted reports whether the activity may be written. One that a rollout keeps
// out is not made up for later: until the flow is open to the pair, something
// else records its facts. One that a switch keeps back waits.
func (r *recording) admitted(ctx context.Context) (bool, error) {
	for i := range r.activity.Relate {
		rel := &r.activity.Relate[i]
		if from, ok := rel.of(r.fact); ok && rel.Flow != "" && (rel.Required || i == 0) {
			in, err := r.admittedBy(ctx, rel.Flow, from)
			if err != nil || !in {
				return false, err
			}
		}
	}
	return true, nil
}

// admittedBy asks one flow.
func (r *recording) admittedBy(ctx context.Context, flow string, from Ref) (bool, error) {
	p, err := r.engine.plannerOf(flow)
	if err != nil {
		return false, err
	}
	link, err := r.engine.cfg.Store.Link(ctx, flow, from)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	if why := p.flow.Rollout.keepsOut(from, link.Left, link.Right); why != "" {
		r.engine.observe(Event{Type: EventDecided, Flow: r.activity.flow(), Ref: r.fact.Subject,
			Decision: &Decision{Field: r.activity.Name, Outcome: Gated, Rule: why}})
		return false, nil
	}
	for _, s := range []Side{Left, Right} {
		if p.flow.End(s).System == r.activity.System && r.engine.switches.suspended(flow, "", s) {
			return false, r.wait(ruleSwitch, "it is recorded after the flow is resumed", time.Now().Add(guardWait))
		}
	}
	return true, nil
}
