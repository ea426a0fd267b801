package sync

import (
	"slices"
	"time"
)

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
