package sync

// A register is a set of fields that are compared and written as one.
type register struct {
	fields []*Field
	names  [2][]string
}

// degraded returns a raw name of the register that a side cannot hold.
func (w *work) degraded(r *register) (name, rule string) {
	for _, s := range []Side{Left, Right} {
		for _, n := range r.names[s] {
			if rule := w.views[s].Degraded[n]; rule != "" {
				return n, rule
			}
		}
	}
	return "", ""
}

// pause leaves the register as it is. Where nothing looks changed, or nothing
// was ever agreed on and nothing is to be seen, there is nothing to tell; but
// it may hide an edit.
func (w *work) pause(r *register, why string) {
	w.plan.Unsettled = true
	if w.same(r, Left) && w.same(r, Right) || w.first(r) && w.bare(r) {
		return
	}
	for _, f := range r.fields {
		w.plan.Decisions = append(w.plan.Decisions, Decision{Field: f.Name, Outcome: Paused, Rule: why})
	}
}

// bare reports whether neither side shows a value of the register.
func (w *work) bare(r *register) bool {
	for _, s := range []Side{Left, Right} {
		for _, n := range r.names[s] {
			if !w.views[s].Record.Fields[n].Blank() {
				return false
			}
		}
	}
	return true
}

// same reports whether the register's raw values are those agreed on.
func (w *work) same(r *register, s Side) bool {
	return same(r, s, w.views[s].Record.Fields, w.base)
}

// same reports whether a register's raw values on a side are those agreed on.
func same(r *register, s Side, now Fields, base *Base) bool {
	was := base.side(s).Fields
	for _, n := range r.names[s] {
		if v, agreed := was[n]; !agreed || differ(now[n], v) {
			return false
		}
	}
	return true
}

// differ compares raw values; systems give back one blank for another.
func differ(a, b Value) bool { return a != b && !(a.Blank() && b.Blank()) }

// first reports whether the sides never agreed on the register: the pair is
// new, a first conflict was held or filtered, or the field is newly mapped.
func (w *work) first(r *register) bool {
	for _, s := range []Side{Left, Right} {
		was := w.base.side(s).Fields
		for _, n := range r.names[s] {
			if _, agreed := was[n]; !agreed {
				return true
			}
		}
	}
	return false
}
