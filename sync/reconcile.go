package sync

import (
	"context"
	"errors"
	"time"
)

// rounds bounds how often one look at a pair plans anew: once for the change,
// once for ids that only exist after a create, once for what the systems
// answered.
const rounds = 4

// A reconciliation is one look at one record and its counterpart in one flow:
// read both sides, plan, write, commit.
type reconciliation struct {
	engine    *Engine
	planner   *Planner
	flow      *Flow
	near      Side // the side of the record that was hinted at
	ref       Ref
	hints     []Change // what asked for the look
	approvals []string // digests of what may be written, nil for anything
	causes    []string
	since     time.Time // when the last of them was enqueued

	link     Link
	base     Base
	views    [2]View
	related  []Ref                // of a record about to be created
	degraded [2]map[string]string // before anything was read
	entries  []Entry              // to be committed with the next commit
	deeds    []counted            // by the guard, for the write under way
	losses   []loss               // found before the far side was read
	wrote    bool
	decided  bool
	detached bool
}

// run brings the pair in step.
func (r *reconciliation) run(ctx context.Context) error {
	for _, s := range []Side{Left, Right} {
		r.degraded[s] = r.engine.degraded(r.flow.End(s))
	}
	ready, err := r.gather(ctx)
	if errors.Is(err, errElsewhere) {
		ready, err = r.gatherElsewhere(ctx, err)
	}
	if err != nil || !ready {
		return err
	}
	if err := r.recall(ctx); err != nil {
		return err
	}
	if err := r.recoverLost(ctx); err != nil {
		return err
	}
	for range rounds {
		again, err := r.round(ctx)
		if err != nil {
			return err
		}
		if !again {
			if !r.wrote && !r.decided {
				r.engine.observe(Event{Type: EventEcho, Flow: r.flow.Name, Ref: r.ref})
			}
			return nil
		}
	}
	// Others may edit it as fast: a later look finds it at rest.
	return &Error{Op: "reconcile", Action: Conflict, Ref: r.ref, Rule: "rounds",
		Hint: "if nobody edits the pair all the time, a system answers writes with other values than were written: check the field's codec with mapping.Check",
		Err:  errors.New("the pair does not settle")}
}

// round plans once and carries the plan out; again is true when there may be
// more to do.
func (r *reconciliation) round(ctx context.Context) (again bool, err error) {
	far := r.near.Other()
	if r.flow.End(far).CreateKey == "" && !r.views[far].Exists {
		return false, nil // records are never created there
	}
	plan, err := r.plan(ctx)
	if err != nil {
		return false, r.keptBack(ctx, err)
	}
	if err := r.approved(ctx, &plan); err != nil {
		return false, err
	}
	r.decide(plan.Decisions)
	if why := r.suspended(&plan); why != nil {
		return false, errors.Join(why, r.flush(ctx))
	}
	if plan.Empty() {
		return false, r.commitAgreement(ctx, plan)
	}
	r.wrote = true
	return true, r.write(ctx, plan)
}

// plan runs the planner, a second time when exact times may settle a conflict
// that is otherwise ambiguous.
func (r *reconciliation) plan(ctx context.Context) (plan Plan, err error) {
	ctx, end := r.engine.span(ctx, Span{Op: OpPlan, Flow: r.flow.Name, Ref: r.ref})
	defer func() { end(err) }()
	for _, s := range []Side{Left, Right} {
		r.views[s].Degraded = both(r.degraded[s], r.engine.degraded(r.flow.End(s)))
	}
	gate := r.engine.gate(r.flow, r.link.ID, r.views[Left].Record.Ref, r.views[Right].Record.Ref)
	if plan, err = r.planner.PlanGated(r.views[Left], r.views[Right], r.base, gate); err != nil {
		return plan, err
	}
	asked := false
	for _, s := range []Side{Left, Right} {
		known, err := r.askTimes(ctx, s, plan.Contested[s])
		if err != nil {
			return plan, err
		}
		asked = asked || known
	}
	if asked {
		return r.planner.PlanGated(r.views[Left], r.views[Right], r.base, gate)
	}
	return plan, nil
}

// askTimes looks up the exact times of contested fields where the system
// knows them.
func (r *reconciliation) askTimes(ctx context.Context, s Side, names []string) (bool, error) {
	historian, ok := r.source(s).(Historian)
	if !ok || len(names) == 0 || r.views[s].Times != nil {
		return false, nil
	}
	ref := r.views[s].Record.Ref
	times, err := historian.Times(ctx, ref.Kind, []string{ref.ID}, names)
	if err != nil {
		return false, err
	}
	r.views[s].Times = map[string]time.Time{}
	if len(times) == 1 {
		for n, t := range times[0] {
			// A later time is that of a value which came after the one read.
			if !t.After(r.views[s].Record.UpdatedAt) {
				r.views[s].Times[n] = t
			}
		}
	}
	return true, nil
}

// decide notes the decisions for the audit and the observer.
func (r *reconciliation) decide(decisions []Decision) {
	for i := range decisions {
		d := &decisions[i]
		r.decided = true
		r.note(Entry{Kind: EntryDecided, Decision: d})
		r.engine.observe(Event{Type: EventDecided, Flow: r.flow.Name, Ref: r.ref, Decision: d})
	}
}

// note adds an audit entry to the next commit.
func (r *reconciliation) note(e Entry) {
	e.At, e.Flow, e.Causes = time.Now(), r.flow.Name, r.causes
	r.entries = append(r.entries, e)
}

// commitAgreement stores a plan that writes nothing, if it says anything new.
func (r *reconciliation) commitAgreement(ctx context.Context, plan Plan) error {
	if !r.views[Left].Exists || !r.views[Right].Exists {
		return r.flush(ctx) // filtered or blank: nothing was linked
	}
	base := r.next(&plan)
	if base == nil && len(r.entries) == 0 && r.link.State == Active && r.link.Generation > 0 {
		return nil
	}
	if err := r.fire(ctx, base); err != nil {
		return err
	}
	r.link.State = Active
	return r.commit(ctx, base, nil)
}

// next returns the base that follows from a plan, nil when it stays as it is.
func (r *reconciliation) next(plan *Plan) *Base {
	if !plan.Rebase {
		return r.marked(plan.Unsettled)
	}
	plan.Base.Unsettled = plan.Unsettled
	return &plan.Base
}

// marked returns the present base as settled or not, nil when it is so.
func (r *reconciliation) marked(unsettled bool) *Base {
	if r.base.Unsettled == unsettled && r.link.Intent == nil {
		return nil
	}
	base := r.base
	base.Unsettled = unsettled
	return &base
}

// keptBack notes that an edit could not be planned, and returns why.
func (r *reconciliation) keptBack(ctx context.Context, why error) error {
	if base := r.marked(true); base != nil && r.link.Generation > 0 && r.link.State == Active {
		if err := r.commit(ctx, base, nil); err != nil {
			return err
		}
	}
	return why
}

// flush stores the audit entries of a look that changed nothing else.
func (r *reconciliation) flush(ctx context.Context) error {
	entries := r.stamped(nil)
	if len(entries) == 0 {
		return nil
	}
	return r.engine.append(ctx, &r.link, entries)
}

// commit stores the link, the base and the audit entries in one transaction.
func (r *reconciliation) commit(ctx context.Context, base *Base, intent *Intent) error {
	if base != nil && base.Fired == nil {
		base.Fired = r.base.Fired
	}
	link, err := r.engine.commit(ctx, time.Now(), Commit{Link: r.link, Base: base, Entries: r.stamped(intent)})
	if err != nil {
		return err
	}
	r.link = link
	if base != nil {
		r.base = *base
	}
	return nil
}

// stamped completes the audit entries with the link and hands them over.
func (r *reconciliation) stamped(intent *Intent) []Entry {
	entries := r.entries
	r.entries = nil
	for i := range entries {
		e := &entries[i]
		e.Link = r.link.ID
		for _, s := range []Side{Left, Right} {
			ref := r.link.End(s)
			if ref.Zero() {
				ref = r.views[s].Record.Ref
			}
			switch {
			case s == Left && e.Left.Zero():
				e.Left = ref
			case s == Right && e.Right.Zero():
				e.Right = ref
			}
		}
		if intent != nil && e.Intent == "" {
			e.Intent = intent.ID
		}
	}
	return entries
}

func (r *reconciliation) source(s Side) Source {
	return r.engine.cfg.Peers[r.flow.End(s).System].Source
}

func (r *reconciliation) sink(s Side) Sink {
	return r.engine.cfg.Peers[r.flow.End(s).System].Sink
}
