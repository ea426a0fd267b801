package sync

import (
	"context"
	"errors"
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

// matches reports whether an entry of the flow is one of those to be taken back.
func (u *Undo) matches(f *Flow, n *Entry) bool {
	run := Load{Name: u.Run}
	return n.Decision != nil && n.Decision.Outcome == Wrote && n.Intent != "" &&
		(u.Field == "" || n.Decision.Field == u.Field) &&
		(u.Run == "" || run.led(n.Causes, f.Left.System) || run.led(n.Causes, f.Right.System)) &&
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
// system refuses to take back. The other side follows by an ordinary sync; if it
// refuses, such as an address that is somebody else's by now, there is a dead
// letter as after any edit. A second Undo of the same finds nothing to do.
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
	if err := e.knowSwitches(ctx); err != nil {
		return nil, err
	}
	ctx = WithPriority(ctx, Sweep)
	entries, err := e.selected(ctx, p.flow, &u)
	if err != nil {
		return nil, err
	}
	effects := effectsOf(entries)
	var order []string
	steps := map[string][]*Entry{}
	for i := range entries {
		n := &entries[i]
		if !u.matches(p.flow, n) || !effects[n.Intent].of(n.Decision) {
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
func (e *Engine) selected(ctx context.Context, f *Flow, u *Undo) (kept []Entry, err error) {
	filter, err := e.auditOf(ctx, u.Flow, u.Ref)
	if err != nil {
		return nil, err
	}
	intents := map[string]bool{}
	err = e.eachEntry(ctx, filter, func(n *Entry) {
		switch {
		case u.matches(f, n):
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
