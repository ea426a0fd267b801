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
	if r.echo() {
		return false, r.seenUnchanged(ctx)
	}
	if ours, err := r.counterpart(ctx); err != nil || !ours {
		return false, err
	}
	return r.restored(), nil
}

// echo reports whether the look can end here: the record is as both sides
// last agreed, and nothing has hinted at the other one. Most hints are like
// that, being echoes of our own writes, and cost one read at the most.
func (r *reconciliation) echo() bool {
	for i := range r.hints {
		if reason := r.hints[i].Reason; reason != ReasonWebhook && reason != ReasonSweep {
			return false
		}
	}
	near := r.views[r.near].Record
	if r.link.State != Active || r.link.End(r.near) != near.Ref || !r.planner.unchanged(r.near, near.Fields, &r.base) {
		return false
	}
	r.engine.observe(Event{Type: EventEcho, Flow: r.flow.Name, Ref: r.ref})
	return true
}

// seenUnchanged notes when the record was last seen as agreed, which bounds
// the time of its next edit.
func (r *reconciliation) seenUnchanged(ctx context.Context) error {
	now := r.views[r.near].Record.UpdatedAt
	if !now.After(r.base.side(r.near).UpdatedAt) {
		return nil
	}
	base := r.base
	base.side(r.near).UpdatedAt = now
	return r.commit(ctx, &base, nil)
}

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

// busyWait is how long to leave a pair to the worker that writes to it.
const busyWait = 25 * time.Millisecond

// free is an error when a write to the pair is under way.
func (r *reconciliation) free(link Link) error {
	now := time.Now()
	if link.Intent == nil || !link.Intent.Expires.After(now) {
		return nil
	}
	return &Error{Op: "reconcile", Action: RetryAt, Ref: r.ref, Rule: "link.busy",
		RetryAt: now.Add(busyWait), Err: errors.New("the pair is being written to")}
}

// read asks a side for one record.
func (r *reconciliation) read(ctx context.Context, s Side, ref Ref) (Record, error) {
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
	r.link.State = Detached
	r.note(Entry{Kind: EntryDetached, Note: "the " + s.String() + " record is gone"})
	return r.commit(ctx, nil, nil)
}

// restored makes a detached link whole again when its records exist; it is
// false when the pair is to be left alone.
func (r *reconciliation) restored() bool {
	if r.link.State != Detached {
		return true
	}
	switch {
	case r.views[Left].Exists && r.views[Right].Exists:
		r.link.State = Active
	case r.link.End(r.near.Other()).Zero(): // it never had a counterpart
		r.link.State = Pending
	default:
		return false
	}
	r.note(Entry{Kind: EntryRestored, Note: "the record exists again"})
	return true
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
