package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// A Guard bounds what a flow may do before a person looks at it: in an hour as
// Config.Guard, in one run as [Load].Guard. A flow that would exceed a bound is
// suspended as a whole by a [Switch] that says why, and the observer is told;
// [Engine.Resume] lets it go on, with its counts at zero. Each process counts
// its own deeds.
type Guard struct {
	// Detachments is how many pairs may lose an end. In an hour, and in one
	// [Engine.Inventory], 0 means 20, or 2 % of the pairs that the last
	// verification or inventory counted if that is more: a mass of deletions
	// is more often an accident than meant.
	Detachments int
	// Creations and Overwrites bound the records created, and the values
	// overwritten that were not blank; 0 does not.
	Creations, Overwrites int
	// Conflicts and Duplicates bound the shares, from 0 to 1, of the records
	// about to be written to of which a field met in conflict, and of the
	// records that were found to be ambiguous. They are judged from 100 records
	// on; 0 does not bound them.
	Conflicts, Duplicates float64
}

// validate names a bound that is none.
func (g *Guard) validate() bool {
	share := func(s float64) bool { return s >= 0 && s <= 1 }
	return g.Detachments >= 0 && g.Creations >= 0 && g.Overwrites >= 0 && share(g.Conflicts) && share(g.Duplicates)
}

// A deed is what a guard counts.
type deed string

const (
	detachment deed = "detachments"
	creation   deed = "creations"
	overwrite  deed = "overwrites"
	conflict   deed = "conflicts"
	duplicate  deed = "duplicates"
	look       deed = "looks" // records that are about to be written to, or ambiguous
)

// enoughLooks is how many looks a share is judged from.
const enoughLooks = 100

// exceeded reports whether one more deed after so many, of so many looks, is
// beyond the bound.
func (g *Guard) exceeded(d deed, done, looks int) bool {
	atMost := func(most int) bool { return most > 0 && done >= most }
	share := func(most float64) bool {
		return most > 0 && looks >= enoughLooks && float64(done+1) > most*float64(looks)
	}
	switch d {
	case detachment:
		return atMost(g.Detachments)
	case creation:
		return atMost(g.Creations)
	case overwrite:
		return atMost(g.Overwrites)
	case conflict:
		return share(g.Conflicts)
	case duplicate:
		return share(g.Duplicates)
	}
	return false
}

// says tells the bound of a deed for people.
func (g *Guard) says(d deed) string {
	switch d {
	case detachment:
		return fmt.Sprintf("%d detachments", g.Detachments)
	case creation:
		return fmt.Sprintf("%d creations", g.Creations)
	case overwrite:
		return fmt.Sprintf("%d overwrites", g.Overwrites)
	case conflict:
		return fmt.Sprintf("%g %% conflicts", 100*g.Conflicts)
	}
	return fmt.Sprintf("%g %% duplicates", 100*g.Duplicates)
}

// allow counts a deed of the flow. One too many suspends the flow and has the
// look wait.
func (r *reconciliation) allow(ctx context.Context, d deed) error {
	e, now := r.engine, time.Now()
	why := e.guarded.count(r.flow.Name, r.causes, d, e.guarded.hourly(e.cfg.Guard, r.flow.Name), now)
	if why == "" {
		r.deeds = append(r.deeds, counted{d, now})
		return nil
	}
	return e.trip(ctx, &Error{Op: "guard", Action: RetryAt, Ref: r.ref, Rule: "guard." + string(d), RetryAt: time.Now().Add(guardWait),
		Hint: "find out why, then resume the flow", Err: fmt.Errorf("flow %s: %s", r.flow.Name, why)}, r.flow.Name)
}

// A counted deed is one with when it was counted.
type counted struct {
	deed deed
	at   time.Time
}

// undone takes back what was counted of this look since the last write, none of
// which was done: what is tried twenty times is not done twenty times.
func (r *reconciliation) undone() {
	for _, c := range r.deeds {
		r.engine.guarded.takeBack(r.flow.Name, r.causes, c.deed, c.at)
	}
	r.deeds = nil
}

// unless takes back what was counted if there is an error.
func (r *reconciliation) unless(err error) error {
	if err != nil {
		r.undone()
	}
	return err
}

// idle reports whether none of a plan's writes took effect. Of one that failed
// without an answer nobody knows.
func (p *Plan) idle(results [2]Result) bool {
	for _, s := range []Side{Left, Right} {
		err := results[s].Err
		e, ok := errors.AsType[*Error](err)
		unknown := ActionOf(err) == Retry && (!ok || e.RetryAt.IsZero())
		if p.Writes[s] != nil && (err == nil || unknown) {
			return false
		}
	}
	return true
}

// trip suspends a flow, unless that was done, and returns why.
func (e *Engine) trip(ctx context.Context, why *Error, flow string) error {
	if !e.guarded.first(flow) {
		return why
	}
	e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a guard suspends a flow", slog.Any("error", why))
	e.observe(Event{Type: EventTripped, Flow: flow, Ref: why.Ref, Err: why})
	if err := e.Suspend(ctx, Switch{Flow: flow, Why: "guard: " + why.Err.Error()}); err != nil {
		e.guarded.again(flow)
		return errors.Join(why, err)
	}
	return why
}

// guardWait is how long a record waits that a guard stopped.
const guardWait = 5 * time.Minute

// allowWrites counts what a plan creates and overwrites, and whether fields
// of it met in conflict.
func (r *reconciliation) allowWrites(ctx context.Context, plan *Plan) error {
	if e := r.engine; e.switches.suspended(r.flow.Name, "", Left) && e.switches.suspended(r.flow.Name, "", Right) {
		return &Error{Op: "guard", Action: RetryAt, Ref: r.ref, Rule: ruleSwitch, RetryAt: time.Now().Add(guardWait),
			Hint: "it goes on after the flow is resumed", Err: errors.New("the flow was suspended since this was planned")}
	}
	r.deeds = nil
	deeds := []deed{look}
	for _, s := range []Side{Left, Right} {
		if plan.Writes[s] != nil && !r.views[s].Exists {
			deeds = append(deeds, creation)
		}
	}
	if slices.ContainsFunc(plan.Decisions, func(d Decision) bool { return d.Conflict }) {
		deeds = append(deeds, conflict)
	}
	for i := range plan.Decisions {
		if _, lost := plan.Decisions[i].Lost(); lost {
			deeds = append(deeds, overwrite)
		}
	}
	for _, d := range deeds {
		if err := r.allow(ctx, d); err != nil {
			return r.unless(err)
		}
	}
	return nil
}

// doubtful counts a record whose counterpart is ambiguous, before a person is
// asked about it: thousands of questions have one cause.
func (r *reconciliation) doubtful(ctx context.Context) error {
	if err := r.allow(ctx, look); err != nil {
		return err
	}
	return r.allow(ctx, duplicate)
}
