package simtest

import (
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// losses judges that the audit knows every value that the engine replaced.
func (c *checker) losses(audit []sync.Entry) {
	known, wrote := map[string]bool{}, map[string]bool{}
	for i := range audit {
		if d := audit[i].Decision; d != nil {
			wrote[audit[i].Flow+"."+d.Field+"\x00"+d.After.String()] = true
			for _, v := range d.Before {
				if v != d.After {
					known[audit[i].Flow+"."+d.Field+"\x00"+v.String()] = true
				}
			}
		}
	}
	for i := range c.w.history.overwrote {
		o := &c.w.history.overwrote[i]
		key := o.field + "\x00" + o.lost.String()
		if !o.lost.Blank() && !o.raced && !known[key] && !(o.ours && wrote[key]) && !c.forgotten(audit, o) {
			c.fail("I8 audit", []sync.Ref{o.ref}, "%s of %s was replaced at %s, and the audit does not know what it was", o.field, o.ref, clock(o.at))
		}
	}
}

// forgotten reports whether the audit had what an overwrite replaced, until the
// person was erased.
func (c *checker) forgotten(audit []sync.Entry, o *overwrite) bool {
	of := []sync.Ref{o.ref}
	for _, e := range c.w.erasures {
		if slices.Contains(e.of, o.ref) {
			of = append(of, e.of...) // a record is made by a decision that names the other only
		}
	}
	pairs := map[string]bool{} // whose first entries may name one record only
	for _, e := range audit {
		if slices.Contains(of, e.Left) || slices.Contains(of, e.Right) {
			pairs[e.Link] = true
		}
	}
	return slices.ContainsFunc(audit, func(e sync.Entry) bool {
		d := e.Decision
		return d != nil && pairs[e.Link] && e.Flow+"."+d.Field == o.field &&
			e.Sealed != nil && d.Before == [2]sync.Value{} && d.After.Blank()
	})
}

// decisions judges what the audit says about conflicts: the later edit won,
// or the owner where that cannot be known.
func (c *checker) decisions(audit []sync.Entry) {
	for i := range audit {
		d := audit[i].Decision
		if d == nil || !d.Conflict || d.Rule != "policy."+string(sync.LastWriteWins) {
			continue
		}
		field := c.field(audit[i].Flow, d.Field)
		refs := []sync.Ref{audit[i].Left, audit[i].Right}
		if field == nil {
			continue
		}
		if d.Ambiguous && d.Winner != field.Policy.Owner {
			c.fail("I4 last write", refs, "%s wins the ambiguous conflict about %q, which the %s side owns", d.Winner, d.Field, field.Policy.Owner)
		}
		name := audit[i].Flow + "." + d.Field
		won, lost := c.w.history.find(name, d.Before[d.Winner]), c.w.history.find(name, d.Before[d.Winner.Other()])
		if c.w.merged[refs[0]] || c.w.merged[refs[1]] {
			continue // a merge brings values from elsewhere, at its own time
		}
		if c.w.undone[refs[0]] || c.w.undone[refs[1]] {
			continue // and an undo earlier ones
		}
		if c.calm() && (won.before(lost) || lost.before(won)) && !won.vague && !lost.vague {
			c.fail("I4 last write", refs, "%s and %s are taken for a conflict, and one replaced the other", won, lost)
		}
		if !d.Ambiguous && won != nil && lost != nil && !won.vague && !lost.vague && lost.at.After(won.at) {
			c.fail("I4 last write", refs, "%s won over %s, which was later: the audit has them in %s and %s", won, lost, interval(d.Times[d.Winner]), interval(d.Times[d.Winner.Other()]))
		}
	}
}

// calm reports whether no step went wrong, so that the engine knows for sure
// what became of its writes.
func (c *checker) calm() bool {
	return c.w.acted[Outage] == 0 && !slices.ContainsFunc(c.w.faults.happened, func(f Fault) bool { return slices.Contains(StepFaults, f.Kind) })
}

// field finds a field of the configuration that the checker was given.
func (c *checker) field(flow, name string) *sync.Field {
	for _, f := range c.w.cfg.Flows {
		for i := range f.Fields {
			if f.Name == flow && f.Fields[i].Name == name {
				return &f.Fields[i]
			}
		}
	}
	return nil
}

func interval(i sync.Interval) string { return "[" + clock(i.Earliest) + ", " + clock(i.Latest) + "]" }
