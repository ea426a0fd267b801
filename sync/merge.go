package sync

import (
	"context"
	"errors"
	"time"
)

// mergedAway is the evidence of a link whose record was merged into one of
// another link.
const mergedAway = "merged away"

// follow moves an end of the link after a merge: the record answered under
// another id than was asked. It is false when the far record now belongs to
// another link, so that there is nothing to compare with.
func (r *reconciliation) follow(ctx context.Context, s Side, rec Record) (ours bool, err error) {
	if r.link.End(s).ID == rec.ID {
		return true, nil
	}
	survivor, found, err := r.survivor(ctx, s, rec)
	if err != nil {
		return false, err
	}
	if !found || survivor.ID == r.link.ID {
		r.move(s, rec.Ref)
		return true, nil
	}
	if crossed, err := r.crossed(ctx, s, survivor, rec.Ref); crossed || err != nil {
		return err == nil, err
	}
	if r.link.Generation > 0 && r.link.State != Detached {
		r.link.State, r.link.Evidence = Detached, mergedAway
		entry := Entry{Kind: EntryDetached, Note: "merged into " + rec.Ref.String() + ", which has a link of its own"}
		if s == Left {
			entry.Left = rec.Ref
		} else {
			entry.Right = rec.Ref
		}
		r.note(entry)
		if err := r.commit(ctx, nil, nil); err != nil {
			return false, err
		}
	}
	if s != r.near {
		return false, nil
	}
	if survivor.End(s).Zero() {
		return false, r.elsewhere(rec.Ref)
	}
	return false, r.elsewhere(survivor.End(s))
}

// crossed gives the link an end whose link lost its other end to this one: of two
// pairs were merged the left records into that of the one, and the right records
// into that of the other. To leave both detached would part the two that remain.
func (r *reconciliation) crossed(ctx context.Context, s Side, other Link, now Ref) (bool, error) {
	if r.link.Generation == 0 || other.State != Detached || other.Evidence != mergedAway {
		return false, nil
	}
	merged, err := r.mergedInto(ctx, s.Other(), other.End(s.Other()), r.link.End(s.Other()))
	if err != nil || !merged {
		return false, err
	}
	if err := r.free(other); err != nil {
		return false, err
	}
	// Another look may be about to do the same the other way round: the store lets one of them go on.
	if err := r.commit(ctx, r.interrupted(), nil); err != nil {
		return false, err
	}
	if err := r.release(ctx, other); err != nil {
		return false, err
	}
	r.move(s, now)
	return true, nil
}

// errElsewhere stops a look that must begin anew from another record.
var errElsewhere = errors.New("the record belongs to another link by now")

// elsewhere is the error for a record whose link turned up only after the
// record was read. What was read may be older than that link's base, and to
// compare the two would revert what was agreed on in between.
func (r *reconciliation) elsewhere(ref Ref) error {
	return &Error{Op: "reconcile", Action: Conflict, Ref: r.ref, Rule: "link.moved", Existing: ref, Err: errElsewhere}
}

// gatherElsewhere begins the look anew from the record that err names.
func (r *reconciliation) gatherElsewhere(ctx context.Context, err error) (ready bool, _ error) {
	var e *Error
	errors.As(err, &e)
	r.ref, r.views, r.entries = e.Existing, [2]View{}, nil
	r.hints = nil // they say nothing about this link
	return r.gather(ctx)
}

// move gives the link the end that its own was merged into.
func (r *reconciliation) move(s Side, to Ref) {
	was := r.link.End(s)
	r.link.setEnd(s, to)
	if r.link.Generation > 0 {
		r.note(Entry{Kind: EntryRelinked, Note: "merged: " + was.String() + " is now " + to.String()})
	}
}

// survivor finds the link that a merged record belongs to: its own, or that
// of the counterpart which the record itself names, if the end of that link
// was merged into it too. So it does not matter which is looked at first.
func (r *reconciliation) survivor(ctx context.Context, s Side, rec Record) (Link, bool, error) {
	link, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, rec.Ref)
	if !errors.Is(err, ErrNotFound) {
		return link, err == nil, err
	}
	if r.link.Generation == 0 {
		return Link{}, false, nil
	}
	link, err = r.named(ctx, s.Other(), rec)
	switch {
	case err != nil:
		return link, false, err
	case link.State == Erased: // its other record is gone by now, and tells nobody what became of it
		return link, true, nil
	case link.State == Pending && link.End(s).Zero(): // it was created for that one, and nobody has heard of it yet
		return link, true, nil
	}
	m, err := r.ask(ctx, s.Other(), rec)
	if err != nil || len(m.Candidates) != 1 {
		return Link{}, false, err
	}
	link, err = r.engine.cfg.Store.Link(ctx, r.flow.Name, m.Candidates[0].Ref)
	if errors.Is(err, ErrNotFound) {
		return Link{}, false, nil
	}
	if err != nil {
		return Link{}, false, err
	}
	merged, err := r.mergedInto(ctx, s, link.End(s), rec.Ref)
	return link, merged, err
}

// mergedInto asks whether a record now answers as another.
func (r *reconciliation) mergedInto(ctx context.Context, s Side, was, now Ref) (bool, error) {
	if was.Zero() || was == now {
		return !was.Zero(), nil
	}
	rec, err := r.read(ctx, s, was)
	return err == nil && !rec.Deleted && rec.Ref == now, err
}

// byAlias goes over to the link that the record had under an id of before a
// merge; one that is active before others.
func (r *reconciliation) byAlias(ctx context.Context) error {
	var found Ref
	for _, id := range r.views[r.near].Record.Aliases {
		was := r.views[r.near].Record.Ref
		was.ID = id
		other, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, was)
		if errors.Is(err, ErrNotFound) || err == nil && other.ID == r.link.ID {
			continue
		}
		if err != nil {
			return err
		}
		if found.Zero() || other.State == Active {
			found = was
		}
		if other.State == Active {
			break
		}
	}
	if found.Zero() {
		return nil
	}
	if err := r.release(ctx, r.link); err != nil {
		return err
	}
	return r.elsewhere(found)
}

// join moves the record over to the link of its match, if that link waits for
// it alone, or if the link's own end is gone: some systems tell nobody that
// they merged it away. If that end is this record, or was merged into it, the
// look begins anew from there.
func (r *reconciliation) join(ctx context.Context, far Side, other Link, match Record, by string) error {
	mine, near, was := r.link, r.link.End(r.near), other.End(r.near)
	taken := func() error {
		return r.ambiguous(ctx, by, "the match is linked to another record", []Ref{near, was}, []Ref{match.Ref})
	}
	switch {
	case was.Zero() && other.State == Pending:
		made, err := r.made(ctx, other, match)
		switch {
		case err != nil:
			return err
		case !made.Zero() && made != near:
			return r.ambiguous(ctx, by, "the match has a counterpart already", []Ref{near, made}, []Ref{match.Ref})
		}
		return r.takeOver(ctx, far, other, match, by)
	case was.Zero():
		return taken()
	}
	rec, err := r.read(ctx, r.near, was)
	switch {
	case err != nil:
		return err
	case rec.Deleted:
		return r.takeOver(ctx, far, other, match, by)
	case rec.Ref != near:
		if back, err := r.cameBack(ctx, other, near, by); back || err != nil {
			return err
		}
		return taken()
	}
	if err := r.release(ctx, mine); err != nil {
		return err
	}
	return r.elsewhere(was)
}

// made returns the near record that was created for the one of a pending link
// without anybody hearing of it, zero if there is none.
func (r *reconciliation) made(ctx context.Context, link Link, rec Record) (Ref, error) {
	base, err := r.engine.cfg.Store.Base(ctx, link.ID)
	if err != nil || link.Intent == nil && base.Unfinished[r.near] == nil {
		return Ref{}, err
	}
	m, err := r.ask(ctx, r.near, rec)
	if err != nil || len(m.Candidates) != 1 {
		return Ref{}, err
	}
	return m.Candidates[0].Ref, nil
}

// cameBack reports whether the record was an end of the link before a merge
// moved that end, and names its counterpart of then by id only: the merge was
// taken back. The link stays with the survivor, and the record gets a
// counterpart of its own.
func (r *reconciliation) cameBack(ctx context.Context, link Link, near Ref, by string) (bool, error) {
	if by != IDField {
		return false, nil
	}
	entries, err := r.engine.cfg.Store.Entries(ctx, AuditFilter{Flow: r.flow.Name, Link: link.ID, Ref: near, Limit: 1})
	return len(entries) > 0, err
}

// takeOver gives the record the place of the near end in another link.
func (r *reconciliation) takeOver(ctx context.Context, far Side, other Link, match Record, by string) error {
	mine, near := r.link, r.link.End(r.near)
	if err := r.hold(ctx, other); err != nil {
		return err
	}
	kind, note := EntryLinked, "matched by "+by
	if was := r.link.End(r.near); !was.Zero() {
		kind, note = EntryRelinked, was.String()+" is gone, and "+near.String()+" is matched by "+by
	}
	r.link.setEnd(r.near, near)
	r.link.Evidence = by
	r.note(Entry{Kind: kind, Note: note})
	r.views[far] = r.view(far, match)
	return r.release(ctx, mine)
}

// release gives up a stored link whose only record moves to another link.
func (r *reconciliation) release(ctx context.Context, link Link) error {
	if link.Generation == 0 {
		return nil
	}
	now := time.Now()
	entry := Entry{At: now, Kind: EntryDetached, Flow: r.flow.Name, Link: link.ID, Left: link.Left, Right: link.Right,
		Note: "its record joins another link", Causes: r.causes}
	link.Left, link.Right, link.State = Ref{}, Ref{}, Detached
	_, err := r.engine.commit(ctx, now, Commit{Link: link, Entries: []Entry{entry}})
	return err
}
