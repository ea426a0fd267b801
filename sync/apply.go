package sync

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"
)

// write carries out a plan: the intent first, then the systems, then the
// commit of what they answered.
func (r *reconciliation) write(ctx context.Context, plan Plan) error {
	for _, s := range []Side{Left, Right} {
		if plan.Writes[s] != nil && !r.views[s].Exists {
			if err := r.relate(ctx, s); err != nil {
				return r.keptBack(ctx, err)
			}
		}
	}
	if err := r.allowWrites(ctx, &plan); err != nil {
		return r.keptBack(ctx, err)
	}
	intent, err := r.begin(ctx, plan)
	if err := r.unless(err); err != nil {
		return err
	}
	creates := false
	for _, s := range []Side{Left, Right} {
		if plan.Writes[s] != nil && !r.views[s].Exists {
			creates = true
			defer r.engine.creates.begin(r.flow.End(s))()
		}
	}
	results := r.apply(ctx, plan)
	if results[Left].Err != nil || results[Right].Err != nil {
		if plan.idle(results) {
			r.undone()
		}
		if err := r.failed(ctx, intent, &plan, results); err != nil {
			return r.recognise(ctx, err)
		}
	}
	for _, s := range []Side{Left, Right} {
		if plan.Writes[s] != nil {
			r.absorb(s, &plan, results[s])
		}
	}
	if !plan.Rebase {
		return &Error{Op: "write", Action: Fatal, Ref: r.ref, Rule: "plan.base", Err: errors.New("a plan that writes has no base")}
	}
	r.link.State = Active
	r.note(Entry{Kind: EntryWrote, Calls: [2]string{results[Left].Call, results[Right].Call}})
	ctx, cancel := r.engine.afterwards(ctx)
	defer cancel()
	// What is created lacks the ids that only exist now.
	plan.Base.Unsettled = plan.Unsettled || creates
	if err := r.fire(ctx, &plan.Base); err != nil {
		return err
	}
	err = r.commit(ctx, &plan.Base, intent)
	r.watchFlips(ctx, plan.Decisions)
	return err
}

// begin stores the intent, and with it the link and what was decided: a crash
// after the write must not lose the value that it overwrote.
func (r *reconciliation) begin(ctx context.Context, plan Plan) (*Intent, error) {
	now := time.Now()
	intent := &Intent{ID: newID(), Expires: now.Add(r.engine.cfg.Lease), Writes: plan.Writes}
	link := r.link
	if link.State == Pending && !link.Left.Zero() && !link.Right.Zero() {
		link.State = Active
	}
	link, err := r.engine.begin(ctx, now, link, *intent, r.stamped(intent)...)
	if err != nil {
		return nil, err
	}
	r.link = link
	return intent, nil
}

// apply sends the plan's writes to both sides at once.
func (r *reconciliation) apply(ctx context.Context, plan Plan) [2]Result {
	var results [2]Result
	done := make(chan struct{})
	go func() {
		defer close(done)
		results[Right] = r.send(ctx, Right, plan.Writes[Right])
	}()
	results[Left] = r.send(ctx, Left, plan.Writes[Left])
	<-done
	return results
}

// send writes to one side.
func (r *reconciliation) send(ctx context.Context, s Side, fields Fields) (res Result) {
	if fields == nil {
		return Result{}
	}
	defer func() {
		if p := recover(); p != nil {
			res = Result{Err: &Error{Op: "write", Action: Fatal, Ref: r.ref, Rule: ruleNoPanic, Err: errors.New("the sink panicked")}}
		}
	}()
	w := Write{Ref: r.views[s].Record.Ref, Fields: fields}
	if !r.views[s].Exists {
		end := r.flow.End(s)
		w.Ref, w.Key, w.Related = Ref{System: end.System, Kind: end.Kind}, end.CreateKey, r.related
		if rule := r.views[s].Degraded[w.Key]; rule != "" {
			return Result{Err: &Error{Op: "create", Action: Denied, Ref: r.ref, Field: w.Key, Rule: "degraded: " + rule,
				Hint: "mend the create key's property; the record is created then", Err: errors.New("the create key cannot be written")}}
		}
		if fields[w.Key].Blank() {
			return Result{Err: &Error{Op: "create", Action: Fatal, Ref: r.ref, Field: w.Key, Rule: "createkey.filled",
				Hint: "map the create key from the other side's id", Err: errors.New("the create key is blank")}}
		}
	}
	ctx, end := r.engine.span(ctx, Span{Op: OpWrite, Flow: r.flow.Name, Ref: w.Ref, Count: len(fields)})
	defer func() { end(res.Err) }()
	start := time.Now()
	results, err := r.sink(s).Apply(ctx, []Write{w})
	switch {
	case err != nil:
		return Result{Err: err}
	case len(results) != 1:
		return Result{Err: &Error{Op: "write", Action: Fatal, Ref: w.Ref, Rule: "sink.one-per-write",
			Hint: "this is a bug of the adapter", Err: errors.New("the sink answered with another number of results")}}
	}
	if res := &results[0]; res.Err == nil && w.Ref.ID != "" && res.Record.ID != "" && res.Record.ID != w.Ref.ID {
		res.Err = &Error{Op: "write", Action: Conflict, Ref: w.Ref, Rule: "record.moved", Existing: res.Record.Ref,
			Hint: "the pair is read again", Err: errors.New("the record was merged into another while it was written")}
	}
	if results[0].Err == nil {
		r.engine.observe(Event{Type: EventWrote, Flow: r.flow.Name, Ref: results[0].Record.Ref, Count: len(fields), Duration: time.Since(start)})
	}
	return results[0]
}

// absorb takes what a side answered to a write into its view and the next
// base. A value that the system stored in another form is the new shadow; one
// that it stored with another meaning is a change of its own, which the next
// round sees against what was written.
func (r *reconciliation) absorb(s Side, plan *Plan, res Result) {
	view, shadow := &r.views[s], plan.Base.side(s)
	before, written := view.Record.Fields, plan.Writes[s]
	view.Record.Fields = before.Clone()
	maps.Copy(view.Record.Fields, written)
	intended := view.Record.Fields.Clone()
	if !view.Exists {
		r.created(s, res)
	}
	drifted := false
	for _, n := range r.flow.Names(s) {
		stored, told := res.Record.Fields[n]
		if !told && !res.Complete || n == IDField {
			continue
		}
		view.Record.Fields[n] = stored
		if _, ours := written[n]; !ours && differ(stored, before[n]) {
			drifted = true
		}
	}
	for i := range r.flow.Fields {
		restate(r.flow.Fields[i].lens(s), shadow.Fields, written, intended, view.Record.Fields)
	}
	r.drop(s, plan, before, res)
	if res.Complete && res.Record.UpdatedAt.After(view.Record.UpdatedAt) {
		view.Record.UpdatedAt = res.Record.UpdatedAt
	}
	if res.Complete && !drifted && !plan.Unsettled && !r.hides(s) && res.Record.UpdatedAt.After(shadow.UpdatedAt) {
		shadow.UpdatedAt = res.Record.UpdatedAt
	}
}

// restate takes the stored form of what was written into the shadow, if it
// means the same.
func restate(lens Lens, shadow, written, intended, stored Fields) {
	want, err := lens.Get(intended)
	got, err2 := lens.Get(stored)
	if err != nil || err2 != nil || want != got {
		return
	}
	for _, n := range lens.Names() {
		if _, ours := written[n]; ours {
			shadow[n] = stored[n]
		}
	}
}

// created turns the answer to a create into the link's new end.
func (r *reconciliation) created(s Side, res Result) {
	view := &r.views[s]
	view.Exists = true
	view.Record.Ref = res.Record.Ref
	view.Record.UpdatedAt = res.Record.UpdatedAt
	view.Record.Fields[IDField] = Text(res.Record.ID)
	r.link.setEnd(s, res.Record.Ref)
	if r.link.Evidence == "" {
		r.link.Evidence = "created"
	}
	kind, note := EntryCreated, "created"
	if !res.Created {
		kind, note = EntryLinked, "the create key was known already"
	}
	r.note(Entry{Kind: kind, Note: note})
	r.engine.observe(Event{Type: EventCreated, Flow: r.flow.Name, Ref: res.Record.Ref})
}

// failed closes the intent after a write that did not take effect, or may
// have: the next look reads both sides again and finds out. Of two errors the
// one that may pass leads, so that nothing is given up while it may succeed.
func (r *reconciliation) failed(ctx context.Context, intent *Intent, plan *Plan, results [2]Result) error {
	ctx, cancel := r.engine.afterwards(ctx)
	defer cancel()
	var errs []error
	for _, s := range []Side{Left, Right} {
		if err := results[s].Err; err != nil {
			errs = append(errs, err)
			r.note(Entry{Kind: EntryFailed, Note: s.String() + ": " + err.Error(), Calls: [2]string{results[Left].Call, results[Right].Call}})
		}
	}
	base := r.partly(plan, results)
	if writes := unfinished(plan, results); writes[Left] != nil || writes[Right] != nil {
		if base == nil {
			kept := r.base
			base = &kept
		}
		base.Unsettled, base.Unfinished, base.Intent = true, writes, intent.ID
	}
	if err := r.fire(ctx, base); err != nil {
		errs = append(errs, err)
	} else if err := r.commit(ctx, base, intent); err != nil {
		errs = append(errs, err)
	}
	return together("write", r.ref, errs)
}

// partly returns the base after writes of which one side's failed. What the
// other side took is agreed on: else our own value would look like an edit
// there, and stand against the next edit of a person.
func (r *reconciliation) partly(plan *Plan, results [2]Result) *Base {
	took := slices.IndexFunc(results[:], func(res Result) bool { return res.Err == nil })
	if took < 0 || plan.Writes[took] == nil || !plan.Rebase {
		return r.marked(true)
	}
	s := Side(took) // there are two
	r.absorb(s, plan, results[s])
	r.note(Entry{Kind: EntryWrote, Note: s.String()})
	for i := range r.planner.registers {
		reg := &r.planner.registers[i]
		if slices.ContainsFunc(reg.names[s.Other()], func(n string) bool { _, failed := plan.Writes[s.Other()][n]; return failed }) {
			r.rollback(reg, plan)
		}
	}
	for _, s := range []Side{Left, Right} {
		plan.Base.side(s).UpdatedAt = r.base.side(s).UpdatedAt
	}
	plan.Base.Unsettled = true
	return &plan.Base
}

// together makes one error of several, with the action and the rule of the first
// that may pass.
func together(op string, ref Ref, errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	passing := []Action{Retry, RetryAt, Conflict, NotFound}
	lead := errs[max(0, slices.IndexFunc(errs, func(err error) bool { return slices.Contains(passing, ActionOf(err)) }))]
	out := &Error{Op: op, Action: ActionOf(lead), Ref: ref, Err: errors.Join(errs...)}
	var e *Error
	if errors.As(lead, &e) {
		out.Rule, out.RetryAt = e.Rule, e.RetryAt
	}
	return out
}

// recognise links the record that refused to be created twice: the system
// told which record holds the unique value already.
func (r *reconciliation) recognise(ctx context.Context, err error) error {
	far, e := r.near.Other(), (*Error)(nil)
	end := r.flow.End(far)
	if r.views[far].Exists || !errors.As(err, &e) || e.Action != Conflict ||
		e.Existing.Zero() || e.Existing.System != end.System || e.Existing.Kind != end.Kind {
		return err
	}
	rec, readErr := r.read(ctx, far, e.Existing)
	if readErr != nil || rec.Deleted {
		return err
	}
	if left, holdErr := r.offered(ctx, []Record{rec}); holdErr != nil || len(left) == 0 {
		return errors.Join(err, holdErr) // a person said that it is somebody else
	}
	return r.accept(ctx, far, rec, "unique "+e.Field)
}

// afterwards is the context for what must be told even when the work was
// cancelled.
func (e *Engine) afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), e.cfg.StopTimeout)
}
