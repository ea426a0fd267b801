package sync

import "maps"

// A move is a register with what is about to be written, until the conditions
// of the sides it leaves have been asked.
type move struct {
	reg       *register
	writes    [2]Fields
	decisions []int // indices into plan.Decisions
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
