package sync

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"
)

// An Approval bounds a look to what a [Forecast] found in one flow.
type Approval struct {
	Flow string `json:"flow"`
	// Digest is that of the [ForecastItem].
	Digest string `json:"digest"`
}

// ApplyForecast enqueues a look at each record of a forecast for which the
// same would still be written, and returns those for which the world has moved
// since, or which the rollout keeps out: look at them again first. One that moves after that, before its look,
// is left alone as well and ends in the dead letters by the rule
// "forecast.moved", unless a signal of its own has the look made anyway.
func (e *Engine) ApplyForecast(ctx context.Context, f Forecast) (moved []Ref, err error) {
	p, err := e.plannerOf(f.Flow)
	if err != nil {
		return nil, err
	}
	ctx = WithPriority(ctx, Backfill)
	m := e.meter(f.Flow, "apply "+f.Flow)
	m.Total = len(f.Items)
	refs := make([]Ref, len(f.Items))
	for i := range f.Items {
		refs[i] = f.Items[i].Ref
	}
	err = e.foreseeAll(ctx, p, m, refs, func(i int, s *foreseen) error {
		if s.err != nil || s.plan.Empty() || s.look.keptOut() || s.look.digest(&s.plan) != f.Items[i].Digest {
			moved = append(moved, refs[i])
			return nil
		}
		return e.Enqueue(ctx, Change{ID: "forecast:" + newID(), Ref: refs[i], Reason: ReasonVerify, Priority: Backfill,
			Approved: &Approval{Flow: f.Flow, Digest: f.Items[i].Digest}})
	})
	return moved, err
}

// approvals returns the digests that changes approve of in a flow. They bind
// nobody if one of the changes needs no approval.
func approvals(flow string, changes []Change) (digests []string, bound bool) {
	for i := range changes {
		switch a := changes[i].Approved; {
		case a == nil:
			return nil, false
		case a.Flow == flow:
			digests = append(digests, a.Digest)
		}
	}
	return digests, true
}

// approved is an error when only a forecast asked for the look, and something
// else would be written by now than it found. What was begun is finished: then
// less is left to write.
func (r *reconciliation) approved(ctx context.Context, plan *Plan) error {
	if r.approvals == nil || r.wrote || plan.Empty() || slices.Contains(r.approvals, r.digest(plan)) {
		return nil
	}
	begun := false
	err := r.engine.eachEntry(ctx, AuditFilter{Link: r.link.ID}, func(n *Entry) {
		begun = begun || n.Decision != nil && n.Intent != "" && slices.ContainsFunc(r.causes, func(id string) bool { return slices.Contains(n.Causes, id) })
	})
	if begun || err != nil {
		return err
	}
	return &Error{Op: "apply forecast", Action: Invalid, Ref: r.ref, Rule: "forecast.moved",
		Hint: "make the forecast of this record again, apply that, and discard this", Err: errors.New("something else would be written than was approved")}
}

// digest identifies the writes of a plan, and to which records they go.
func (r *reconciliation) digest(plan *Plan) string {
	h := sha256.New()
	for _, s := range []Side{Left, Right} {
		for _, n := range slices.Sorted(maps.Keys(plan.Writes[s])) {
			line, _ := json.Marshal([]any{s.String(), r.views[s].Record.ID, n, plan.Writes[s][n]}) // a value always encodes
			_, _ = h.Write(line)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
