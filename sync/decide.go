package sync

import "slices"

// A verdict settles a register: the values that both sides shall have.
type verdict struct {
	outcome   Outcome
	rule      string
	winner    Side
	merged    []Value // when no side's values were taken whole
	conflict  bool
	ambiguous bool
	times     [2]Interval
}

// decide finds the verdict on a register and notes what follows from it.
func (w *work) decide(c *comparison) error {
	if c.equal {
		return w.adopt(c)
	}
	v, ok := w.verdict(c)
	if !ok {
		w.settle(c.reg) // only the raw form moved
		return nil
	}
	return w.carry(c, v)
}

// adopt takes equal values into the base; they were decided on only if a side
// changed them.
func (w *work) adopt(c *comparison) error {
	if c.changed[Left] || c.changed[Right] {
		w.note(c, verdict{outcome: Adopted, rule: "equal"}, c.values[Left])
	}
	w.settle(c.reg)
	return nil
}

// verdict decides a register whose sides differ. It is not ok when neither
// side changed: then the difference was settled before.
func (w *work) verdict(c *comparison) (verdict, bool) {
	f := c.reg.fields[0]
	switch {
	case f.Direction != Both:
		return w.oneWay(c, f)
	case !w.views[Left].Exists:
		return verdict{outcome: Wrote, rule: ruleCreate, winner: Right}, true
	case !w.views[Right].Exists:
		return verdict{outcome: Wrote, rule: ruleCreate, winner: Left}, true
	case c.first:
		return w.firstSync(c), true
	case !c.changed[Left] && !c.changed[Right]:
		return verdict{}, false
	case f.KeepBlank && c.blank[Left] != c.blank[Right]:
		return w.fill(c, "blank never overwrites"), true
	case c.changed[Left] && c.changed[Right]:
		return w.conflict(c, f), true
	case c.changed[Left]:
		return edit(c, f, Left), true
	}
	return edit(c, f, Right), true
}

// edit decides a register that one side changed: its values go to the other,
// unless they lead back and only the owner may.
func edit(c *comparison, f *Field, by Side) verdict {
	if f.Policy.Kind == Monotonic && by != f.Policy.Owner {
		if ahead, unknown := furthest(c, f.Policy); ahead != by && !unknown {
			return verdict{outcome: Wrote, rule: "policy.monotonic", winner: ahead}
		}
	}
	return verdict{outcome: Wrote, rule: "changed", winner: by}
}

// fill takes the side that is not blank.
func (w *work) fill(c *comparison, rule string) verdict {
	v := verdict{outcome: Wrote, rule: rule, winner: Left, conflict: c.changed[Left] && c.changed[Right] && !c.first}
	if c.blank[Left] {
		v.winner = Right
	}
	return v
}

// oneWay decides a field that travels in one direction only.
func (w *work) oneWay(c *comparison, f *Field) (verdict, bool) {
	source := Left
	if f.Direction == ToLeft {
		source = Right
	}
	target := source.Other()
	fresh := c.first || !w.views[target].Exists
	v := verdict{outcome: Wrote, rule: "one-way", winner: source}
	switch {
	case !w.views[source].Exists:
		return verdict{}, false
	case !fresh && !c.changed[source] && !c.changed[target]:
		return verdict{}, false
	case c.blank[source] && (f.KeepBlank || fresh):
		return verdict{outcome: Kept, rule: "blank never overwrites", winner: target}, true
	case c.changed[source] || fresh:
		v.conflict = c.changed[source] && c.changed[target] && !c.blank[target]
		return v, true
	case f.Policy.Kind == Own && f.Policy.Owner == source:
		v.rule = "one-way restore"
		return v, true
	}
	return verdict{outcome: Kept, rule: "one-way target edited", winner: target}, true
}

// firstSync settles two existing records that meet for the first time.
func (w *work) firstSync(c *comparison) verdict {
	if c.blank[Left] != c.blank[Right] {
		return w.fill(c, ruleOneSided)
	}
	policy := w.planner.flow.FirstSync
	v := verdict{outcome: Wrote, winner: policy.Owner, conflict: true, rule: "firstsync.owner"}
	switch policy.Kind {
	case Review:
		v.outcome, v.rule = Held, "firstsync.review"
	case Union:
		if v.merged = union(c, nil); v.merged != nil {
			v.rule = "firstsync.union"
		}
	}
	return v
}

// conflict settles a register that both sides changed to different values.
func (w *work) conflict(c *comparison, f *Field) verdict {
	v := verdict{outcome: Wrote, winner: f.Policy.Owner, conflict: true, rule: "policy." + string(f.Policy.Kind)}
	switch f.Policy.Kind {
	case Own:
	case PreferUnlessBlank:
		if c.blank[v.winner] {
			v.winner = v.winner.Other()
		}
	case Monotonic:
		v.winner, v.ambiguous = furthest(c, f.Policy)
	case Union:
		v.merged = union(c, w.agreed(c.reg))
	case Review:
		v.outcome = Held
	default:
		w.lastWrite(c, &v)
	}
	return v
}

// lastWrite takes the later edit, if it can be known which one that is.
func (w *work) lastWrite(c *comparison, v *verdict) {
	v.rule = "policy." + string(LastWriteWins)
	v.times = [2]Interval{w.interval(c.reg, Left), w.interval(c.reg, Right)}
	switch {
	case v.times[Left].Before(v.times[Right]):
		v.winner = Right
	case v.times[Right].Before(v.times[Left]):
		v.winner = Left
	default:
		v.ambiguous = true
		w.contest(c.reg, Left)
		w.contest(c.reg, Right)
	}
}

// furthest returns the side whose value stands later in the policy's order.
// Where neither is later, or one is outside the order, the owner wins.
func furthest(c *comparison, p Policy) (Side, bool) {
	left := slices.Index(p.Order, c.values[Left][0].String())
	right := slices.Index(p.Order, c.values[Right][0].String())
	switch {
	case left < 0 || right < 0 || left == right:
		return p.Owner, true
	case left > right:
		return Left, false
	}
	return Right, false
}

// agreed returns the register's values in the base, by field.
func (w *work) agreed(r *register) []Value {
	out := make([]Value, len(r.fields))
	for i, f := range r.fields {
		if v, err := f.Left.Get(w.base.Left.Fields); err == nil {
			out[i] = v
		}
	}
	return out
}

// union merges lists: an item stays unless a side removed it from the base.
// Other values cannot be merged: it returns nil and the owner wins.
func union(c *comparison, base []Value) []Value {
	out := make([]Value, len(c.reg.fields))
	for i := range out {
		l, r := c.values[Left][i], c.values[Right][i]
		if !(l.IsList() || l.Blank()) || !(r.IsList() || r.Blank()) {
			return nil
		}
		left, right := l.Items(), r.Items()
		var was, items []string
		if base != nil {
			was = base[i].Items()
		}
		for _, item := range append(slices.Clone(left), right...) {
			removed := slices.Contains(was, item) && (!slices.Contains(left, item) || !slices.Contains(right, item))
			if !removed && !slices.Contains(items, item) {
				items = append(items, item)
			}
		}
		slices.Sort(items)
		if len(items) > 0 {
			out[i] = List(items...)
		}
	}
	return out
}

// carry turns a verdict into decisions and writes.
func (w *work) carry(c *comparison, v verdict) error {
	values := v.merged
	if values == nil {
		values = c.values[v.winner]
	}
	noted := w.note(c, v, values)
	switch v.outcome {
	case Held:
		w.plan.Unsettled = true
	case Wrote:
		return w.write(c, v, values, noted)
	default:
		w.settle(c.reg)
	}
	return nil
}

// write prepares the register's writes to the sides that do not have the
// values yet.
func (w *work) write(c *comparison, v verdict, values []Value, noted []int) error {
	m := move{reg: c.reg, decisions: noted}
	for _, s := range []Side{Left, Right} {
		if v.merged == nil && s == v.winner {
			continue
		}
		writes, err := w.put(c.reg, s, values, c.values[s])
		if err != nil {
			return err
		}
		m.writes[s] = writes
	}
	w.moves = append(w.moves, m)
	return nil
}

// put returns the raw fields that give a side the values. A value that the side
// had when both agreed comes back as it was then: the raw form may hold more.
func (w *work) put(r *register, s Side, values, present []Value) (Fields, error) {
	out := Fields{}
	view := w.views[s]
	for i, f := range r.fields {
		if view.Exists && values[i] == present[i] {
			continue
		}
		current := view.Record.Fields
		if was := w.base.side(s).Fields; was != nil && view.Exists {
			if v, err := f.lens(s).Get(was); err == nil && v == values[i] && !v.Blank() {
				current = was
			}
		}
		raw, err := f.lens(s).Put(values[i], current)
		if err != nil {
			return nil, inField(err, f.Name, view.Record.Ref)
		}
		for n, v := range raw {
			if differ(v, view.Record.Fields[n]) {
				out[n] = v
			}
		}
	}
	return out, nil
}

// note records the decision on each field that differs or was adopted.
func (w *work) note(c *comparison, v verdict, values []Value) []int {
	var at []int
	for i, f := range c.reg.fields {
		if c.values[Left][i] == c.values[Right][i] && v.outcome != Adopted {
			continue
		}
		at = append(at, len(w.plan.Decisions))
		w.plan.Decisions = append(w.plan.Decisions, Decision{
			Field: f.Name, Outcome: v.outcome, Rule: v.rule, Winner: v.winner, Merged: v.merged != nil,
			Conflict: v.conflict, Ambiguous: v.ambiguous,
			Before: [2]Value{c.values[Left][i], c.values[Right][i]}, After: values[i], Times: v.times,
		})
	}
	return at
}
