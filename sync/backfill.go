package sync

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// A Load is one walk through all records of one side of a flow, so that
// each is looked at once: how two systems with a history meet.
type Load struct {
	// Name identifies the run: a second call with the same name goes on where
	// the first stopped. "" is made of the flow and the side.
	Name string
	// Flow and From name the records that are walked. Their source must be a
	// [Lister].
	Flow string
	From Side
	// Stages are the numbers of records after which the run waits for their
	// outcome and looks at it, 10, 100 and 1,000 by default. The last one
	// repeats.
	Stages []int
	// Failures and Conflicts are the shares of a stage's records that may end
	// in the dead letters, and whose fields may meet in conflict, before the
	// run stops: 0.01 and, without counting conflicts, 1 by default.
	Failures, Conflicts float64
}

// A Progress tells how far a run is.
type Progress struct {
	Run string
	// Done counts the records looked at by this call, Failed those that ended
	// in the dead letters, Conflicts those with a field in conflict.
	Done, Failed, Conflicts int
	// PerSecond is the rate of this call.
	PerSecond float64
	// More is false when the walk is at its end.
	More bool
}

func (b *Load) withDefaults() Load {
	c := *b
	c.Name = cmp.Or(c.Name, c.Flow+" from "+c.From.String())
	if len(c.Stages) == 0 {
		c.Stages = []int{10, 100, 1000}
	}
	c.Failures = cmp.Or(c.Failures, 0.01)
	c.Conflicts = cmp.Or(c.Conflicts, 1)
	return c
}

// cursor is where the run's place is kept.
func (b *Load) cursor() string { return "backfill:" + b.Name }

// change is the look at one record.
func (b *Load) change(ref Ref) Change {
	return Change{ID: b.cursor() + ":" + ref.String(), Ref: ref, Reason: ReasonBackfill, Priority: Backfill}
}

// Backfill walks through the records stage by stage, takes part in the work,
// and tells the observer of its progress after each stage. It returns when
// every record has been looked at, when ctx ends, or when a stage failed more
// than is allowed: then the error is an [*Error] of action Fatal that names
// the rule, and a call after the cause is mended goes on. Other work goes on
// meanwhile and comes first.
func (e *Engine) Backfill(ctx context.Context, b Load) (Progress, error) {
	b = b.withDefaults()
	lister, end, err := e.lister(&b)
	if err != nil {
		return Progress{}, err
	}
	ctx = WithPriority(ctx, Backfill)
	p, start := Progress{Run: b.Name, More: true}, time.Now()
	for stage := 0; p.More; stage++ {
		refs, more, err := e.enqueueStage(ctx, &b, lister, end, b.Stages[min(stage, len(b.Stages)-1)])
		if err == nil && len(refs) > 0 {
			err = e.drain(ctx)
		}
		if err != nil {
			return p, err
		}
		failed, conflicts, err := e.outcomes(ctx, &b, refs)
		if err != nil {
			return p, err
		}
		p.Done, p.Failed, p.Conflicts, p.More = p.Done+len(refs), p.Failed+failed, p.Conflicts+conflicts, more
		p.PerSecond = float64(p.Done) / max(time.Since(start).Seconds(), 0.001)
		e.observe(Event{Type: EventProgress, Flow: b.Flow, Progress: &p, Duration: time.Since(start)})
		if err := b.judge(len(refs), failed, conflicts); err != nil {
			return p, err
		}
	}
	return p, nil
}

// lister returns what can walk through the records of the run.
func (e *Engine) lister(b *Load) (Lister, *Endpoint, error) {
	p, err := e.plannerOf(b.Flow)
	if err != nil {
		return nil, nil, err
	}
	end := p.flow.End(b.From)
	if lister, ok := e.cfg.Peers[end.System].Source.(Lister); ok {
		return lister, end, nil
	}
	return nil, nil, &Error{Op: "backfill", Action: Fatal, Rule: "source.lister",
		Hint: "walk from the other side, or sweep", Err: fmt.Errorf("%s cannot list its records", end.System)}
}

// enqueueStage enqueues looks at the next records, about n of them, and moves
// the run's place.
func (e *Engine) enqueueStage(ctx context.Context, b *Load, lister Lister, end *Endpoint, n int) (refs map[string]Ref, more bool, err error) {
	refs, more = map[string]Ref{}, true
	for more && len(refs) < n {
		from, err := e.cfg.Store.Cursor(ctx, b.cursor())
		if err != nil {
			return refs, more, err
		}
		page, err := lister.List(ctx, end.Kind, from)
		if err != nil {
			return refs, more, err
		}
		items := make([]Item, len(page.Records))
		for i := range page.Records {
			c := b.change(page.Records[i].Ref)
			items[i], refs[c.ID] = c, c.Ref
		}
		if err := e.Enqueue(ctx, items...); err != nil {
			return refs, more, err
		}
		if err := e.cfg.Store.SetCursor(ctx, b.cursor(), from, page.Next); err != nil {
			return refs, more, err
		}
		more = page.More
	}
	return refs, more, nil
}

// outcomes counts the records of a stage that ended in the dead letters, and
// those of which a field met in conflict.
func (e *Engine) outcomes(ctx context.Context, b *Load, refs map[string]Ref) (failed, conflicts int, err error) {
	for filter := (DeadFilter{Limit: 1000}); ; {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil {
			return 0, 0, err
		}
		for i := range letters {
			if _, ours := refs[letters[i].Message.ID]; ours {
				failed++
			}
		}
		if len(letters) < filter.Limit {
			break
		}
		filter.After = letters[len(letters)-1].Message.ID
	}
	if b.Conflicts >= 1 {
		return failed, 0, nil
	}
	for id, ref := range refs {
		entries, err := e.cfg.Store.Entries(ctx, AuditFilter{Flow: b.Flow, Ref: ref, Limit: 1000})
		if err != nil {
			return 0, 0, err
		}
		for i := range entries {
			if d := entries[i].Decision; d != nil && d.Conflict && slices.Contains(entries[i].Causes, id) {
				conflicts++
				break
			}
		}
	}
	return failed, conflicts, nil
}

// judge stops the run when a stage went worse than is allowed.
func (b *Load) judge(n, failed, conflicts int) error {
	stop := func(rule string, k int, share float64) error {
		return &Error{Op: "backfill " + b.Name, Action: Fatal, Rule: rule, Hint: "mend the cause, replay the dead letters, and call again",
			Err: fmt.Errorf("%d of %d records, %.1f %% are allowed", k, n, 100*share)}
	}
	switch {
	case n == 0:
		return nil
	case float64(failed)/float64(n) > b.Failures:
		return stop("backfill.failures", failed, b.Failures)
	case float64(conflicts)/float64(n) > b.Conflicts:
		return stop("backfill.conflicts", conflicts, b.Conflicts)
	}
	return nil
}
