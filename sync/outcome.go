package sync

import (
	"context"
	"fmt"
	"slices"
)

// outcomes are what became of the n records of a stage.
type outcomes struct{ n, failed, duplicates, conflicts, waiting int }

// count counts the records of a stage that ended in the dead letters, and
// those of which a field met in conflict.
func (e *Engine) count(ctx context.Context, b *Load, refs map[string]Ref, o *outcomes) error {
	for filter := (DeadFilter{Limit: 1000}); ; {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil {
			return err
		}
		for i := range letters {
			o.died(refs, &letters[i])
		}
		if len(letters) < filter.Limit {
			break
		}
		filter.After = letters[len(letters)-1].Message.ID
	}
	if b.Conflicts >= 1 {
		return nil
	}
	for id, ref := range refs {
		met, err := e.metInConflict(ctx, b.Flow, ref, id)
		if err != nil {
			return err
		}
		if met {
			o.conflicts++
		}
	}
	return nil
}

// died counts a dead letter if it is one of the stage's.
func (o *outcomes) died(refs map[string]Ref, letter *DeadLetter) {
	if _, ours := refs[letter.Message.ID]; !ours {
		return
	}
	if h := letter.History; len(h) > 0 && h[len(h)-1].Rule == ruleAmbiguous {
		o.duplicates++
		return
	}
	o.failed++
}

// metInConflict reports whether a change found a conflict.
func (e *Engine) metInConflict(ctx context.Context, flow string, ref Ref, change string) (bool, error) {
	met := false
	err := e.eachEntry(ctx, AuditFilter{Flow: flow, Ref: ref}, func(n *Entry) {
		met = met || n.Decision != nil && n.Decision.Conflict && slices.Contains(n.Causes, change)
	})
	return met, err
}

// judge stops the run when a stage went worse than is allowed.
func (b *Load) judge(o *outcomes) error {
	for _, c := range []struct {
		rule  string
		k     int
		share float64
	}{
		{"backfill.failures", o.failed, b.Failures},
		{"backfill.duplicates", o.duplicates, b.Duplicates},
		{"backfill.conflicts", o.conflicts, b.Conflicts},
		{"backfill.waiting", o.waiting, b.Failures},
	} {
		if o.n > 0 && float64(c.k)/float64(o.n) > c.share {
			return b.stopped(c.rule, "mend the cause, replay the dead letters or resolve the holds, and call again",
				fmt.Errorf("%d of %d records, %.1f %% are allowed", c.k, o.n, 100*c.share))
		}
	}
	return nil
}

// stopped is the error of a run that stops by a rule.
func (b *Load) stopped(rule, hint string, why error) error {
	return &Error{Op: "backfill " + b.Name, Action: Fatal, Rule: rule, Hint: hint, Err: why}
}
