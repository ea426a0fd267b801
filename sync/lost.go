package sync

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// Systems have no compare-and-set: an edit made between our read of a field and
// our write of it is overwritten unseen. But its signal comes, and claims a
// value that neither is there nor was ever agreed on. Only then the pair's audit
// is read, and only when it says that we wrote the field at about that time, the
// system's history is asked. Without a signal, a look that a person asks for
// finds it: such a look always reads the audit, and the history where we wrote.

// ruleLost begins the rule of a decision about an edit that was overwritten
// unseen; what follows is the rule that decided.
const ruleLost = "lost-update: "

// A doubt is a raw name of which a signal claims what is not to be seen, and
// when that was, zero for any time.
type doubt struct {
	name string
	at   time.Time
}

// doubts lists what the hints claim of the near side that neither was agreed
// on nor is there now. A person who asks doubts everything.
func (r *reconciliation) doubts() []doubt {
	var out []doubt
	was, now := r.base.side(r.near).Fields, r.views[r.near].Record.Fields
	for i := range r.hints {
		h := &r.hints[i]
		for n, digest := range h.Witness {
			if n != IDField && digest != now[n].Digest() && digest != was[n].Digest() {
				out = append(out, doubt{n, h.OccurredAt})
			}
		}
		if h.Reason == ReasonManual {
			for _, n := range r.flow.Names(r.near) {
				out = append(out, doubt{name: n})
			}
		}
	}
	return out
}

// An overwriting is a decision that the near side was written by.
type overwriting struct {
	*Decision
	intent   string
	at       time.Time // when it was decided
	answered bool      // the system said that it took effect
	doubted  bool
	reg      *register
	lens     Lens
	from, to time.Time // the bounds of when it was written, by the system's clock
}

// matches reports whether the signal may be that of an edit which was made
// after the read before this write, and before the write.
func (w *overwriting) matches(d doubt, readAge time.Duration) bool {
	return slices.Contains(w.lens.Names(), d.name) &&
		(d.at.IsZero() || !d.at.After(w.to) && !d.at.Before(w.from.Add(-readAge)))
}

// overwrites returns the writes to the near side, latest first, without those of
// which a loss is told already.
func (r *reconciliation) overwrites(ctx context.Context, doubts []doubt) ([]overwriting, error) {
	entries, err := r.engine.entriesOf(ctx, AuditFilter{Link: r.link.ID})
	if err != nil {
		return nil, err
	}
	effects, took, told := effectsOf(entries), map[string]*Entry{}, map[string]bool{}
	for i := range entries {
		n := &entries[i]
		if took[n.Intent] == nil && n.wrote(r.near) {
			took[n.Intent] = n
		}
		if d := n.Decision; d != nil && strings.HasPrefix(d.Rule, ruleLost) && (d.Outcome != Wrote || effects[n.Intent].of(d)) {
			told[d.Field+" "+n.Causes[len(n.Causes)-1]] = true
		}
	}
	var out []overwriting
	slack, readAge := r.views[r.near].Skew, r.engine.cfg.Lease+r.engine.cfg.SnapshotAge+witnessAge
	for i := range slices.Backward(entries) {
		n, d := &entries[i], entries[i].Decision
		wrote := took[n.Intent]
		if d == nil || wrote == nil || d.Outcome != Wrote || !d.to(r.near) || strings.HasPrefix(d.Rule, ruleLost) || told[d.Field+" "+n.Intent] {
			continue
		}
		w := overwriting{Decision: d, intent: n.Intent, at: n.At, answered: wrote.answered(), from: n.At.Add(-slack), to: wrote.At.Add(slack)}
		if w.reg, w.lens = r.planner.lens(d.Field, r.near); w.lens != nil {
			w.doubted = slices.ContainsFunc(doubts, func(d doubt) bool { return w.matches(d, readAge) })
			out = append(out, w)
		}
	}
	return out, nil
}

// lens returns the register of a field and its lens on a side, nil for a field
// that the flow no longer has.
func (p *Planner) lens(field string, s Side) (*register, Lens) {
	for i := range p.registers {
		for _, f := range p.registers[i].fields {
			if f.Name == field {
				return &p.registers[i], f.lens(s)
			}
		}
	}
	return nil, nil
}

// A loss is an edit that an overwriting undid unseen.
type loss struct {
	overwriting
	was step // the register as it was just before the write
}

// lost finds edits of the near side that our writes undid unseen.
func (r *reconciliation) lost(ctx context.Context) ([]loss, error) {
	source, ok := r.source(r.near).(Chronicler)
	if !ok || r.link.Generation == 0 || r.link.State != Active {
		return nil, nil
	}
	doubts := r.doubts()
	if len(doubts) == 0 {
		return nil, nil
	}
	writes, err := r.overwrites(ctx, doubts)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range writes {
		if writes[i].doubted {
			names = append(names, writes[i].reg.names[r.near]...)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	ref := r.views[r.near].Record.Ref
	histories, err := source.History(ctx, ref.Kind, []string{ref.ID}, slices.Compact(names))
	if err != nil || len(histories) != 1 {
		return nil, err
	}
	own := authors(writes, histories[0], r.near)
	var out []loss
	end := map[string]int{} // of the part of a field's history that no later write has explained
	for i := range writes {
		w := &writes[i]
		if !w.doubted {
			continue
		}
		steps := chronicle(histories[0], w.reg.names[r.near])
		if _, known := end[w.Field]; !known {
			end[w.Field] = len(steps)
		}
		at, was := w.undid(steps[:end[w.Field]], own, r.near)
		if at > 0 {
			end[w.Field] = at
		}
		if was != nil {
			out = append(out, loss{*w, *was})
		}
	}
	return out, nil
}

// authors returns by whom a history says that our writes are, of those that
// were answered.
func authors(writes []overwriting, history map[string][]Revision, near Side) map[string]bool {
	own := map[string]bool{}
	for i := range writes {
		w := &writes[i]
		if !w.answered {
			continue
		}
		steps := chronicle(history, w.reg.names[near])
		if by := steps[w.made(steps, nil)].by; by != "" {
			own[by] = true
		}
	}
	return own
}

// made finds the step that the write made, 0 for none. A write that was not
// answered may have made none: a person may have entered the same value, if
// the author is not known as our own.
func (w *overwriting) made(steps []step, own map[string]bool) int {
	for i := len(steps) - 1; i > 0 && !steps[i].at.Before(w.from); i-- {
		if !steps[i].at.After(w.to) && w.sees(steps[i]) == w.After && w.sees(steps[i-1]) != w.After && (w.answered || own[steps[i].by]) {
			return i
		}
	}
	return 0
}

// undid finds the step that the write made and, if it is not the state that
// was read, the one before. A state by the author of the write is our own, of
// a call that came late.
func (w *overwriting) undid(steps []step, own map[string]bool, near Side) (at int, was *step) {
	at = w.made(steps, own)
	if at == 0 {
		return 0, nil
	}
	lost := w.sees(steps[at-1])
	set := at - 1
	for set > 0 && w.sees(steps[set-1]) == lost {
		set--
	}
	if lost == w.Before[near] || set == 0 || steps[set].by != "" && steps[set].by == steps[at].by {
		return at, nil
	}
	return at, &steps[at-1]
}

func (w *overwriting) sees(s step) Value { return sees(w.lens, s.fields) }

// sees is what a lens sees, also of what it refuses.
func sees(lens Lens, fields Fields) Value {
	v, err := lens.Get(fields)
	if err != nil {
		return unreadable(lens, fields)
	}
	return v
}

// A step is the state of some raw names from one moment on.
type step struct {
	at     time.Time
	by     string
	fields Fields
	times  map[string]time.Time // when each got its value
}

// chronicle puts the histories of some names together. What was set at one
// moment is one step; the first is that before anything was set.
func chronicle(history map[string][]Revision, names []string) []step {
	type change struct {
		Revision
		name string
	}
	var all []change
	for _, n := range names {
		for _, rev := range history[n] {
			all = append(all, change{rev, n})
		}
	}
	slices.SortStableFunc(all, func(a, b change) int { return a.At.Compare(b.At) })
	steps := []step{{fields: Fields{}, times: map[string]time.Time{}}}
	set := map[string]bool{}
	for _, c := range all {
		now := &steps[len(steps)-1]
		if len(steps) == 1 || !c.At.Equal(now.at) || set[c.name] {
			clear(set)
			steps = append(steps, step{c.At, c.By, now.fields.Clone(), maps.Clone(now.times)})
			now = &steps[len(steps)-1]
		}
		set[c.name] = true
		if _, known := now.times[c.name]; !known || differ(now.fields[c.name], c.Value) {
			now.times[c.name] = c.At
		}
		now.fields[c.name] = c.Value
	}
	return steps
}
