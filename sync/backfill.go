package sync

import (
	"cmp"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"
)

// A Load is one walk through all records of one side of a flow, so that
// each is looked at once: how two systems with a history meet.
type Load struct {
	// Name identifies the run: a second call with the same name goes on where
	// the first stopped, and is refused (backfill.ended) after the last record.
	// "" is made of the flow and the side.
	Name string
	// Flow and From name the records that are walked. Their source must be a
	// [Lister].
	Flow string
	From Side
	// Stages are the numbers of records after which the run waits for their
	// outcome and looks at it, 10, 100 and 1,000 by default. The last one
	// repeats to the end, so that a run that turns bad late stops, too.
	Stages []int
	// Failures, Duplicates and Conflicts are the shares of a stage's records
	// that may end in the dead letters, that may be ambiguous (see
	// [Engine.Holds]), and whose fields may meet in conflict, before the run
	// stops: 0.01, 0.01 and, without counting conflicts, 1 by default.
	Failures, Duplicates, Conflicts float64
	// Patience is how long a stage waits for records that are tried again, 10
	// minutes by default. More of them than Failures allows stop the run. The
	// records of another run count as well: have runs follow one another.
	Patience time.Duration
	// Guard bounds the run as a whole; the zero Guard does not. One deed too
	// many suspends the flow, which stops the run.
	Guard Guard
}

func (b *Load) withDefaults() Load {
	c := *b
	c.Name = cmp.Or(c.Name, c.Flow+" from "+c.From.String())
	if len(c.Stages) == 0 {
		c.Stages = []int{10, 100, 1000}
	}
	c.Failures = cmp.Or(c.Failures, 0.01)
	c.Duplicates = cmp.Or(c.Duplicates, 0.01)
	c.Conflicts = cmp.Or(c.Conflicts, 1)
	setDefault(&c.Patience, 10*time.Minute)
	return c
}

// validate refuses what would walk for ever or stop at once.
func (b *Load) validate() error {
	bad := func(field, hint string) error {
		return &Error{Op: "backfill", Action: Invalid, Field: field, Rule: "backfill.load", Hint: hint, Err: errors.New("the run cannot be made so")}
	}
	share := func(s float64) bool { return s >= 0 && s <= 1 }
	switch {
	case slices.Min(b.Stages) <= 0:
		return bad("Stages", "name positive numbers of records, or none for 10, 100 and 1,000")
	case !share(b.Failures) || !share(b.Duplicates) || !share(b.Conflicts):
		return bad("Failures, Duplicates, Conflicts", "use shares from 0 to 1")
	case b.Patience < 0:
		return bad("Patience", "use a positive duration")
	case !b.Guard.validate():
		return bad("Guard", "use positive bounds, and shares from 0 to 1")
	}
	return nil
}

// cursor is where the run's place is kept.
func (b *Load) cursor() string { return "backfill:" + b.Name }

// change is the look at one record.
func (b *Load) change(ref Ref) Change {
	return Change{ID: b.cursor() + ":" + ref.String(), Ref: ref, Reason: ReasonBackfill, Priority: Backfill}
}

// led reports whether one of the changes is the look of this run at a record
// of the system. Its name alone does not say so: another's may begin with it.
func (b *Load) led(changes []string, system System) bool {
	prefix := b.cursor() + ":" + string(system) + ":"
	return slices.ContainsFunc(changes, func(id string) bool { return strings.HasPrefix(id, prefix) })
}

// Backfill walks through the records stage by stage, takes part in the work,
// and tells the observer of its progress after each stage. It returns when
// every record has been looked at, when ctx ends, or when a stage went worse
// than is allowed: then the error is an [*Error] of action Fatal that names
// the rule, and a call after the cause is mended goes on. A flow that is
// suspended as a whole stops it, too. Other work goes on meanwhile and comes
// first.
func (e *Engine) Backfill(ctx context.Context, b Load) (Progress, error) {
	b = b.withDefaults()
	if err := b.validate(); err != nil {
		return Progress{}, err
	}
	ctx = WithPriority(ctx, Backfill)
	w, err := e.walk(ctx, &b)
	if err != nil {
		return Progress{}, err
	}
	m := e.meter(b.Flow, b.Name)
	m.Earlier = w.place.Done
	if m.Total, m.Estimated, err = e.size(ctx, w.end); err != nil {
		return m.Progress, err
	}
	if m.More = w.more(); !m.More {
		if err := e.settleLast(ctx, &b, m); err != nil {
			return m.Progress, err
		}
	}
	defer e.guarded.watch(&b, w.end.System)()
	for stage := 0; m.More; stage++ {
		if err := e.stage(ctx, w, m, b.Stages[min(stage, len(b.Stages)-1)]); err != nil {
			return m.Progress, err
		}
	}
	return m.Progress, w.finish(ctx)
}

// settleLast has a run that was stopped in its last stage wait for what is left
// of it.
func (e *Engine) settleLast(ctx context.Context, b *Load, m *meter) (err error) {
	if err := e.goesOn(ctx, b); err != nil {
		return err
	}
	m.Waiting, err = e.rest(ctx, b, math.MaxInt)
	return cmp.Or(err, e.goesOn(ctx, b))
}

// stage looks at the next n records and judges what became of them.
func (e *Engine) stage(ctx context.Context, w *walk, m *meter, n int) error {
	b := w.load
	if err := e.goesOn(ctx, b); err != nil {
		return err
	}
	refs, err := w.enqueue(ctx, n)
	if err == nil && len(refs) > 0 {
		m.Waiting, err = e.rest(ctx, b, len(refs))
	}
	if err != nil {
		return err
	}
	o := outcomes{n: len(refs), waiting: m.Waiting}
	if err := e.count(ctx, b, refs, &o); err != nil {
		return err
	}
	m.Failed, m.Duplicates, m.Conflicts = m.Failed+o.failed, m.Duplicates+o.duplicates, m.Conflicts+o.conflicts
	m.step(len(refs), w.more())
	return cmp.Or(b.judge(&o), e.goesOn(ctx, b))
}

// goesOn is an error when the flow is suspended.
func (e *Engine) goesOn(ctx context.Context, b *Load) error {
	if err := e.knowSwitches(ctx); err != nil {
		return err
	}
	if e.switches.suspended(b.Flow, "", Left) && e.switches.suspended(b.Flow, "", Right) {
		return b.stopped("backfill.suspended", "find out why, resume the flow, and call again", errors.New("the flow is suspended"))
	}
	return nil
}

// rest works until nothing of a stage waits any more, or its patience is at
// an end, and returns how many records still wait.
func (e *Engine) rest(ctx context.Context, b *Load, n int) (waiting int, err error) {
	for until := time.Now().Add(b.Patience); ; {
		if err := e.drain(ctx); err != nil {
			return 0, err
		}
		stats, err := e.cfg.Queue.Stats(ctx, time.Now())
		if err != nil {
			return 0, err
		}
		waiting = min(n, stats.ByPriority[Backfill]+stats.InWork[Backfill])
		left := time.Until(until)
		if waiting == 0 || left <= 0 || e.goesOn(ctx, b) != nil {
			return waiting, nil
		}
		select {
		case <-ctx.Done():
			return waiting, ctx.Err()
		case <-time.After(min(left, max(time.Until(stats.NextAt), e.cfg.PollInterval))):
		}
	}
}
