package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Forecast is what a flow would do to records as they are now, found by the
// true planner against live reads, whatever the flow's [Rollout] lets pass.
// Nothing is written by making it.
type Forecast struct {
	Flow string
	// Records counts those that were looked at. Each is one of Creates,
	// Updates, Unchanged, Refused, Failed.
	Records, Creates, Updates, Unchanged int
	// Refused counts what a rule keeps where it is: filtered, held, gated,
	// paused, ambiguous; Ambiguous the last of them. Failed counts what would go
	// to the dead letters for another reason.
	Refused, Ambiguous, Failed int
	// KeptOut counts the creates and updates that the flow's [Rollout] keeps out
	// at present: in shadow, all of them.
	KeptOut int
	// Fields counts the values that would be written, by the field's name and
	// the side they go to: "name to right".
	Fields map[string]int
	// Overwrites counts values that would be lost, Conflicts fields that both
	// sides changed.
	Overwrites, Conflicts int
	// Detaches counts the pairs that would be put aside because a record is
	// gone. They are among the unchanged.
	Detaches int
	// Rules counts why records are refused or fail, and Refusals lists which
	// these are, the pairs that would be put aside among them.
	Rules    map[string]int
	Refusals []Refusal
	// Calls is how many calls [Engine.ApplyForecast] and what follows from it
	// take at least, by the system, and Takes how long: of the systems that know
	// it, see [Coster]. Batches are full when a system is what the others wait
	// for; one that waits for another gets more and smaller ones.
	Calls map[System]int
	Takes time.Duration
	// Items are the records of which something would be written.
	Items []ForecastItem
}

// A ForecastItem is one record of a [Forecast].
type ForecastItem struct {
	Ref     Ref
	Creates bool
	Fields  []string
	// Decisions tell of each of the Fields what it is on both sides, and what
	// it would be, and why. The values are personal data: nothing encodes them.
	Decisions []Decision `json:"-"`
	// Digest identifies what would be written, without telling it.
	Digest string
}

// A Refusal is a record of which nothing would be written, and the first rule
// that says so: "identity.ambiguous" of one that would wait for a person,
// "record.gone" of a pair that would be put aside.
type Refusal struct {
	Ref  Ref
	Rule string
}

// Forecast makes the forecast for records of one side of a flow. The observer
// gets its progress.
func (e *Engine) Forecast(ctx context.Context, flow string, refs []Ref) (Forecast, error) {
	out := Forecast{Flow: flow, Fields: map[string]int{}, Rules: map[string]int{}}
	p, err := e.plannerOf(flow)
	if err != nil {
		return out, err
	}
	ctx = WithPriority(ctx, Backfill)
	m := e.meter(flow, "forecast "+flow)
	m.Total = len(refs)
	var work [2]Work
	err = e.foreseeAll(ctx, p, m, refs, func(i int, s *foreseen) error {
		out.add(s.look, &s.plan, refs[i], s.err)
		if s.err == nil && !s.plan.Empty() {
			s.look.adds(&work, &s.plan)
		}
		return nil
	})
	out.Calls, out.Takes = e.cost(p.flow, work)
	return out, err
}

// A foreseen record is one with what a look at it would do.
type foreseen struct {
	look *reconciliation
	plan Plan
	err  error
}

// foreseeAll hands over what looks at records would do, in their order. They are
// read side by side, so that an adapter can gather them into batches.
func (e *Engine) foreseeAll(ctx context.Context, p *Planner, m *meter, refs []Ref, do func(i int, s *foreseen) error) error {
	if err := e.knowSwitches(ctx); err != nil {
		return err
	}
	for page := range slices.Chunk(refs, verifyPage) {
		seen := make([]foreseen, len(page))
		var wg sync.WaitGroup
		for i := range page {
			wg.Go(func() {
				s := &seen[i]
				s.err = e.safely(ctx, func() (err error) { s.look, s.plan, err = e.foresee(ctx, p, page[i]); return err })
			})
		}
		wg.Wait()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for i := range seen {
			if err := do(m.Done+i, &seen[i]); err != nil {
				return err
			}
		}
		m.step(len(page), m.Done+len(page) < m.Total)
	}
	return nil
}

// foresee plans one record as a look at it would, over a store that forgets.
func (e *Engine) foresee(ctx context.Context, p *Planner, ref Ref) (*reconciliation, Plan, error) {
	side, ok := p.flow.SideOf(ref)
	if !ok {
		return nil, Plan{}, &Error{Op: "forecast", Action: Invalid, Ref: ref, Rule: "flow.known", Hint: "name records of the flow", Err: errors.New("the flow has no such records")}
	}
	dry := &Engine{cfg: e.cfg, planners: e.planners, breaker: breaker{}}
	dry.cfg.Store, dry.cfg.Observer = forgetful{e.cfg.Store}, func(Event) {}
	dry.cfg.Guard = Guard{Detachments: 1 << 30}
	for _, q := range e.planners {
		dry.switches.set(q.flow.Name, e.switches.of(q.flow.Name))
	}
	open := *p.flow
	open.Rollout = Rollout{}
	r := &reconciliation{engine: dry, planner: p, flow: &open, near: side, ref: ref, hints: []Change{{ID: "forecast", Ref: ref, Reason: ReasonVerify}}}
	ready, err := r.gather(ctx)
	if errors.Is(err, errElsewhere) {
		ready, err = r.gatherElsewhere(ctx, err)
	}
	if err == nil && !ready && r.link.Generation == 0 && !r.views[r.near].Exists {
		err = &Error{Op: "forecast", Action: NotFound, Ref: ref, Rule: "record.exists", Hint: "the record is gone, or its id is wrong", Err: ErrNotFound}
	}
	if err != nil || !ready {
		return r, Plan{}, err
	}
	if far := r.near.Other(); p.flow.End(far).CreateKey == "" && !r.views[far].Exists {
		return r, Plan{}, nil
	}
	plan, err := r.plan(ctx)
	return r, plan, err
}

// add counts one record.
func (f *Forecast) add(r *reconciliation, plan *Plan, ref Ref, err error) {
	f.Records++
	if err != nil {
		f.fail(ref, err)
		return
	}
	refused := ""
	for i := range plan.Decisions {
		d := &plan.Decisions[i]
		if d.Conflict {
			f.Conflicts++
		}
		if _, lost := d.Lost(); lost {
			f.Overwrites++
		}
		switch d.Outcome {
		case Held, Filtered, Gated, Paused:
			refused = cmp.Or(refused, d.Rule)
			f.Rules[d.Rule]++
		}
	}
	switch {
	case r.detached:
		f.Detaches++
		f.Unchanged++
		f.Refusals = append(f.Refusals, Refusal{ref, "record.gone"})
	case plan.Empty() && refused != "":
		f.Refused++
		f.Refusals = append(f.Refusals, Refusal{ref, refused})
	case plan.Empty():
		f.Unchanged++
	default:
		f.write(r, plan, ref)
		if r.keptOut() {
			f.KeptOut++
		}
	}
}

// fail counts a record that cannot be planned.
func (f *Forecast) fail(ref Ref, err error) {
	why := rule(err)
	f.Rules[why]++
	f.Refusals = append(f.Refusals, Refusal{ref, why})
	var e *Error
	switch {
	case !errors.As(err, &e) || e.Action != Conflict && e.Action != RetryAt && why != ruleAmbiguous:
		f.Failed++
		return
	case why == ruleAmbiguous:
		f.Ambiguous++
	}
	f.Refused++
}

// keptOut reports whether the rollout keeps the pair of a forecast out.
func (r *reconciliation) keptOut() bool {
	return r.planner.flow.Rollout.keepsOut(r.views[Left].Record.Ref, r.views[Right].Record.Ref) != ""
}

func rule(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Rule != "" {
		return e.Rule
	}
	return ActionOf(err).String()
}

// write counts a record of which something would be written.
func (f *Forecast) write(r *reconciliation, plan *Plan, ref Ref) {
	item := ForecastItem{Ref: ref, Creates: !r.views[Left].Exists || !r.views[Right].Exists, Digest: r.digest(plan)}
	for i := range plan.Decisions {
		d := &plan.Decisions[i]
		if d.Outcome != Wrote {
			continue
		}
		item.Fields, item.Decisions = append(item.Fields, d.Field), append(item.Decisions, *d)
		for _, to := range []Side{Left, Right} {
			if d.to(to) {
				f.Fields[fmt.Sprintf("%s to %s", d.Field, to)]++
			}
		}
	}
	if item.Creates {
		f.Creates++
	} else {
		f.Updates++
	}
	f.Items = append(f.Items, item)
}

// A forgetful store reads like another and stores nothing.
type forgetful struct{ Store }

// dry reports whether the engine only makes a forecast.
func (e *Engine) dry() bool {
	_, dry := e.cfg.Store.(forgetful)
	return dry
}

func (forgetful) Begin(_ context.Context, _ time.Time, link Link, intent Intent, _ ...Entry) (Link, error) {
	link.Intent = &intent
	link.Generation++
	return link, nil
}

func (forgetful) Commit(_ context.Context, _ time.Time, c Commit) (Link, error) {
	c.Link.Intent = nil
	c.Link.Generation++
	return c.Link, nil
}

func (forgetful) Append(context.Context, ...Entry) error { return nil }

func (forgetful) SetCursor(context.Context, string, Cursor, Cursor) error { return nil }
