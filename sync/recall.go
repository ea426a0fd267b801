package sync

import (
	"context"
	"maps"
	"slices"
)

// recall takes into the base what writes of before did, of which the outcome
// was not known or not stored: of a call without an answer, or of a process
// that died. A side that holds exactly what was written holds our own value
// and no edit, and the other side was as the writes told it. It is stored at
// once: the next intent would replace what is known of this one.
func (r *reconciliation) recall(ctx context.Context) error {
	writes, intent := r.base.Unfinished, r.base.Intent
	if r.link.Intent != nil {
		writes, intent = r.link.Intent.Writes, r.link.Intent.ID
	}
	switch {
	case writes[Left] == nil && writes[Right] == nil:
		return nil
	case !r.views[Left].Exists || !r.views[Right].Exists: // what was created may not be visible yet
		return r.commitInterrupted(ctx)
	}
	before := r.base
	for _, s := range []Side{Left, Right} {
		was := r.base.side(s)
		*was = Shadow{Fields: was.Fields.Clone(), UpdatedAt: was.UpdatedAt}
		if was.Fields == nil {
			was.Fields = Fields{}
		}
	}
	r.base.Unfinished, r.base.Intent = [2]Fields{}, ""
	created := [2]bool{r.createdBy(Left, writes[Left]), r.createdBy(Right, writes[Right])}
	var took [2]bool
	for i := range r.planner.registers {
		for _, s := range []Side{Left, Right} {
			if reg := &r.planner.registers[i]; touches(reg, s, writes[s]) && !touches(reg, s.Other(), writes[s.Other()]) {
				took[s] = r.recallRegister(reg, s, writes[s], created[s]) || took[s]
			}
		}
	}
	for _, s := range []Side{Left, Right} {
		if took[s] {
			r.note(Entry{Kind: EntryWrote, Intent: intent, Note: s.String() + unanswered})
		}
	}
	base := r.base
	base.Unsettled, r.base = true, before
	if err := r.fire(ctx, &base); err != nil {
		return err
	}
	return r.commit(ctx, &base, nil)
}

// commitInterrupted stores the writes of an open intent for a later look.
func (r *reconciliation) commitInterrupted(ctx context.Context) error {
	if base := r.interrupted(); base != nil {
		return r.commit(ctx, base, nil)
	}
	return nil
}

// touches reports whether writes to a side are about a register.
func touches(reg *register, s Side, writes Fields) bool {
	return slices.ContainsFunc(reg.names[s], func(n string) bool { _, ok := writes[n]; return ok })
}

// recallRegister takes one register's writes to a side into the base, if they
// took effect: if they made the record, or if it still has them.
func (r *reconciliation) recallRegister(reg *register, s Side, writes Fields, created bool) bool {
	now := r.views[s].Record.Fields
	wrote := now.Clone()
	maps.Copy(wrote, writes)
	other := r.views[s.Other()].Record.Fields.Clone()
	for _, f := range reg.fields {
		v, err := f.lens(s).Get(wrote)
		if err != nil {
			return false
		}
		if is, err := f.lens(s).Get(now); !created && (err != nil || is != v) {
			return false // it did not take effect, or somebody has edited it since
		}
		told, err := f.lens(s.Other()).Put(v, other)
		if err != nil {
			return false
		}
		maps.Copy(other, told)
	}
	if !created {
		wrote = now
	}
	for _, n := range reg.names[s] {
		r.base.side(s).Fields[n] = wrote[n]
	}
	for _, n := range reg.names[s.Other()] {
		r.base.side(s.Other()).Fields[n] = other[n]
	}
	return true
}

// createdBy reports whether the writes made the record: it has their key, of
// which no two records have the same, and nothing was agreed on before.
func (r *reconciliation) createdBy(s Side, writes Fields) bool {
	key := r.flow.End(s).CreateKey
	_, agreed := r.base.side(s).Fields[key]
	return !agreed && !writes[key].Blank() && !differ(writes[key], r.views[s].Record.Fields[key])
}

// interrupted returns the base with the writes that a crash left open, for a
// link that is put aside before they are recalled; nil when there are none.
func (r *reconciliation) interrupted() *Base {
	if r.link.Intent == nil {
		return nil
	}
	base := r.base
	base.Unsettled, base.Unfinished, base.Intent = true, r.link.Intent.Writes, r.link.Intent.ID
	return &base
}

// unfinished returns the writes whose outcome an error leaves open.
func unfinished(plan *Plan, results [2]Result) (writes [2]Fields) {
	for s, res := range results {
		if res.Err != nil && ActionOf(res.Err) == Retry {
			writes[s] = plan.Writes[s]
		}
	}
	return writes
}
