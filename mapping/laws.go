package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// A trial is one state of a field: raw fields on the side where it starts,
// and what the other side holds at that moment.
type trial struct {
	given, present sync.Fields
}

// An experiment runs trials of one field starting on one side.
type experiment struct {
	*checker
	field      *sync.Field
	side       sync.Side
	here, away sync.Lens
}

// field runs the trials of one field, from either side.
func (c *checker) field(f *sync.Field) {
	var states [2][]sync.Fields
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		states[s] = c.states(f, s)
	}
	for _, s := range []sync.Side{sync.Left, sync.Right} {
		e := experiment{c, f, s, c.lens(f, s), c.lens(f, s.Other())}
		e.run(states[s], states[s.Other()])
	}
}

// run tries every state, alone and against some states of the other side.
func (e experiment) run(states, others []sync.Fields) {
	for _, given := range states {
		e.try(trial{given, sync.Fields{}})
		for range min(2, len(others)) {
			e.try(trial{given, others[e.rng.IntN(len(others))]})
		}
	}
	e.readable(states)
}

// try puts a trial to every law and reports the smallest trial that breaks it.
func (e experiment) try(t trial) {
	for _, l := range e.laws() {
		if e.reported(e.field.Name, l.law) || l.broken(t) == "" {
			continue
		}
		t := shrink(t, func(t trial) bool { return e.possible(t) && l.broken(t) != "" })
		v := &Violation{Field: e.field.Name, Law: l.law, Side: e.side, Given: t.given, Detail: l.broken(t)}
		if l.away {
			v.Present = t.present
		}
		e.report(v)
	}
}

// A statement is a law as it applies to an experiment.
type statement struct {
	law    Law
	away   bool                 // the other side takes part
	broken func(t trial) string // says how, "" when it holds
}

// laws lists what must hold, given where the field's values travel.
func (e experiment) laws() []statement {
	out := []statement{{LawReads, false, e.reads}}
	if writes(e.field, e.side) {
		out = append(out, statement{LawIdempotent, false, e.idempotent}, statement{LawGetPut, false, e.getPut})
	}
	if e.field.Direction == sync.Both {
		out = append(out, statement{LawLossless, false, e.lossless})
	}
	if writes(e.field, e.side.Other()) {
		out = append(out, statement{LawTotal, true, e.total}, statement{LawPutGet, true, e.putGet}, statement{LawFits, true, e.fits})
	}
	return out
}

// possible reports whether the sides' schemas allow the trial's raw values.
func (e experiment) possible(t trial) bool {
	return e.allows(e.side, t.given) && e.allows(e.side.Other(), t.present)
}

func (c *checker) allows(s sync.Side, f sync.Fields) bool {
	for n, v := range f {
		if p, ok := c.property(s, n); ok && p.refuses(v) != "" {
			return false
		}
	}
	return true
}

// reads holds unless the lens fails for another reason than a rule.
func (e experiment) reads(t trial) string {
	_, err := get(e.here, t.given)
	if err == nil || isInvalid(err) {
		return ""
	}
	return "reading fails: " + err.Error()
}

// readable wants at least one of the possible values to be readable.
func (e experiment) readable(states []sync.Fields) {
	var refused sync.Fields
	var why error
	for _, f := range states {
		if blank(f) {
			continue
		}
		_, err := get(e.here, f)
		if err == nil {
			return
		}
		refused, why = f, err
	}
	if refused != nil {
		e.report(&Violation{Field: e.field.Name, Law: LawReads, Side: e.side, Given: refused,
			Detail: "no value of the property can be read: " + ruleOf(why)})
	}
}

func (e experiment) idempotent(t trial) string {
	v, err := get(e.here, t.given)
	if err != nil || v.Blank() {
		return ""
	}
	w, err := put(e.here, v, sync.Fields{})
	if err != nil {
		return fmt.Sprintf("it reads as %s, which cannot be written: %s", showValue(v), ruleOf(err))
	}
	return e.readsAs(e.here, overlay(sync.Fields{}, w), v, "written to an empty record")
}

func (e experiment) getPut(t trial) string {
	v, err := get(e.here, t.given)
	if err != nil {
		return ""
	}
	w, err := put(e.here, v, t.given)
	if err != nil {
		if v.Blank() {
			return ""
		}
		return fmt.Sprintf("it reads as %s, which cannot be written back: %s", showValue(v), ruleOf(err))
	}
	return e.readsAs(e.here, overlay(t.given, w), v, "written back")
}

func (e experiment) lossless(t trial) string {
	v, err := get(e.here, t.given)
	if err != nil {
		return ""
	}
	w, err := put(e.here, v, t.given)
	if err != nil {
		return ""
	}
	after := overlay(t.given, w)
	if q, ok := e.here.(Equivalence); ok && q.Equivalent(t.given, after) || same(t.given, after) {
		return ""
	}
	return fmt.Sprintf("it reads as %s and comes back as %s", showValue(v), show(after))
}

// total holds when what this side says can be said on the other, and when
// this side understands all of its own options.
func (e experiment) total(t trial) string {
	v, err := get(e.here, t.given)
	if err != nil {
		if e.onlyOptions(t.given) && isInvalid(err) {
			return "the option is not understood: " + ruleOf(err)
		}
		return ""
	}
	if _, err = put(e.away, v, t.present); err != nil && !v.Blank() {
		return fmt.Sprintf("it reads as %s, which the %s side cannot be told: %s", showValue(v), e.side.Other(), ruleOf(err))
	}
	return ""
}

// onlyOptions reports whether the raw fields are options or booleans, the
// values that their schema lists in full.
func (e experiment) onlyOptions(f sync.Fields) bool {
	if blank(f) {
		return false
	}
	for n := range f {
		if p, ok := e.schemas[e.side][n]; !ok || len(p.Options) == 0 && p.Type != TypeBool {
			return false
		}
	}
	return true
}

func (e experiment) putGet(t trial) string {
	v, w, ok := e.travel(t)
	if !ok {
		return ""
	}
	where := "written to the " + e.side.Other().String() + " side"
	return e.readsAs(e.away, overlay(t.present, w), v, where)
}

func (e experiment) fits(t trial) string {
	_, w, ok := e.travel(t)
	if !ok {
		return ""
	}
	s := e.side.Other()
	for _, n := range slices.Sorted(maps.Keys(w)) {
		if !slices.Contains(e.away.Names(), n) {
			return fmt.Sprintf("the %s lens writes %q, which is not among its names", s, n)
		}
		if w[n] == t.present[n] {
			continue
		}
		if p, ok := e.property(s, n); ok {
			if why := p.refuses(w[n]); why != "" {
				return fmt.Sprintf("it would be written as %s %s: %s", s, show(sync.Fields{n: w[n]}), why)
			}
		}
	}
	return ""
}

// travel takes the value to the other side.
func (e experiment) travel(t trial) (v sync.Value, w sync.Fields, ok bool) {
	v, err := get(e.here, t.given)
	if err != nil {
		return v, nil, false
	}
	w, err = put(e.away, v, t.present)
	return v, w, err == nil
}

// readsAs says how a state reads other than it should.
func (e experiment) readsAs(l sync.Lens, f sync.Fields, want sync.Value, where string) string {
	got, err := get(l, f)
	switch {
	case err != nil:
		return fmt.Sprintf("it reads as %s; %s as %s it is refused: %s", showValue(want), where, show(f), ruleOf(err))
	case got != want:
		return fmt.Sprintf("it reads as %s; %s as %s it reads as %s", showValue(want), where, show(f), showValue(got))
	}
	return ""
}

// get calls a lens that may be the host's own and may panic.
func get(l sync.Lens, f sync.Fields) (v sync.Value, err error) {
	defer recovered(&err)
	return l.Get(f)
}

func put(l sync.Lens, v sync.Value, f sync.Fields) (w sync.Fields, err error) {
	defer recovered(&err)
	return l.Put(v, f)
}

func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("the lens panics: %v", r)
	}
}

func isInvalid(err error) bool {
	var e *sync.Error
	return errors.As(err, &e) && e.Action == sync.Invalid
}

// ruleOf names the rule that refused, or the error.
func ruleOf(err error) string {
	var e *sync.Error
	if errors.As(err, &e) && e.Rule != "" {
		return "rule " + e.Rule
	}
	return err.Error()
}

func overlay(f, w sync.Fields) sync.Fields {
	out := f.Clone()
	maps.Copy(out, w)
	return out
}

// same compares raw fields; blanks are alike.
func same(a, b sync.Fields) bool {
	for n := range b {
		if a[n] != b[n] && !(a[n].Blank() && b[n].Blank()) {
			return false
		}
	}
	return true
}

func blank(f sync.Fields) bool {
	for _, v := range f {
		if !v.Blank() {
			return false
		}
	}
	return true
}
