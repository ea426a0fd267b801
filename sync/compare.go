package sync

import "errors"

// A comparison holds what a register looks like on both sides.
type comparison struct {
	reg     *register
	first   bool       // the sides never agreed on it
	values  [2][]Value // canonical values, by field
	changed [2]bool    // whether the side changed since the base
	equal   bool
	blank   [2]bool // whether all values of the side are blank
}

// compare sees the register through its lenses.
func (w *work) compare(r *register) (*comparison, error) {
	c := &comparison{reg: r, first: w.first(r)}
	for _, s := range []Side{Left, Right} {
		if err := w.look(c, s); err != nil {
			return nil, err
		}
	}
	c.equal = true
	for i := range r.fields {
		c.equal = c.equal && c.values[Left][i] == c.values[Right][i]
	}
	return c, nil
}

// look fills in one side of a comparison.
func (w *work) look(c *comparison, s Side) error {
	same := !c.first && w.same(c.reg, s)
	c.values[s] = make([]Value, len(c.reg.fields))
	c.blank[s] = true
	for i, f := range c.reg.fields {
		v, changed, err := w.value(c, f, s, same)
		if err != nil {
			return err
		}
		c.values[s][i] = v
		c.changed[s] = c.changed[s] || changed
		c.blank[s] = c.blank[s] && v.Blank()
	}
	return nil
}

// value returns a field's canonical value on a side and whether it changed.
// A value that breaks a rule is an error only where it might have to travel;
// elsewhere it is what the other side's value will replace.
func (w *work) value(c *comparison, f *Field, s Side, same bool) (Value, bool, error) {
	view := w.views[s]
	if !view.Exists {
		return Value{}, false, nil
	}
	lens := f.lens(s)
	v, err := lens.Get(view.Record.Fields)
	if err != nil {
		if same || !f.Direction.allows(s.Other()) {
			return unreadable(lens, view.Record.Fields), !same, nil
		}
		return Value{}, false, inField(err, f.Name, view.Record.Ref)
	}
	if same {
		return v, false, nil
	}
	if c.first {
		return v, !v.Blank(), nil
	}
	was, err := lens.Get(w.base.side(s).Fields)
	return v, err != nil || v != was, nil
}

// unreadable stands for a raw value that its lens refuses: a value of its own
// that equals no canonical one, so that it can be replaced and audited.
func unreadable(lens Lens, fields Fields) Value {
	items := []string{"unreadable"}
	for _, n := range lens.Names() {
		items = append(items, fields[n].String())
	}
	return List(items...)
}

// interval bounds the moment of the side's last edit of the register. A name
// that looks untouched may have been edited and put back, so it counts too.
func (w *work) interval(r *register, s Side) Interval {
	view, shadow := w.views[s], w.base.side(s)
	seen := Interval{Earliest: shadow.UpdatedAt, Latest: view.Record.UpdatedAt}
	var out Interval
	for k, n := range r.names[s] {
		i := seen
		if t, ok := view.Times[n]; ok {
			i = At(t)
		}
		if k > 0 {
			i = last(out, i)
		}
		out = i
	}
	return out.Widen(view.Skew)
}

// contest notes the names whose exact times are not known.
func (w *work) contest(r *register, s Side) {
	for _, n := range r.names[s] {
		if _, ok := w.views[s].Times[n]; !ok {
			w.plan.Contested[s] = append(w.plan.Contested[s], n)
		}
	}
}

// inField adds the field and the record to a lens's error.
func inField(err error, field string, ref Ref) error {
	var out Error
	var e *Error
	if errors.As(err, &e) {
		out = *e
	} else {
		out = Error{Op: "map", Action: Invalid, Rule: "lens", Err: err}
	}
	if out.Field == "" {
		out.Field = field
	}
	if out.Ref.Zero() {
		out.Ref = ref
	}
	return &out
}
