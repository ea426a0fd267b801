package simtest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var background = context.Background()

// editable lists the raw names that people edit on a side: those whose values
// travel from there and that are not made of ids.
func (w *world) editable(f *sync.Flow, side sync.Side) []string {
	var out []string
	ours := []string{sync.IDField, f.End(side).CreateKey}
	for i := range f.Fields {
		field := &f.Fields[i]
		travels := field.Direction == sync.Both || (field.Direction == sync.ToRight) == (side == sync.Left)
		if !travels {
			ours = append(ours, lensOf(field, side).Names()...)
		}
	}
	for i := range f.Fields {
		for _, name := range lensOf(&f.Fields[i], side).Names() {
			if !slices.Contains(ours, name) && !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// invent makes up a value for a raw field that all its lenses can read; none
// if it cannot.
func (w *world) invent(f *sync.Flow, side sync.Side, ref sync.Ref, name string) sync.Fields {
	w.invented++
	v := w.cfg.Invent(f, side, name, w.invented)
	fields := sync.Fields{}
	if r := w.vendors[ref.System].records[ref]; r != nil {
		fields = r.fields.Clone()
	}
	fields[name] = v
	if v.Blank() || !readable(f, side, name, fields) {
		return nil
	}
	return sync.Fields{name: v}
}

// readable reports whether the lenses of a raw name accept the fields.
func readable(f *sync.Flow, side sync.Side, name string, fields sync.Fields) bool {
	for i := range f.Fields {
		lens := lensOf(&f.Fields[i], side)
		if slices.Contains(lens.Names(), name) {
			if _, err := lens.Get(fields); err != nil {
				return false
			}
		}
	}
	return true
}

// poisons are what some lenses refuse.
var poisons = []string{"not a value", "@", "99999999999999999999"}

// poisonous finds a value that a lens refuses.
func (w *world) poisonous(f *sync.Flow, side sync.Side, has sync.Fields) (sync.Fields, bool) {
	for _, name := range w.editable(f, side) {
		for _, bad := range poisons {
			fields := has.Clone()
			fields[name] = sync.Text(bad)
			if !readable(f, side, name, fields) {
				return sync.Fields{name: sync.Text(bad)}, true
			}
		}
	}
	return nil, false
}

// Invent makes up the n-th value for a raw field from the field's name: an
// address, a number, a day or a text, never the same twice.
func Invent(_ *sync.Flow, _ sync.Side, name string, n int) sync.Value {
	name = strings.ToLower(name)
	has := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(name, p) })
	}
	switch {
	case has("mail"):
		return sync.Text(fmt.Sprintf("Person.%d@example.com", n))
	case has("phone", "msisdn", "mobile", "tel"):
		return sync.Text(fmt.Sprintf("+57300%07d", n))
	case has("date", "day"):
		return sync.Text(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n).Format(time.DateOnly))
	case has("score", "count", "amount"):
		return sync.Number(fmt.Sprint(n))
	}
	return sync.Text(fmt.Sprintf("Text %d", n))
}

// merge folds two records into one, as people do with duplicates.
func (w *world) merge(f *sync.Flow, a Action, v *vendor, ref sync.Ref) {
	others := slices.DeleteFunc(v.living(f.End(a.Side).Kind), func(o sync.Ref) bool { return o == ref })
	other, ok := pick(others, a.What)
	if !ok {
		return
	}
	w.tell(ref, "a person merges %s into it", other)
	w.tell(other, "a person merges it into %s", ref)
	to := v.merge(ref, other)
	w.tell(to, "is what %s and %s were merged into", ref, other)
	w.merged[ref], w.merged[other], w.merged[to] = true, true, true
}

// restore brings a deleted record back.
func (w *world) restore(f *sync.Flow, a Action, v *vendor) {
	gone := slices.DeleteFunc(v.all(), func(ref sync.Ref) bool {
		r := v.records[ref]
		return ref.Kind != f.End(a.Side).Kind || !r.deleted || r.erased || !w.free(v, ref, r.fields)
	})
	if ref, ok := pick(gone, a.Who); ok {
		w.tell(ref, "a person restores it")
		v.remove(ref, false)
	}
}

// archive has a system lose a field for a while, but none by which records
// are recognised: people would enter everybody twice.
func (w *world) archive(f *sync.Flow, a Action, v *vendor) {
	names := slices.DeleteFunc(w.editable(f, a.Side), func(n string) bool { return slices.Contains(v.quirks.Unique, n) })
	name, ok := pick(names, a.What)
	if !ok {
		return
	}
	v.armed = name
	w.sched.after(w.span("archive", 0, 5*time.Second), func() { w.spring(v, name) })
	w.editOpposite(f, a, name) // so that a write is on its way to it
}

// spring archives a field that is about to be, unless it is already. It is
// called at a random moment, or just before a write of the field if one comes
// earlier: that is the moment that matters.
func (w *world) spring(v *vendor, name string) {
	if v.armed != name {
		return
	}
	v.armed = ""
	w.lose(v, name, "archived")
	w.sched.after(w.span("archived", time.Second, 40*time.Second), func() { w.lose(v, name, "") })
}

// editOpposite has somebody edit, on the other side, what a raw name holds.
func (w *world) editOpposite(f *sync.Flow, a Action, name string) {
	far := a.Side.Other()
	for i := range f.Fields {
		field := &f.Fields[i]
		if field.Direction != sync.Both || !slices.Contains(lensOf(field, a.Side).Names(), name) {
			continue
		}
		v := w.vendors[f.End(far).System]
		if ref, ok := pick(v.living(f.End(far).Kind), a.Who); ok {
			w.enter(f, far, ref, w.invent(f, far, ref, lensOf(field, far).Names()[0]))
		}
		return
	}
}

// lose has a system unable to hold a field, or able again. Adapters notice
// the first at once, by what they read, and the second when they look.
func (w *world) lose(v *vendor, name, rule string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rule != "" {
		v.lost[name], v.noticed[name] = rule, rule
		return
	}
	delete(v.lost, name)
	w.sched.after(5*time.Second, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if v.lost[name] == "" {
			delete(v.noticed, name)
		}
	})
}

// happen has a fact happen to a record.
func (w *world) happen(a Action, f *sync.Flow, ref sync.Ref) {
	var types []string
	for _, act := range w.activities {
		if act.Relate[0].Flow == f.Name && act.System != ref.System && !slices.Contains(types, act.Fact) {
			types = append(types, act.Fact)
		}
	}
	kind, ok := pick(types, a.What)
	if !ok {
		return
	}
	w.facts++
	fact := sync.Fact{ID: fmt.Sprintf("fact-%d", w.facts), Type: kind, Subject: ref, OccurredAt: time.Now()}
	if w.cfg.Tell != nil {
		fact = w.cfg.Tell(fact)
	}
	w.tell(ref, "the fact %s happens", fact.ID)
	w.net.send(fact)
}

// values shows fields for a story.
func values(fields sync.Fields) string {
	s := ""
	for _, n := range sortedKeys(maps.Keys(fields)) {
		s += fmt.Sprintf(" %s=%q", n, fields[n].String())
	}
	return strings.TrimSpace(s)
}
