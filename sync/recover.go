package sync

import (
	"context"
	"maps"
	"slices"
	"time"
)

// recoverLost decides about edits that were overwritten unseen. Each is one of two
// edits from one base, and its field's policy settles it as any other conflict.
// One that wins is restored on both sides, every one is in the audit.
func (r *reconciliation) recoverLost(ctx context.Context) error {
	if !r.views[Left].Exists || !r.views[Right].Exists {
		return nil
	}
	if r.losses == nil {
		var err error
		if r.losses, err = r.lost(ctx); err != nil {
			return err
		}
	}
	done := map[string]bool{}
	for i := range r.losses {
		l := &r.losses[i]
		key := l.reg.fields[0].Name + " " + l.intent
		if done[key] {
			continue // a register is decided on as a whole
		}
		done[key] = true
		plan, err := r.redecide(ctx, l)
		if err != nil {
			return err
		}
		r.tellLost(l, &plan)
		if plan.Empty() {
			continue
		}
		r.wrote = true
		if err := r.write(ctx, plan); err != nil {
			return err
		}
	}
	return nil
}

// tellLost notes the decisions about a loss for the audit and the observer.
// What needs no write was carried out by the one that overwrote the edit.
func (r *reconciliation) tellLost(l *loss, plan *Plan) {
	for i := range plan.Decisions {
		d := &plan.Decisions[i]
		r.decide(plan.Decisions[i : i+1])
		n := &r.entries[len(r.entries)-1]
		n.Causes = append(slices.Clone(n.Causes), l.intent)
		if plan.Empty() {
			n.Intent = l.intent
		}
		r.engine.observe(Event{Type: EventLost, Flow: r.flow.Name, Ref: r.ref, Decision: d})
	}
}

// redecide plans what becomes of a lost edit, and of nothing else.
func (r *reconciliation) redecide(ctx context.Context, l *loss) (Plan, error) {
	w := r.working()
	now := [2][]Value{l.reg.seen(Left, w.views[Left].Record.Fields), l.reg.seen(Right, w.views[Right].Record.Fields)}
	c := &comparison{reg: l.reg, values: now, changed: [2]bool{true, true}}
	c.values[r.near] = l.reg.seen(r.near, l.was.fields)
	for _, s := range []Side{Left, Right} {
		c.blank[s] = !slices.ContainsFunc(c.values[s], func(v Value) bool { return !v.Blank() })
	}
	v := verdict{outcome: Kept, rule: "not restored", winner: r.near.Other(), conflict: true}
	if w.untouched(l, r.near) {
		var err error
		if v, err = r.judge(ctx, l, w, c); err != nil {
			return Plan{}, err
		}
	}
	return w.restore(c, v, now)
}

// untouched reports whether a lost edit may still come back: it breaks no
// rule, the systems can hold it, and nobody has edited the register since it
// was overwritten. Otherwise it is only told.
func (w *work) untouched(l *loss, near Side) bool {
	_, paused := w.degraded(l.reg)
	invalid := slices.ContainsFunc(l.reg.fields, func(f *Field) bool {
		_, err := f.lens(near).Get(l.was.fields)
		return err != nil
	})
	return !invalid && paused == "" && w.same(l.reg, Left) && w.same(l.reg, Right) && sees(l.lens, w.views[near].Record.Fields) == l.After
}

// working returns a run of the planner.
func (r *reconciliation) working() *work {
	left, right, base := r.views[Left], r.views[Right], r.base
	left.Degraded = both(r.degraded[Left], r.engine.degraded(&r.flow.Left))
	right.Degraded = both(r.degraded[Right], r.engine.degraded(&r.flow.Right))
	return &work{planner: r.planner, views: [2]*View{&left, &right}, base: &base,
		gate: r.engine.gate(r.flow, r.link.ID, left.Record.Ref, right.Record.Ref)}
}

// judge lets the field's policy decide, as if the lost edit had been seen. The
// lost edit's time is exact; the other one had been made when it was carried
// over.
func (r *reconciliation) judge(ctx context.Context, l *loss, w *work, c *comparison) (verdict, error) {
	far := r.near.Other()
	there, here, base := *w.views[far], *w.views[r.near], *w.base
	here.Times = l.was.times
	there.Record.UpdatedAt = l.at
	if known := base.side(far).UpdatedAt; !known.IsZero() && known.Before(l.at) {
		there.Record.UpdatedAt = known
	}
	base.side(far).UpdatedAt = time.Time{}
	base.Left.Fields = l.before(base.Left.Fields, r.near)
	then := &work{planner: w.planner, base: &base}
	then.views[far], then.views[r.near] = &there, &here
	v, _ := then.verdict(c)
	if asked, err := r.askTimes(ctx, far, then.plan.Contested[far]); err != nil || !asked {
		return v, err
	}
	there.Times = r.views[far].Times
	v, _ = then.verdict(c)
	return v, nil
}

// before returns the left fields with the value that the field had before both
// edits.
func (l *loss) before(left Fields, near Side) Fields {
	out := left.Clone()
	for _, f := range l.reg.fields {
		if f.Name != l.Field {
			continue
		}
		if raw, err := f.Left.Put(l.Before[near], out); err == nil {
			maps.Copy(out, raw)
		}
	}
	return out
}

// seen returns the register's values on a side, by field.
func (reg *register) seen(s Side, fields Fields) []Value {
	out := make([]Value, len(reg.fields))
	for i, f := range reg.fields {
		out[i] = sees(f.lens(s), fields)
	}
	return out
}

// restore notes a verdict on what was lost and writes the values that won to
// the sides that do not have them now.
func (w *work) restore(c *comparison, v verdict, now [2][]Value) (Plan, error) {
	won := v.merged
	if won == nil {
		won = c.values[v.winner]
	}
	m := move{reg: c.reg, decisions: w.note(c, v, won)}
	if v.outcome == Wrote {
		for _, s := range []Side{Left, Right} {
			writes, err := w.put(c.reg, s, won, now[s])
			if err != nil {
				return Plan{}, err
			}
			m.writes[s] = writes
		}
		if err := w.move(&m); err != nil {
			return Plan{}, err
		}
	}
	for i := range w.plan.Decisions {
		w.plan.Decisions[i].Rule = ruleLost + w.plan.Decisions[i].Rule
	}
	w.plan.Unsettled = true // the next round settles it, with whatever else has changed
	return w.plan, nil
}
