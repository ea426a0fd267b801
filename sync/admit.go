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
	link, err := r.engine.cfg.Store.Link(ctx, flow, from)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	switch why, err := r.engine.barred(flow, r.activity.System, from, link.Left, link.Right); {
	case err != nil || why == "":
		return err == nil, err
	case why == ruleSwitch:
		return false, r.wait(ruleSwitch, "it is recorded after the flow is resumed", time.Now().Add(guardWait))
	default:
		r.engine.observe(Event{Type: EventDecided, Flow: r.activity.flow(), Ref: r.fact.Subject,
			Decision: &Decision{Field: r.activity.Name, Outcome: Gated, Rule: why}})
		return false, nil
	}
}

// barred returns the rule by which nothing may be shown at present on those
// ends of a flow that are of a system, "" if there is none.
func (e *Engine) barred(flow string, system System, ends ...Ref) (rule string, err error) {
	p, err := e.plannerOf(flow)
	if err != nil {
		return "", err
	}
	if rule := p.flow.Rollout.keepsOut(ends...); rule != "" {
		return rule, nil
	}
	for _, s := range []Side{Left, Right} {
		if p.flow.End(s).System == system && e.switches.suspended(flow, "", s) {
			return ruleSwitch, nil
		}
	}
	return "", nil
}
