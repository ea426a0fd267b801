package sync

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"
)

// A reversal takes back what was written to one pair.
type reversal struct {
	engine  *Engine
	planner *Planner
	dry     bool
	steps   []*Entry
	link    Link
	base    Base
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
			err = r.write(ctx, s, back, list)
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
	r.link, r.base, r.busy = link, base, link.Intent != nil || base.Intent != ""
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
			maps.DeleteFunc(put, func(name string, v Value) bool { return r.views[s].Record.Fields[name] == v })
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
//
// A look follows in any case: it carries on what was written, and closes the
// intent if that could not be done here.
func (r *reversal) write(ctx context.Context, s Side, back comeback, list []Undone) error {
	e := r.engine
	now := time.Now()
	intent := Intent{ID: newID(), Expires: now.Add(e.cfg.Lease), Writes: r.base.Unfinished}
	look := Change{ID: "undo:" + intent.ID, Ref: r.link.End(s), Reason: ReasonVerify, Priority: Sweep}
	err := r.attempt(ctx, now, intent, s, back, list)
	after, cancel := e.afterwards(ctx)
	defer cancel()
	return errors.Join(err, e.Enqueue(after, look))
}

func (r *reversal) attempt(ctx context.Context, now time.Time, intent Intent, s Side, back comeback, list []Undone) error {
	e := r.engine
	if len(back.founded) > 0 {
		intent.Writes[s] = back.founded
		r.base.Unsettled, r.base.Unfinished, r.base.Intent = true, intent.Writes, intent.ID
	}
	link, err := e.begin(ctx, now, r.link, intent)
	if ActionOf(err) == Conflict {
		keep(list, "the pair is being written to")
		return nil
	}
	if err != nil {
		return err
	}
	r.link = link
	writing, done := context.WithDeadline(ctx, intent.Expires.Add(-e.cfg.Lease/10)) // then the pair may be somebody else's
	defer done()
	results, err := e.cfg.Peers[link.End(s).System].Sink.Apply(writing, []Write{{Ref: link.End(s), Fields: back.fields}})
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	ctx, cancel := e.afterwards(ctx)
	defer cancel()
	entry := Entry{At: time.Now(), Kind: EntryUndone, Flow: link.Flow, Link: link.ID, Left: link.Left, Right: link.Right, Intent: intent.ID,
		Note: fmt.Sprintf("%s: %d fields", s, len(back.fields)), Causes: causesOf(list)}
	if err != nil {
		entry.Kind, entry.Note = EntryFailed, s.String()+": undo: "+err.Error()
	} else if len(results) == 1 {
		entry.Calls[s] = results[0].Call
	}
	if cerr := r.close(ctx, entry, len(back.founded) > 0); cerr != nil {
		return cerr
	}
	if err != nil {
		return refused(list, err)
	}
	return nil
}

// close closes the intent of a write. Where somebody has taken the pair over
// meanwhile it is theirs to close, and what became of the write is still noted.
func (r *reversal) close(ctx context.Context, entry Entry, rebase bool) error {
	c := Commit{Link: r.link, Entries: []Entry{entry}}
	if rebase {
		base := r.base
		c.Base = &base
	}
	link, err := r.engine.commit(ctx, time.Now(), c)
	if errors.Is(err, ErrStale) {
		return r.engine.append(ctx, &r.link, c.Entries)
	}
	r.link = link
	return err
}

// refused lists as kept what the system does not take back. Any other error is
// returned: it concerns every pair.
func refused(list []Undone, err error) error {
	switch ActionOf(err) {
	case NotFound:
		keep(list, "the record is gone")
	case Invalid, Conflict:
		keep(list, "its system refuses it: "+rule(err))
	default:
		return err
	}
	return nil
}

// keep lists what would have been taken back as kept.
func keep(list []Undone, why string) {
	for i := range list {
		if list[i].Kept == "" {
			list[i].Kept = why
		}
	}
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
