package sync

import (
	"context"
	"errors"
	"time"
)

// gather finds the pair and reads both sides. It is not ready when there is
// nothing to do: the record is gone, or it has no counterpart and never had.
func (r *reconciliation) gather(ctx context.Context) (ready bool, err error) {
	if err := r.findLink(ctx, r.ref); err != nil {
		return false, err
	}
	if r.link.State == Erased {
		r.engine.observe(Event{Type: EventDropped, Flow: r.flow.Name, Ref: r.ref, Count: len(r.hints)})
		return false, nil // and nothing brings it back
	}
	if r.link.State == Detached {
		if err := r.commitInterrupted(ctx); err != nil {
			return false, err
		}
	}
	if r.foretold() {
		return false, nil
	}
	age := time.Since(r.since)
	if age < birthWait && r.link.Generation == 0 && r.engine.creates.any(r.ref) {
		return false, r.busy(2*busyWait, "the record may be one that is just being created")
	}
	if age < halfWait && r.halfMade() {
		return false, r.busy(8*busyWait, "the pair is just being made")
	}
	near, err := r.readNear(ctx)
	if err != nil {
		return false, err
	}
	if near.Deleted {
		return false, r.gone(ctx, r.near)
	}
	if ours, err := r.follow(ctx, r.near, near); err != nil || !ours {
		return false, err
	}
	r.views[r.near] = r.view(r.near, near)
	if r.unchanged() {
		if r.losses, err = r.lost(ctx); err != nil {
			return false, err
		}
		if len(r.losses) == 0 {
			return false, r.seenUnchanged(ctx)
		}
	}
	if ours, err := r.counterpart(ctx); err != nil || !ours {
		return false, err
	}
	return r.restored(ctx)
}

// How long a signal waits for the link of what may be just being created, and
// for the end of a creation.
const (
	birthWait = 500 * time.Millisecond
	halfWait  = 2 * time.Second
)

// findLink loads the link of ref and its base, or starts a new link.
func (r *reconciliation) findLink(ctx context.Context, ref Ref) error {
	link, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, ref)
	if errors.Is(err, ErrNotFound) {
		r.link = Link{ID: newID(), Flow: r.flow.Name, State: Pending}
		r.link.setEnd(r.near, ref)
		r.base = Base{}
		return nil
	}
	if err != nil {
		return err
	}
	return r.hold(ctx, link)
}

// hold makes the look one at an existing link.
func (r *reconciliation) hold(ctx context.Context, link Link) (err error) {
	if err := r.free(link); err != nil {
		return err
	}
	r.link = link
	r.base, err = r.engine.cfg.Store.Base(ctx, link.ID)
	return err
}

// The bounds of how long to leave a pair to the worker that writes to it.
const (
	busyWait     = 25 * time.Millisecond
	busyWaitMost = time.Second
)

// free is an error when a write to the pair is under way. The longer the signal
// has waited the longer it waits again: not by the time that the write takes, of
// which the systems tell when it is all but done.
func (r *reconciliation) free(link Link) error {
	now := time.Now()
	if link.Intent == nil || !link.Intent.Expires.After(now) {
		return nil
	}
	held, waited := now.Sub(link.Intent.Expires.Add(-r.engine.cfg.Lease)), now.Sub(r.since)
	return r.busy(min(max(busyWait, min(held, waited)/2), busyWaitMost), "the pair is being written to")
}

// busy is the error for a pair that is left to another worker for a while.
func (r *reconciliation) busy(wait time.Duration, why string) error {
	return &Error{Op: "reconcile", Action: RetryAt, Ref: r.ref, Rule: "link.busy",
		RetryAt: time.Now().Add(wait), Err: errors.New(why)}
}

// read asks a side for one record.
func (r *reconciliation) read(ctx context.Context, s Side, ref Ref) (rec Record, err error) {
	ctx, end := r.engine.span(ctx, Span{Op: OpRead, Flow: r.flow.Name, Ref: ref})
	defer func() { end(err) }()
	start := time.Now()
	recs, err := r.source(s).Read(ctx, ref.Kind, []string{ref.ID})
	if err != nil {
		return Record{}, err
	}
	if len(recs) != 1 {
		return Record{}, &Error{Op: "read", Action: Fatal, Ref: ref, Rule: "source.one-per-id",
			Hint: "this is a bug of the adapter", Err: errors.New("the source answered with another number of records")}
	}
	r.engine.observe(Event{Type: EventRead, Flow: r.flow.Name, Ref: ref, Duration: time.Since(start)})
	return recs[0], nil
}

// view wraps a record for the planner.
func (r *reconciliation) view(s Side, rec Record) View {
	v := View{Exists: true, Record: rec}
	if skewer, ok := r.source(s).(Skewer); ok {
		v.Skew = skewer.Skew()
	}
	return v
}

// gone detaches a link whose end on a side no longer exists. The other record
// is left alone: nobody is deleted because of an absence.
func (r *reconciliation) gone(ctx context.Context, s Side) error {
	if r.link.Generation == 0 || r.link.State == Detached {
		return nil
	}
	if err := r.allow(ctx, detachment); err != nil {
		return err
	}
	r.link.State, r.detached = Detached, true
	r.note(Entry{Kind: EntryDetached, Note: "the " + s.String() + " record is gone"})
	return r.unless(r.commit(ctx, r.interrupted(), nil))
}

// restored makes a detached link whole again when its records exist; it is
// false when the pair is to be left alone.
func (r *reconciliation) restored(ctx context.Context) (bool, error) {
	if r.link.State != Detached {
		return r.link.State != Erased, nil
	}
	switch {
	case r.views[Left].Exists && r.views[Right].Exists:
		r.link.State = Active
	case r.link.End(r.near.Other()).Zero(): // it never had a counterpart
		r.link.State = Pending
	case len(r.entries) > 0: // an end was merged
		return false, r.commit(ctx, nil, nil)
	default:
		return false, nil
	}
	r.note(Entry{Kind: EntryRestored, Note: "the record exists again"})
	return true, nil
}

// counterpart fills in the far side: by the link, else by identity. It is
// false when the far record turned out to belong to another link.
func (r *reconciliation) counterpart(ctx context.Context) (ours bool, err error) {
	far := r.near.Other()
	end := r.link.End(far)
	if end.Zero() {
		return true, r.match(ctx, far)
	}
	rec, err := r.readFar(ctx, far, end)
	if err != nil {
		return false, err
	}
	if rec.Deleted {
		return true, r.gone(ctx, far)
	}
	if ours, err := r.follow(ctx, far, rec); err != nil || !ours {
		return false, err
	}
	r.views[far] = r.view(far, rec)
	return true, nil
}

// readFar reads the far side, at which nothing has hinted, unless a recent
// snapshot shows it as it was last agreed on. Any other state needs a look:
// the snapshot may be older than what another process has agreed on since.
func (r *reconciliation) readFar(ctx context.Context, far Side, ref Ref) (Record, error) {
	if rec, ok := r.snapshot(far, ref, r.engine.cfg.SnapshotAge); ok && r.agreed(far, rec) {
		r.elided(ref)
		return rec, nil
	}
	return r.read(ctx, far, ref)
}

// snapshot returns the state that a side saw of a record not longer ago than
// age.
func (r *reconciliation) snapshot(s Side, ref Ref, age time.Duration) (Record, bool) {
	source, ok := r.source(s).(Snapshotter)
	if !ok || age <= 0 {
		return Record{}, false
	}
	return source.Snapshot(ref, time.Now().Add(-age))
}

func (r *reconciliation) elided(ref Ref) {
	r.engine.observe(Event{Type: EventRead, Flow: r.flow.Name, Ref: ref, Elided: true})
}

// agreed reports whether a record holds exactly what the base says.
func (r *reconciliation) agreed(s Side, rec Record) bool {
	return !rec.Deleted && r.planner.unchanged(s, rec.Fields, &r.base)
}
