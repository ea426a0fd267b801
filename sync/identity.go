package sync

import (
	"context"
	"errors"
	"slices"
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
	if err := r.follow(ctx, r.near, near); err != nil {
		return false, err
	}
	r.views[r.near] = r.view(r.near, near)
	if err := r.counterpart(ctx); err != nil {
		return false, err
	}
	return r.restored(ctx)
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
	if link.Intent != nil && link.Intent.Expires.After(time.Now()) {
		return &Error{Op: "reconcile", Action: RetryAt, Ref: ref, Rule: "link.busy",
			RetryAt: time.Now().Add(25 * time.Millisecond), Err: errors.New("the pair is being written to")}
	}
	r.link = link
	r.base, err = r.engine.cfg.Store.Base(ctx, link.ID)
	return err
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

// restored makes a detached link active again when both records exist.
func (r *reconciliation) restored(context.Context) (bool, error) {
	if !r.views[Left].Exists && !r.views[Right].Exists {
		return false, nil
	}
	if r.link.State == Detached {
		if !r.views[Left].Exists || !r.views[Right].Exists {
			return false, nil
		}
		r.link.State = Active
		r.note(Entry{Kind: EntryRestored, Note: "both records exist again"})
	}
	return true, nil
}

// follow moves an end of the link after a merge: the record answered under
// another id than was asked.
func (r *reconciliation) follow(ctx context.Context, s Side, rec Record) error {
	was := r.link.End(s)
	if was.ID == rec.ID {
		return nil
	}
	survivor, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, rec.Ref)
	switch {
	case errors.Is(err, ErrNotFound):
		r.link.setEnd(s, rec.Ref)
		if r.link.Generation > 0 {
			r.note(Entry{Kind: EntryRelinked, Note: "merged: " + was.String() + " is now " + rec.Ref.String()})
		}
		return nil
	case err != nil:
		return err
	}
	if r.link.Generation > 0 && r.link.ID != survivor.ID && r.link.State != Detached {
		r.link.State = Detached
		r.note(Entry{Kind: EntryDetached, Note: "merged into " + rec.Ref.String() + ", which has a link of its own"})
		if err := r.commit(ctx, nil, nil); err != nil {
			return err
		}
	}
	return r.findLink(ctx, rec.Ref)
}

// counterpart fills in the far side: by the link, else by identity.
func (r *reconciliation) counterpart(ctx context.Context) error {
	far := r.near.Other()
	if end := r.link.End(far); !end.Zero() {
		rec, err := r.readFar(ctx, far, end)
		if err != nil {
			return err
		}
		if rec.Deleted {
			return r.gone(ctx, far)
		}
		if err := r.follow(ctx, far, rec); err != nil {
			return err
		}
		r.views[far] = r.view(far, rec)
		return nil
	}
	return r.match(ctx, far)
}

// readNear reads the record that was hinted at, unless every hint claims only
// what a recent snapshot shows.
func (r *reconciliation) readNear(ctx context.Context) (Record, error) {
	if rec, ok := r.snapshot(r.near, r.ref); ok && r.known(rec) {
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
// snapshot shows it.
func (r *reconciliation) readFar(ctx context.Context, far Side, ref Ref) (Record, error) {
	if rec, ok := r.snapshot(far, ref); ok {
		return rec, nil
	}
	return r.read(ctx, far, ref)
}

// snapshot returns the state that a side saw of a record a moment ago.
func (r *reconciliation) snapshot(s Side, ref Ref) (Record, bool) {
	age := r.engine.cfg.SnapshotAge
	source, ok := r.source(s).(Snapshotter)
	if !ok || age < 0 {
		return Record{}, false
	}
	rec, ok := source.Snapshot(ref, time.Now().Add(-age))
	if ok {
		r.engine.observe(Event{Type: EventRead, Flow: r.flow.Name, Ref: ref, Elided: true})
	}
	return rec, ok
}

// match looks for the counterpart by the flow's identities.
func (r *reconciliation) match(ctx context.Context, far Side) error {
	matcher, ok := r.source(far).(Matcher)
	if !ok {
		return nil
	}
	probe, err := r.probe(far)
	if err != nil || len(probe) == 0 {
		return err
	}
	matches, err := matcher.Match(ctx, r.flow.End(far).Kind, []Probe{probe})
	if err != nil {
		return err
	}
	if len(matches) != 1 {
		return &Error{Op: "match", Action: Fatal, Ref: r.ref, Rule: "source.one-per-probe",
			Hint: "this is a bug of the adapter", Err: errors.New("the source answered with another number of matches")}
	}
	return r.take(ctx, far, matches[0])
}

// probe builds the ladder of keys from the near record.
func (r *reconciliation) probe(far Side) (Probe, error) {
	rec := r.views[r.near].Record
	var probe Probe
	for i := range r.flow.Identity {
		id := &r.flow.Identity[i]
		v, err := id.lens(r.near).Get(rec.Fields)
		if err != nil {
			return nil, inField(err, id.Name, rec.Ref)
		}
		if v.Blank() {
			continue
		}
		raw, err := id.lens(far).Put(v, nil)
		if err != nil {
			return nil, inField(err, id.Name, rec.Ref)
		}
		name := id.lens(far).Names()[0]
		probe = append(probe, Key{Name: name, Value: raw[name]})
	}
	return probe, nil
}

// take accepts the only candidate of a match. Several candidates, or one that
// is linked to somebody else, are never guessed at.
func (r *reconciliation) take(ctx context.Context, far Side, m Match) error {
	r.engine.observe(Event{Type: EventMatched, Flow: r.flow.Name, Ref: r.ref, Count: len(m.Candidates)})
	switch len(m.Candidates) {
	case 0:
		return nil
	case 1:
	default:
		refs := make([]string, len(m.Candidates))
		for i := range m.Candidates {
			refs[i] = m.Candidates[i].Ref.String()
		}
		slices.Sort(refs)
		return r.ambiguous(m.By, "several records match", refs)
	}
	candidate := m.Candidates[0]
	other, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, candidate.Ref)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case other.ID != r.link.ID && (other.State != Pending || !other.End(r.near).Zero()):
		return r.ambiguous(m.By, "the match is linked to another record", []string{candidate.Ref.String(), other.End(r.near).String()})
	case other.ID != r.link.ID:
		// The candidate waits, alone on its link, for exactly this record.
		return r.join(ctx, far, other, candidate, m.By)
	}
	r.link.setEnd(far, candidate.Ref)
	r.link.Evidence = m.By
	r.note(Entry{Kind: EntryLinked, Note: "matched by " + m.By})
	r.views[far] = r.view(far, candidate)
	return nil
}

// join takes over the pending link of the candidate.
func (r *reconciliation) join(ctx context.Context, far Side, other Link, candidate Record, by string) error {
	near := r.link.End(r.near)
	if r.link.Generation > 0 || other.Intent != nil && other.Intent.Expires.After(time.Now()) {
		return &Error{Op: "match", Action: RetryAt, Ref: r.ref, Rule: "link.busy",
			RetryAt: time.Now().Add(25 * time.Millisecond), Err: errors.New("the matching record is being linked")}
	}
	r.link = other
	r.link.setEnd(r.near, near)
	r.link.Evidence = by
	r.note(Entry{Kind: EntryLinked, Note: "matched by " + by})
	r.views[far] = r.view(far, candidate)
	return nil
}

// ambiguous is the error for a match that needs a person.
func (r *reconciliation) ambiguous(by, what string, refs []string) error {
	text := what + " by " + by + ":"
	for _, ref := range refs {
		text += " " + ref
	}
	return &Error{Op: "match", Action: Invalid, Ref: r.ref, Rule: "identity.ambiguous",
		Hint: "merge the records or correct the identity, then replay", Err: errors.New(text)}
}
