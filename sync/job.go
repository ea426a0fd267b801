package sync

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A job is what a lane asks for next: a look at one record, for all its
// changes, or the facts about one.
type job struct {
	ref     Ref
	changes []Change
	facts   []Fact
	at      []time.Time // when the messages were enqueued, in their order
	links   []string    // what the messages carry, each once
	wrote   int         // how many flows wrote something
}

// newJob decodes the messages of a lane up to the first of another kind. The
// error is that of the first message.
func newJob(lane Lane) (job, error) {
	var j job
	for i, m := range lane.Messages {
		env, err := decode(m)
		switch {
		case err != nil && i == 0:
			return j, err
		case err != nil, i > 0 && (env.Change != nil) != (len(j.changes) > 0):
			return j, nil
		case env.Change != nil:
			j.ref = env.Change.Ref
			j.changes = append(j.changes, *env.Change)
		default:
			j.ref = env.Fact.Subject
			j.facts = append(j.facts, *env.Fact)
		}
		j.at = append(j.at, m.EnqueuedAt)
		if env.Trace != "" && !slices.Contains(j.links, env.Trace) {
			j.links = append(j.links, env.Trace)
		}
	}
	return j, nil
}

// causes lists the IDs of the changes.
func (j *job) causes() []string {
	ids := make([]string, len(j.changes))
	for i := range j.changes {
		ids[i] = j.changes[i].ID
	}
	return ids
}

// reconcile brings the job's record in step in every flow that knows it: one's
// trouble is not another's.
func (e *Engine) reconcile(ctx context.Context, j *job) error {
	if !e.knows(j.ref) {
		return &Error{Op: "work", Action: Invalid, Ref: j.ref, Rule: "flow.known",
			Hint: "add a flow for this kind of record, or do not enqueue it", Err: errors.New("no flow has such records")}
	}
	var errs []error
	for _, p := range e.planners {
		side, ok := p.flow.SideOf(j.ref)
		digests, bound := approvals(p.flow.Name, j.changes)
		if !ok || bound && digests == nil {
			continue
		}
		r := reconciliation{engine: e, planner: p, flow: p.flow, near: side, ref: j.ref, hints: j.changes, approvals: digests, causes: j.causes(), since: j.at[len(j.at)-1]}
		err := r.run(ctx)
		if err == nil {
			err = e.settleOwed(ctx, &r.link)
		}
		if err != nil {
			errs = append(errs, err)
		}
		if r.wrote {
			j.wrote++
		}
	}
	if len(errs) > 0 {
		return together("reconcile", j.ref, errs)
	}
	e.finished(j)
	return nil
}

// finished tells the observer how long each change took.
func (e *Engine) finished(j *job) {
	now := time.Now()
	for i, c := range j.changes {
		from := c.OccurredAt
		if from.IsZero() {
			from = j.at[i]
		}
		e.observe(Event{Type: EventSynced, Ref: c.Ref, Reason: c.Reason, Priority: c.Priority, Count: j.wrote, Lag: now.Sub(from)})
	}
}
