package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Explanation tells why the fields of a pair have the values they have. It
// holds personal data: show it only to those who may see the record.
type Explanation struct {
	Flow string
	Link Link
	// Fields are the flow's fields in their order.
	Fields []FieldStory
	// Events are what happened to the pair as a whole, oldest first: linked,
	// created, moved by a merge, detached, restored, failed.
	Events []Entry
}

// A FieldStory is the history of one field, oldest step first.
type FieldStory struct {
	Field string
	// Agreed is the canonical value that both sides were last known to have,
	// Known false when they never agreed on one.
	Agreed Value
	Known  bool
	Steps  []Step
}

// A Step is one decision about a field.
type Step struct {
	At time.Time
	Decision
	// Written is set when the systems took the decision's writes, and Calls
	// names the vendors' calls, left first.
	Written bool
	Calls   [2]string
	// Causes are the IDs of the changes and facts that led to it.
	Causes []string
	// Author tells who made the edit that was taken, in the words of its
	// system, "" where that keeps no history (a [Chronicler]) or goes not as far
	// back.
	Author string
}

// Explain tells the history of every field of the record, from when it was
// first seen to now, out of the audit; only for who made the edits the systems
// are asked, and an explanation does without their answers. The error is
// [ErrNotFound] for a record that the flow has never linked.
func (e *Engine) Explain(ctx context.Context, flow string, ref Ref) (Explanation, error) {
	p, err := e.plannerOf(flow)
	if err != nil {
		return Explanation{}, err
	}
	link, err := e.linkOf(ctx, "explain", flow, ref)
	if err != nil {
		return Explanation{}, err
	}
	base, err := e.cfg.Store.Base(ctx, link.ID)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{Flow: flow, Link: link}
	at := map[string]int{}
	for i := range p.flow.Fields {
		f := &p.flow.Fields[i]
		story := FieldStory{Field: f.Name, Known: slices.ContainsFunc(f.Left.Names(), func(n string) bool { _, ok := base.Left.Fields[n]; return ok })}
		if v, err := f.Left.Get(base.Left.Fields); err == nil {
			story.Agreed = v
		}
		at[f.Name] = i
		out.Fields = append(out.Fields, story)
	}
	entries, err := e.entriesOf(ctx, AuditFilter{Link: link.ID})
	if err != nil {
		return Explanation{}, err
	}
	effects := effectsOf(entries)
	for i := range entries {
		n := &entries[i]
		switch {
		case n.Decision != nil:
			if k, known := at[n.Decision.Field]; known {
				effect := effects[n.Intent]
				out.Fields[k].Steps = append(out.Fields[k].Steps, Step{At: n.At, Decision: *n.Decision, Written: effect.of(n.Decision), Calls: effect.calls, Causes: n.Causes})
			}
		case n.Kind != EntryWrote:
			out.Events = append(out.Events, *n)
		}
	}
	e.name(ctx, p, &out)
	return out, nil
}

// An effect says which sides took the writes of an intent, and by which calls.
type effect struct {
	took  [2]bool
	calls [2]string
}

// of reports whether a side took what was decided.
func (f effect) of(d *Decision) bool {
	return d.Outcome == Wrote && (f.took[Left] && d.to(Left) || f.took[Right] && d.to(Right))
}

// effectsOf returns what became of each intent.
func effectsOf(entries []Entry) map[string]effect {
	out := map[string]effect{}
	for i := range entries {
		n := &entries[i]
		if n.Kind != EntryWrote {
			continue
		}
		f := out[n.Intent]
		for _, s := range []Side{Left, Right} {
			f.took[s] = f.took[s] || n.wrote(s)
			if n.Calls[s] != "" {
				f.calls[s] = n.Calls[s]
			}
		}
		out[n.Intent] = f
	}
	return out
}

// unanswered ends the note on a write of which no system has said that it took
// effect: a look found its values there.
const unanswered = ", found there"

// wrote reports whether the entry says that a side took its intent's writes.
func (n *Entry) wrote(s Side) bool {
	return n.Kind == EntryWrote && (n.Note == "" || strings.TrimSuffix(n.Note, unanswered) == s.String())
}

// answered reports whether the system said so itself.
func (n *Entry) answered() bool { return !strings.HasSuffix(n.Note, unanswered) }

// entriesOf returns all entries that a filter selects.
func (e *Engine) entriesOf(ctx context.Context, filter AuditFilter) (all []Entry, err error) {
	err = e.eachEntry(ctx, filter, func(n *Entry) { all = append(all, *n) })
	return all, err
}

// eachEntry hands over the entries that a filter selects, a page at a time.
func (e *Engine) eachEntry(ctx context.Context, filter AuditFilter, do func(*Entry)) error {
	filter.Limit = 1000
	for {
		page, err := e.Entries(ctx, filter)
		if err != nil {
			return err
		}
		for i := range page {
			do(&page[i])
		}
		if len(page) < filter.Limit {
			return nil
		}
		filter.After = page[len(page)-1].Seq
	}
}

// linkOf returns the link of a record in a flow.
func (e *Engine) linkOf(ctx context.Context, op, flow string, ref Ref) (Link, error) {
	if _, err := e.plannerOf(flow); err != nil {
		return Link{}, err
	}
	link, err := e.cfg.Store.Link(ctx, flow, ref)
	if errors.Is(err, ErrNotFound) {
		err = &Error{Op: op, Action: NotFound, Ref: ref, Rule: "link.exists", Hint: "flow " + flow + " has never linked this record", Err: err}
	}
	return link, err
}

// plannerOf returns the planner of a flow by its name.
func (e *Engine) plannerOf(flow string) (*Planner, error) {
	i := slices.IndexFunc(e.planners, func(p *Planner) bool { return p.flow.Name == flow })
	if i < 0 {
		var names []string
		for _, p := range e.planners {
			names = append(names, p.flow.Name)
		}
		return nil, &Error{Op: "find flow", Action: Invalid, Rule: "flow.known", Hint: fmt.Sprintf("name one of the engine's flows: %q", names),
			Err: fmt.Errorf("there is no flow %q", flow)}
	}
	return e.planners[i], nil
}
