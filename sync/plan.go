package sync

import (
	"maps"
	"slices"
	"time"
)

// A Shadow is what one side held when both sides were last known to agree.
// Each side has its own, because each reformats what it is given.
type Shadow struct {
	// Fields holds the raw values by the side's own names. Unlike in a record,
	// a null value and a missing name differ: null is what was agreed on,
	// while a name that is missing was never agreed on at all.
	Fields Fields `json:"fields"`
	// UpdatedAt is the side's own time of the state in which the fields were
	// last seen like this: an edit seen later happened after it.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// A Base is the pair of shadows of a linked pair. The zero Base means that
// the pair never agreed on anything.
type Base struct {
	Left  Shadow `json:"left"`
	Right Shadow `json:"right"`
	// Unsettled is set while an edit waits that no signal may tell of again:
	// it was held, filtered or refused, or a creation is half done. Until it
	// is settled no signal is taken for an echo. The planner ignores it.
	Unsettled bool `json:"unsettled,omitempty"`
	// Unfinished holds the raw fields, left first, of writes of which nobody
	// knows whether they took effect, and Intent the ID of theirs. The planner
	// ignores them.
	Unfinished [2]Fields `json:"unfinished,omitzero"`
	Intent     string    `json:"intent,omitempty"`
}

// Zero reports whether there is no base yet.
func (b *Base) Zero() bool { return b.Left.Fields == nil && b.Right.Fields == nil }

func (b *Base) side(s Side) *Shadow {
	if s == Left {
		return &b.Left
	}
	return &b.Right
}

// A View is one side's present state as the planner sees it.
type View struct {
	// Exists is false when the side has no such record (yet).
	Exists bool
	Record Record
	// Times holds, by raw name, when the present value was set, for the names
	// where the system knows it.
	Times map[string]time.Time
	// Skew is how far the side's clock may be off.
	Skew time.Duration
	// Degraded holds, by raw name, the fields that the side cannot hold at
	// present and the rule that says so. Fields that need them pause: what the
	// side shows of them means nothing.
	Degraded map[string]string
}

// An Outcome says what was decided about a field.
type Outcome string

// The outcomes.
const (
	Wrote    Outcome = "write"  // the winner's value goes to the other side
	Adopted  Outcome = "adopt"  // both sides already agree
	Kept     Outcome = "keep"   // they differ and may: an edit on a one-way field's target, a blank
	Held     Outcome = "hold"   // they differ and wait for a person
	Filtered Outcome = "filter" // a condition keeps the value from leaving
	Paused   Outcome = "pause"  // a system cannot hold the value at present
	Gated    Outcome = "gate"   // a switch, the rollout or a breaker keeps it back
)

// A Decision is what the planner decided about one field, and why.
type Decision struct {
	Field   string
	Outcome Outcome
	// Rule names what decided: "changed", "policy.owner", "firstsync.owner" …
	Rule string
	// Winner is the side whose value was taken; merged values have none.
	Winner Side
	Merged bool
	// Conflict is set when both sides had changed to different values, or
	// met for the first time with different values.
	Conflict bool
	// Ambiguous is set when the order of the edits cannot be known.
	Ambiguous bool
	// Before holds both sides' canonical values, left first, and After the
	// value that was agreed on.
	Before [2]Value
	After  Value
	// Times are the intervals in which the edits happened, when compared.
	Times [2]Interval
}

// Lost returns the canonical value that the decision overwrites, if any.
func (d *Decision) Lost() (Value, bool) {
	if d.Outcome != Wrote {
		return Value{}, false
	}
	for _, v := range d.Before {
		if !v.Blank() && v != d.After {
			return v, true
		}
	}
	return Value{}, false
}

// to reports whether the decision gives a side another's value.
func (d *Decision) to(s Side) bool { return d.Merged || d.Winner != s }

// A Plan is what to do about one pair of records.
type Plan struct {
	// Writes holds the raw fields to write to each side, left first; nil
	// where there is nothing to write.
	Writes [2]Fields
	// Decisions lists the fields about which something was decided. Fields
	// that nobody touched are not among them.
	Decisions []Decision
	// Base is the base to commit once the writes took effect. It is only set
	// when Rebase is.
	Base   Base
	Rebase bool
	// Unsettled is set when some field was held, filtered, paused or gated: its edit
	// may be older than the present state of its side.
	Unsettled bool
	// Contested lists, for each side, the raw names whose exact times might
	// change the plan; the caller may look them up and plan again.
	Contested [2][]string
}

// Empty reports whether there is nothing to write.
func (p *Plan) Empty() bool { return p.Writes[Left] == nil && p.Writes[Right] == nil }

// A Planner decides, for one flow, what to do about a pair of records. It is
// a pure function of its input: no clock, no randomness, no I/O. It may be
// used concurrently.
type Planner struct {
	flow      *Flow
	registers []register
}

// A register is a set of fields that are compared and written as one.
type register struct {
	fields []*Field
	names  [2][]string
}

// NewPlanner returns the planner of a flow.
func NewPlanner(flow *Flow) (*Planner, error) {
	if err := flow.Validate(); err != nil {
		return nil, err
	}
	p := &Planner{flow: flow}
	index := map[string]int{}
	for i := range flow.Fields {
		f := &flow.Fields[i]
		at, grouped := index[f.Group]
		if f.Group == "" || !grouped {
			at = len(p.registers)
			p.registers = append(p.registers, register{})
			if f.Group != "" {
				index[f.Group] = at
			}
		}
		r := &p.registers[at]
		r.fields = append(r.fields, f)
		for _, s := range []Side{Left, Right} {
			for _, n := range f.lens(s).Names() {
				if !slices.Contains(r.names[s], n) {
					r.names[s] = append(r.names[s], n)
				}
			}
		}
	}
	return p, nil
}

// Flow returns the planner's flow.
func (p *Planner) Flow() *Flow { return p.flow }

// Plan compares the two sides with the base, field by field, and says what to
// write where. At least one side must exist. An error is an [*Error] of action
// Invalid: a value that should travel breaks a rule, and then nothing of the
// record is planned.
func (p *Planner) Plan(left, right View, base Base) (Plan, error) {
	return p.PlanGated(left, right, base, nil)
}

// A Gate says why a field may not be written to a side at present, "" when it
// may.
type Gate func(field string, to Side) (why string)

// PlanGated is Plan behind a gate: what may not pass is decided and compared,
// but neither written nor agreed on. A nil gate is open.
func (p *Planner) PlanGated(left, right View, base Base, gate Gate) (Plan, error) {
	w := work{planner: p, views: [2]*View{&left, &right}, base: &base, gate: gate}
	for i := range p.registers {
		if err := w.register(&p.registers[i]); err != nil {
			return Plan{}, err
		}
	}
	return w.finish()
}

// maps reports whether the flow reads or writes a raw name on a side.
func (p *Planner) maps(s Side, name string) bool {
	for i := range p.registers {
		if slices.Contains(p.registers[i].names[s], name) {
			return true
		}
	}
	return false
}

// unchanged reports whether a side's raw values are all those agreed on.
func (p *Planner) unchanged(s Side, fields Fields, base *Base) bool {
	for i := range p.registers {
		if !same(&p.registers[i], s, fields, base) {
			return false
		}
	}
	return true
}

// work is one run of the planner.
type work struct {
	planner *Planner
	views   [2]*View
	base    *Base
	gate    Gate
	plan    Plan
	moves   []move
	asked   [2]bool
	refusal [2]string
}

// A move is a register with what is about to be written, until the conditions
// of the sides it leaves have been asked.
type move struct {
	reg       *register
	writes    [2]Fields
	decisions []int // indices into plan.Decisions
}

// register plans one register.
func (w *work) register(r *register) error {
	if name, rule := w.degraded(r); rule != "" {
		w.pause(r, "degraded: "+name+" "+rule)
		return nil
	}
	if w.same(r, Left) && w.same(r, Right) {
		return nil
	}
	c, err := w.compare(r)
	if err != nil {
		return err
	}
	return w.decide(c)
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

// settle takes the register's present values, overlaid with what is written,
// into the next base.
func (w *work) settle(r *register) {
	w.rebase()
	for _, s := range []Side{Left, Right} {
		shadow := w.plan.Base.side(s).Fields
		for _, n := range r.names[s] {
			v, written := w.plan.Writes[s][n]
			if !written {
				v = w.views[s].Record.Fields[n]
			}
			shadow[n] = v
		}
	}
}

// rebase starts the next base as a copy of the present one.
func (w *work) rebase() {
	if w.plan.Rebase {
		return
	}
	w.plan.Rebase = true
	for _, s := range []Side{Left, Right} {
		was := w.base.side(s)
		*w.plan.Base.side(s) = Shadow{Fields: was.Fields.Clone(), UpdatedAt: was.UpdatedAt}
	}
}

// finish asks the conditions and completes the next base.
func (w *work) finish() (Plan, error) {
	for i := range w.moves {
		if err := w.move(&w.moves[i]); err != nil {
			return Plan{}, err
		}
	}
	w.advance()
	return w.plan, nil
}

// advance moves the shadows' times forward when every field is settled: an
// edit not yet settled may be older than the present state.
func (w *work) advance() {
	if w.plan.Unsettled {
		return
	}
	for _, s := range []Side{Left, Right} {
		now := w.views[s].Record.UpdatedAt
		if w.views[s].Exists && now.After(w.base.side(s).UpdatedAt) {
			w.rebase()
			w.plan.Base.side(s).UpdatedAt = now
		}
	}
}

// move carries out a register's writes if the conditions allow it.
func (w *work) move(m *move) error {
	for _, to := range []Side{Left, Right} {
		if len(m.writes[to]) == 0 {
			continue
		}
		why, err := w.refused(to.Other())
		if err != nil {
			return err
		}
		if why != "" {
			w.filter(m, Filtered, "leave: "+why)
			return nil
		}
		if why := w.closed(m.reg, to); why != "" {
			w.filter(m, Gated, why)
			return nil
		}
	}
	for _, to := range []Side{Left, Right} {
		if len(m.writes[to]) == 0 {
			continue
		}
		if w.plan.Writes[to] == nil {
			w.plan.Writes[to] = make(Fields, len(m.writes[to]))
		}
		maps.Copy(w.plan.Writes[to], m.writes[to])
	}
	w.settle(m.reg)
	return nil
}

// refused asks once whether the record may leave a side; "" allows it.
func (w *work) refused(from Side) (string, error) {
	leave := w.planner.flow.End(from).Leave
	if leave == nil {
		return "", nil
	}
	if !w.asked[from] {
		ok, why, err := leave(w.views[from].Record, w.changed(from))
		if err != nil {
			return "", inField(err, "", w.views[from].Record.Ref)
		}
		if !ok && why == "" {
			why = "refused"
		}
		if ok {
			why = ""
		}
		w.asked[from], w.refusal[from] = true, why
	}
	return w.refusal[from], nil
}

// closed asks the gate about each field of a register.
func (w *work) closed(r *register, to Side) string {
	if w.gate == nil {
		return ""
	}
	for _, f := range r.fields {
		if why := w.gate(f.Name, to); why != "" {
			return why
		}
	}
	return ""
}

// filter turns a move's decisions into refusals.
func (w *work) filter(m *move, outcome Outcome, why string) {
	for _, i := range m.decisions {
		w.plan.Decisions[i].Outcome = outcome
		w.plan.Decisions[i].Rule = why
	}
	w.plan.Unsettled = true
}

// changed lists the mapped raw names of a side that differ from its shadow.
func (w *work) changed(s Side) []string {
	var names []string
	now, was := w.views[s].Record.Fields, w.base.side(s).Fields
	for i := range w.planner.registers {
		for _, n := range w.planner.registers[i].names[s] {
			if differ(now[n], was[n]) {
				names = append(names, n)
			}
		}
	}
	return names
}
