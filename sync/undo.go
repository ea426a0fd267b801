package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// An Undo selects decisions whose writes are to be taken back.
type Undo struct {
	// Flow is the flow; it is required.
	Flow string
	// Ref limits it to the pair of one record, of either side, when not zero.
	Ref Ref
	// Field limits it to one field when not empty.
	Field string
	// Run limits it to what the [Load] of this name led to, when not empty.
	Run string
	// Since and Until limit it to decisions made from the one moment up to,
	// but not including, the other, when not zero.
	Since, Until time.Time
	// DryRun finds out and changes nothing.
	DryRun bool
}

// matches reports whether an entry is one of those to be taken back.
func (u *Undo) matches(n *Entry) bool {
	run := (&Load{Name: u.Run}).cursor() + ":"
	return n.Decision != nil && n.Decision.Outcome == Wrote && n.Intent != "" &&
		(u.Field == "" || n.Decision.Field == u.Field) &&
		(u.Run == "" || slices.ContainsFunc(n.Causes, func(c string) bool { return strings.HasPrefix(c, run) })) &&
		(u.Since.IsZero() || !n.At.Before(u.Since)) && (u.Until.IsZero() || n.At.Before(u.Until))
}

// An Undone tells what became of one field of one side.
type Undone struct {
	Link  string
	Ref   Ref
	Field string
	// From and To are the canonical values before and after.
	From, To Value
	// Kept says why the value was left as it is, "" when it was taken back.
	Kept string
}

// Undo takes writes back: each side gets the value that it had before the
// first of the selected decisions, if it still has the one that the last of
// them wrote. What people changed since is kept and listed, and so is what a
// system refuses to take back. The other side follows by an ordinary sync. A
// second Undo of the same finds nothing to do.
//
// What was written where nothing had been, into a record that was created or a
// blank that was filled when two records met, is the other side's own value,
// and that side keeps it. So it is only taken back if an ordinary sync would
// not write it again: if the flow or the field is suspended, or if its map says
// something else by now.
func (e *Engine) Undo(ctx context.Context, u Undo) ([]Undone, error) {
	p, err := e.plannerOf(u.Flow)
	if err != nil {
		return nil, err
	}
	ctx = WithPriority(ctx, Sweep)
	entries, err := e.selected(ctx, &u)
	if err != nil {
		return nil, err
	}
	effects := effectsOf(entries)
	var order []string
	steps := map[string][]*Entry{}
	for i := range entries {
		n := &entries[i]
		if !u.matches(n) || !effects[n.Intent].of(n.Decision) {
			continue
		}
		if steps[n.Link] == nil {
			order = append(order, n.Link)
		}
		steps[n.Link] = append(steps[n.Link], n)
	}
	var out []Undone
	for _, link := range order {
		r := reversal{engine: e, planner: p, dry: u.DryRun, steps: steps[link]}
		list, err := r.run(ctx)
		out = append(out, list...)
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// selected reads the audit page by page and keeps the decisions that are meant,
// and what became of their writes.
func (e *Engine) selected(ctx context.Context, u *Undo) (kept []Entry, err error) {
	filter, err := e.auditOf(ctx, u.Flow, u.Ref)
	if err != nil {
		return nil, err
	}
	intents := map[string]bool{}
	err = e.eachEntry(ctx, filter, func(n *Entry) {
		switch {
		case u.matches(n):
			intents[n.Intent] = true
		case n.Kind != EntryWrote || !intents[n.Intent]:
			return
		}
		kept = append(kept, *n)
	})
	return kept, err
}

// auditOf selects the audit of a flow, or of a record's pair in it: entries of
// before a record was created do not name it. A record that is the end of no
// pair any more, after a merge, selects what does name it.
func (e *Engine) auditOf(ctx context.Context, flow string, ref Ref) (AuditFilter, error) {
	if ref.Zero() {
		return AuditFilter{Flow: flow}, nil
	}
	link, err := e.cfg.Store.Link(ctx, flow, ref)
	if errors.Is(err, ErrNotFound) {
		return AuditFilter{Flow: flow, Ref: ref}, nil
	}
	return AuditFilter{Flow: flow, Link: link.ID}, err
}

// A reversal takes back what was written to one pair.
type reversal struct {
	engine  *Engine
	planner *Planner
	dry     bool
	steps   []*Entry
	link    Link
	busy    bool // somebody else's write is open
	views   [2]View
	gate    Gate
}

// run takes back, side by side, what can be.
func (r *reversal) run(ctx context.Context) ([]Undone, error) {
	if err := r.read(ctx); err != nil {
		return nil, err
	}
	var out []Undone
	for _, s := range []Side{Left, Right} {
		list, back, err := r.side(s)
		if err == nil && len(back.fields) > 0 && !r.dry {
			err = refused(list, r.write(ctx, s, back, list))
		}
		if err != nil {
			return out, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// read finds the link, whatever its ends are by now, and reads its records. One
// that answers as another belongs to another pair.
func (r *reversal) read(ctx context.Context) error {
	link, err := linkByID(ctx, r.engine.cfg.Store, r.planner.flow.Name, r.steps[0].Link)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	base, err := r.engine.cfg.Store.Base(ctx, link.ID)
	if err != nil {
		return err
	}
	r.link, r.busy = link, link.Intent != nil || base.Intent != ""
	r.gate = r.engine.gate(r.planner.flow, link.ID, link.Left, link.Right)
	for _, s := range []Side{Left, Right} {
		end := link.End(s)
		if end.Zero() || link.State == Erased {
			continue
		}
		recs, err := r.engine.cfg.Peers[end.System].Source.Read(ctx, end.Kind, []string{end.ID})
		if err != nil {
			return err
		}
		if len(recs) == 1 {
			r.views[s] = View{Exists: !recs[0].Deleted && recs[0].ID == end.ID, Record: recs[0]}
		}
	}
	return nil
}

// A comeback is what is written to a side: raw fields, and which of them
// nothing had been agreed on before.
type comeback struct{ fields, founded Fields }

// side says what becomes of each field that was written to a side, and which
// raw fields bring the old values back.
func (r *reversal) side(s Side) (out []Undone, back comeback, err error) {
	back = comeback{Fields{}, Fields{}}
	for i := range r.planner.flow.Fields {
		f := &r.planner.flow.Fields[i]
		first, last := r.span(f.Name, s)
		if first == nil {
			continue
		}
		u := Undone{Link: r.steps[0].Link, Ref: r.link.End(s), Field: f.Name, From: last.After, To: first.Before[s]}
		if u.From == u.To || r.has(f, s, u.To) { // or taken back before
			continue
		}
		switch {
		case !r.views[s].Exists:
			u.Kept = "the record is gone"
		case !r.has(f, s, u.From):
			u.From, u.Kept = sees(f.lens(s), r.views[s].Record.Fields), "it was changed since"
		case r.busy:
			u.Kept = "the pair is being written to"
		case first.founds() && r.has(f, s.Other(), u.From) && r.gate(f.Name, s) == "":
			u.Kept = "the other side has it of its own, and would write it again"
		default:
			put, err := f.lens(s).Put(u.To, r.views[s].Record.Fields)
			if err != nil {
				return nil, back, inField(err, f.Name, u.Ref)
			}
			maps.Copy(back.fields, put)
			if first.founds() {
				maps.Copy(back.founded, put)
			}
		}
		out = append(out, u)
	}
	return out, back, nil
}

// has reports whether a side has a value of a field.
func (r *reversal) has(f *Field, s Side, v Value) bool {
	now, err := f.lens(s).Get(r.views[s].Record.Fields)
	return r.views[s].Exists && err == nil && now == v
}

// span returns the first and the last decision that wrote a field to a side.
func (r *reversal) span(field string, s Side) (first, last *Decision) {
	for _, n := range r.steps {
		if d := n.Decision; d.Field == field && d.to(s) {
			if first == nil {
				first = d
			}
			last = d
		}
	}
	return first, last
}

// write brings old values back under an intent, as an edit of its own: the
// base stays, so that the next look carries them to the other side. The intent
// does not say what is written: after a crash that would be taken for agreed on,
// and the other side's value for the edit. That is right for what nothing had
// been agreed on before, so the intent says it, and so does the base until the
// next look.
func (r *reversal) write(ctx context.Context, s Side, back comeback, list []Undone) error {
	e := r.engine
	base, err := e.cfg.Store.Base(ctx, r.link.ID)
	if err != nil {
		return err
	}
	now := time.Now()
	intent := Intent{ID: newID(), Expires: now.Add(e.cfg.Lease), Writes: base.Unfinished}
	var next *Base
	if len(back.founded) > 0 {
		intent.Writes[s] = back.founded
		base.Unsettled, base.Unfinished, base.Intent = true, intent.Writes, intent.ID
		next = &base
	}
	link, err := e.begin(ctx, now, r.link, intent)
	if err != nil {
		return err
	}
	r.link = link
	results, err := e.cfg.Peers[link.End(s).System].Sink.Apply(ctx, []Write{{Ref: link.End(s), Fields: back.fields}})
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	ctx, cancel := e.afterwards(ctx)
	defer cancel()
	entry := Entry{At: time.Now(), Kind: EntryUndone, Flow: link.Flow, Link: link.ID, Left: link.Left, Right: link.Right, Intent: intent.ID,
		Note: fmt.Sprintf("%s: %d fields", s, len(back.fields))}
	if err != nil {
		entry.Kind, entry.Note = EntryFailed, s.String()+": undo: "+err.Error()
	} else if len(results) == 1 {
		entry.Calls[s] = results[0].Call
	}
	entry.Causes = causesOf(list)
	committed, cerr := e.commit(ctx, time.Now(), Commit{Link: link, Base: next, Entries: []Entry{entry}})
	if cerr != nil {
		return cerr
	}
	if r.link = committed; err != nil {
		return err
	}
	return e.Enqueue(ctx, Change{ID: "undo:" + intent.ID, Ref: link.End(s), Reason: ReasonManual, Priority: Sweep})
}

// refused lists as kept what the system does not take back, or what somebody
// else works on by now. Any other error is returned: it concerns every pair.
func refused(list []Undone, err error) error {
	var why string
	switch ActionOf(err) {
	case Conflict:
		why = "the pair is being written to"
	case NotFound:
		why = "the record is gone"
	case Invalid:
		why = "its system refuses it: " + rule(err)
	default:
		return err
	}
	for i := range list {
		if list[i].Kept == "" {
			list[i].Kept = why
		}
	}
	return nil
}

// causesOf names the fields that were taken back.
func causesOf(list []Undone) []string {
	var names []string
	for i := range list {
		if list[i].Kept == "" {
			names = append(names, "undo of "+list[i].Field)
		}
	}
	return names
}
