package sync

import (
	"context"
	"time"
)

// passive reports whether nothing but signals of the systems asked for the
// look, and no edit waits. A person or a verification who asks gets a whole
// look.
func (r *reconciliation) passive() bool {
	return r.signalled() && !r.base.Unsettled && r.link.Intent == nil
}

// signalled is passive whatever state the pair is in.
func (r *reconciliation) signalled() bool {
	for i := range r.hints {
		switch r.hints[i].Reason {
		case ReasonWebhook, ReasonJournal, ReasonSweep, ReasonFact:
		default:
			return false
		}
	}
	return len(r.hints) > 0 && r.link.State == Active
}

// foretold reports whether the look can end before it began: the signals
// claim only what both sides have agreed on. So the echoes of our own writes
// cost no call at all. A claim that was overtaken by an edit does no harm: the
// edit sends a signal of its own.
func (r *reconciliation) foretold() bool {
	if !r.passive() || !r.claimAgreed() {
		return false
	}
	r.echoed()
	return true
}

// halfMade reports whether the signals claim only what both sides have agreed
// on, but the pair is not settled: most likely the record was just created,
// and the worker that did it is about to tell the other side. It goes on with
// or without this signal.
func (r *reconciliation) halfMade() bool {
	return r.signalled() && r.base.Unsettled && r.link.Intent == nil && r.claimAgreed()
}

// claimAgreed reports whether all signals claim nothing but what was agreed on.
func (r *reconciliation) claimAgreed() bool {
	if r.link.End(r.near) != r.ref {
		return false
	}
	for i := range r.hints {
		if !r.claimsAgreed(&r.hints[i]) {
			return false
		}
	}
	return true
}

// claimsAgreed reports whether a signal claims nothing but what was agreed on.
// Names that the flow does not map claim nothing that matters, nor does the
// record's own ID.
func (r *reconciliation) claimsAgreed(c *Change) bool {
	was := r.base.side(r.near).Fields
	for n, digest := range c.Witness {
		if n == IDField && digest == Text(c.Ref.ID).Digest() {
			continue
		}
		v, agreed := was[n]
		if r.planner.maps(r.near, n) && (!agreed || v.Digest() != digest) {
			return false
		}
	}
	return len(c.Witness) > 0
}

// unchanged reports whether the look can end here: the record is as both sides
// last agreed, and nothing has hinted at the other one.
func (r *reconciliation) unchanged() bool {
	near := r.views[r.near].Record
	if !r.passive() || len(r.entries) > 0 || r.link.End(r.near) != near.Ref || !r.agreed(r.near, near) {
		return false
	}
	r.echoed()
	return true
}

func (r *reconciliation) echoed() {
	r.engine.observe(Event{Type: EventEcho, Flow: r.flow.Name, Ref: r.ref})
}

// seenUnchanged notes when the record was last seen as agreed, which bounds
// the time of its next edit.
func (r *reconciliation) seenUnchanged(ctx context.Context) error {
	now := r.views[r.near].Record.UpdatedAt
	if !now.After(r.base.side(r.near).UpdatedAt) || r.hides(r.near) {
		return nil
	}
	base := r.base
	base.side(r.near).UpdatedAt = now
	return r.commit(ctx, &base, nil)
}

// witnessAge is how old a snapshot may be to stand for a record about which a
// signal claims nothing new. Whatever changed since sends a signal of its own.
const witnessAge = 5 * time.Second

// readNear reads the record that was hinted at, unless every hint claims only
// what a recent snapshot shows. A record that was never linked has no base
// that the snapshot could be older than.
func (r *reconciliation) readNear(ctx context.Context) (Record, error) {
	rec, ok := r.snapshot(r.near, r.ref, witnessAge)
	if ok && r.known(rec) && (r.link.Generation == 0 || r.agreed(r.near, rec)) {
		r.elided(r.ref)
		return rec, nil
	}
	return r.read(ctx, r.near, r.ref)
}

// known reports whether the hints tell nothing that the record does not show.
func (r *reconciliation) known(rec Record) bool {
	for i := range r.hints {
		if !r.hints[i].witnessed(rec) {
			return false
		}
	}
	return len(r.hints) > 0
}
