package sync

import (
	"context"
	"errors"
	"slices"
	"time"
)

// A job is what a lane asks for: all its changes are one look at one record.
type job struct {
	ref     Ref
	changes []Change
	facts   []Fact
	at      []time.Time // when the changes were enqueued, in their order
	fresh   bool        // whether it is the first try
	wrote   int         // how many flows wrote something
}

// newJob decodes the messages of a lane.
func newJob(lane Lane) (job, error) {
	j := job{fresh: len(lane.History) == 0}
	for _, m := range lane.Messages {
		env, err := decode(m)
		if err != nil {
			return j, err
		}
		if env.Change != nil {
			j.ref = env.Change.Ref
			j.changes = append(j.changes, *env.Change)
			j.at = append(j.at, m.EnqueuedAt)
		} else {
			j.ref = env.Fact.Subject
			j.facts = append(j.facts, *env.Fact)
		}
	}
	return j, nil
}

// causes lists the IDs of the changes and facts.
func (j *job) causes() []string {
	var ids []string
	for i := range j.changes {
		ids = append(ids, j.changes[i].ID)
	}
	for i := range j.facts {
		ids = append(ids, j.facts[i].ID)
	}
	return ids
}

// hints lists what asks for a look: the changes, and for each fact a signal
// that claims nothing.
func (j *job) hints() []Change {
	hints := slices.Clone(j.changes)
	for i := range j.facts {
		hints = append(hints, Change{ID: j.facts[i].ID, Ref: j.ref, Reason: ReasonWebhook})
	}
	return hints
}

// perform brings the job's record in step in every flow that knows it, then
// records the job's facts.
func (e *Engine) perform(ctx context.Context, j job) error {
	known := false
	for _, p := range e.planners {
		side, ok := p.flow.SideOf(j.ref)
		if !ok {
			continue
		}
		known = true
		r := reconciliation{engine: e, planner: p, flow: p.flow, near: side, ref: j.ref, hints: j.hints(), causes: j.causes(), fresh: j.fresh}
		if err := r.run(ctx); err != nil {
			return err
		}
		if r.wrote {
			j.wrote++
		}
	}
	if !known {
		return &Error{Op: "work", Action: Invalid, Ref: j.ref, Rule: "flow.known",
			Hint: "add a flow for this kind of record, or do not enqueue it", Err: errors.New("no flow has such records")}
	}
	if err := e.recordFacts(ctx, j.facts); err != nil {
		return err
	}
	e.finished(&j)
	return nil
}

// recordFacts writes the facts to the audit, each once.
func (e *Engine) recordFacts(ctx context.Context, facts []Fact) error {
	if len(facts) == 0 {
		return nil
	}
	now := time.Now()
	entries := make([]Entry, len(facts))
	for i, f := range facts {
		entries[i] = Entry{Key: "fact:" + f.ID, At: now, Kind: EntryFact, Left: f.Subject, Note: f.Type, Causes: []string{f.ID}}
	}
	return e.cfg.Store.Append(ctx, entries...)
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
