package sync

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// A Resolution is what a person decided on a [Hold].
type Resolution struct {
	// Flow and Ref name the hold.
	Flow string
	Ref  Ref
	// With is the candidate of the other side that is the same; zero says that
	// none of them is, and that a record is to be created there.
	With Ref
	// Actor is who decided; it is required and goes into the audit. Why may
	// tell more.
	Actor, Why string
}

// note tells the decision for the audit.
func (d *Resolution) note() string {
	text := d.Actor + ": none of the candidates"
	if !d.With.Zero() {
		text = d.Actor + ": the same as " + d.With.String()
	}
	if d.Why != "" {
		text += ", " + d.Why
	}
	return text
}

// Resolve carries out what a person decided on a hold, and lets what waited
// go on at once. A candidate that is linked to another record loses that link,
// whose record then looks for its counterpart anew. What was ruled out is never
// offered again; a candidate that turns up later is. The decision is stored,
// so it holds after a restart, and the call may be repeated. The error is of
// action NotFound where nothing is held, Invalid for a record that is no
// candidate, and RetryAt while a pair concerned is being written to.
func (e *Engine) Resolve(ctx context.Context, d Resolution) error {
	s, link, h, err := e.resolvable(ctx, &d)
	if err != nil {
		return err
	}
	if link.State == Pending {
		if !d.With.Zero() {
			err = e.pair(ctx, s, &d)
		}
		if err != nil {
			return err
		}
		if err := e.decided(ctx, s, link, h, &d); err != nil {
			return err
		}
	}
	if err := e.release(ctx, d.Ref); err != nil || d.With.Zero() {
		return err
	}
	return e.lookAt(ctx, slices.DeleteFunc(slices.Clone(h.Candidates[s]), func(ref Ref) bool { return ref == d.Ref }))
}

// lookAt has records looked at that may have lost their link to a decision.
func (e *Engine) lookAt(ctx context.Context, refs []Ref) error {
	items := make([]Item, len(refs))
	for i, ref := range refs {
		items[i] = Change{ID: "resolve:" + newID(), Ref: ref, Reason: ReasonManual}
	}
	return e.Enqueue(ctx, items...)
}

// resolvable finds the hold that a decision is about and checks the decision.
// A hold that was resolved in the same way is so again.
func (e *Engine) resolvable(ctx context.Context, d *Resolution) (s Side, link Link, h held, err error) {
	bad := func(action Action, rule, hint, why string) error {
		return &Error{Op: "resolve", Action: action, Ref: d.Ref, Rule: rule, Hint: hint, Err: errors.New(why)}
	}
	p, err := e.plannerOf(d.Flow)
	if err != nil {
		return s, link, h, err
	}
	s, ok := p.flow.SideOf(d.Ref)
	switch {
	case !ok:
		return s, link, h, bad(Invalid, "flow.known", "name a record of the flow", "the flow has no such records")
	case strings.TrimSpace(d.Actor) == "":
		return s, link, h, bad(Invalid, "resolve.actor", "say who decided", "a decision without its author")
	}
	link, h, err = e.holdOf(ctx, d.Flow, s, d.Ref)
	switch {
	case err != nil:
	case link.Generation == 0, link.State != Pending && h.With != d.With:
		err = bad(NotFound, "hold.exists", "list the holds; it may have been resolved", "nothing is held for this record")
	case !d.With.Zero() && !slices.Contains(h.Candidates[s.Other()], d.With):
		err = bad(Invalid, "hold.candidate", "name one of the hold's candidates of the other side", "the record is no candidate")
	}
	return s, link, h, err
}

// decided stores the decision and its entry.
func (e *Engine) decided(ctx context.Context, s Side, link Link, h held, d *Resolution) error {
	h.With, h.Decided = d.With, time.Now().UTC()
	for _, ref := range h.Candidates[s.Other()] {
		if ref != d.With && !slices.Contains(h.RuledOut, ref) {
			h.RuledOut = append(h.RuledOut, ref)
		}
	}
	link.State = Active
	entry := Entry{At: time.Now(), Kind: EntryResolved, Flow: d.Flow, Link: link.ID, Note: d.note()}
	entry.Left, entry.Right = d.Ref, d.With
	if s == Right {
		entry.Left, entry.Right = d.With, d.Ref
	}
	return e.storeHold(ctx, link, h, entry)
}

// pair links the record with the candidate, which leaves its link of before.
func (e *Engine) pair(ctx context.Context, s Side, d *Resolution) error {
	mine, err := e.linkForPair(ctx, d.Flow, s, d.Ref)
	if err != nil || mine.End(s.Other()) == d.With {
		return err
	}
	if !mine.End(s.Other()).Zero() && mine.State == Active {
		return &Error{Op: "resolve", Action: Conflict, Ref: d.Ref, Rule: "hold.linked", Existing: mine.End(s.Other()),
			Hint: "the record was linked meanwhile; list the holds again", Err: errors.New("the record is linked by now")}
	}
	other, err := e.linkForPair(ctx, d.Flow, s.Other(), d.With)
	if err != nil {
		return err
	}
	if other.Generation > 0 {
		if err := e.part(ctx, s.Other(), other, d); err != nil {
			return err
		}
	}
	mine.setEnd(s.Other(), d.With)
	mine.State, mine.Evidence = Active, "resolved"
	return e.commitPair(ctx, mine, EntryLinked, "resolved by "+d.Actor)
}

// linkForPair returns the link of a record, which must be free, or a new one.
func (e *Engine) linkForPair(ctx context.Context, flow string, s Side, ref Ref) (Link, error) {
	link, err := e.cfg.Store.Link(ctx, flow, ref)
	switch {
	case errors.Is(err, ErrNotFound):
		link, err = Link{ID: newID(), Flow: flow}, nil
		link.setEnd(s, ref)
	case err == nil && link.Intent != nil && link.Intent.Expires.After(time.Now()):
		err = &Error{Op: "resolve", Action: RetryAt, Ref: ref, Rule: "link.busy", RetryAt: link.Intent.Expires,
			Hint: "call again in a moment", Err: errors.New("the pair is being written to")}
	case err == nil && link.State == Erased:
		err = &Error{Op: "resolve", Action: Invalid, Ref: ref, Rule: "link.erased",
			Hint: "say that it is none of them", Err: errors.New("the record was erased")}
	}
	return link, err
}

// part takes a record out of its link.
func (e *Engine) part(ctx context.Context, s Side, link Link, d *Resolution) error {
	was := link.End(s)
	link.setEnd(s, Ref{})
	link.State, link.Evidence = Detached, ""
	return e.commitPair(ctx, link, EntryDetached, was.String()+" belongs to "+d.Ref.String()+", resolved by "+d.Actor)
}

// commitPair stores a link that begins anew, with nothing agreed on.
func (e *Engine) commitPair(ctx context.Context, link Link, kind EntryKind, note string) error {
	now := time.Now()
	entry := Entry{At: now, Kind: kind, Flow: link.Flow, Link: link.ID, Left: link.Left, Right: link.Right, Note: note}
	_, err := e.commit(ctx, now, Commit{Link: link, Base: &Base{}, Entries: []Entry{entry}})
	return err
}

// release brings back the dead letters of a record that was held, or has it
// looked at if somebody discarded them.
func (e *Engine) release(ctx context.Context, ref Ref) error {
	var ids []string
	for filter := (DeadFilter{Key: ref.String(), Limit: 1000}); ; {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil {
			return err
		}
		for i := range letters {
			h := letters[i].History
			if len(h) > 0 && h[len(h)-1].Rule == ruleAmbiguous {
				ids = append(ids, letters[i].Message.ID)
			}
		}
		if len(letters) < filter.Limit {
			break
		}
		filter.After = letters[len(letters)-1].Message.ID
	}
	if n, err := e.cfg.Queue.Replay(ctx, time.Now(), ids...); n > 0 || err != nil {
		return err
	}
	return e.lookAt(ctx, []Ref{ref})
}
