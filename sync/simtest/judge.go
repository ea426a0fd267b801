package simtest

import (
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// end judges a world at rest.
func (c *checker) end() {
	audit := c.audit()
	c.parked = c.letters()
	for _, f := range c.w.cfg.Flows {
		c.links(f)
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			for _, ref := range c.w.vendors[f.End(s).System].living(f.End(s).Kind) {
				if !c.parked[ref] {
					c.record(f, s, ref, audit)
				}
			}
			c.duplicates(f, s)
		}
	}
	c.losses(audit)
	c.decisions(audit)
	c.activities()
	c.prompt()
	c.erasures()
	c.silence()
	open, _ := c.w.store.Open(background, time.Now().Add(time.Hour), 1<<20)
	for i := range open {
		fact, known := c.accepted[open[i].Left.ID]
		if !c.parked[open[i].Left] && !c.parked[open[i].Right] && !(known && c.unshown(fact)) {
			c.fail("I8 outcome after write", []sync.Ref{open[i].Left, open[i].Right}, "the intent about %s and %s was never closed", open[i].Left, open[i].Right)
		}
	}
}

// audit returns the whole audit, of which nothing may be missing or changed.
func (c *checker) audit() []sync.Entry {
	all, err := sync.ReadAudit(background, c.w.store, sync.AuditFilter{Limit: 1 << 30})
	if err != nil {
		c.fail("I8 audit", nil, "it cannot be read: %v", err)
	}
	var flows []string
	for _, f := range c.w.cfg.Flows {
		flows = append(flows, f.Name)
	}
	report, _ := sync.VerifyAudit(background, c.w.store, flows...)
	for _, f := range report.Faults {
		c.fail("I8 audit", nil, "%s at entry %d of %s", f.Rule, f.Seq, f.Link)
	}
	return all
}

// links judges that no record is in two pairs.
func (c *checker) links(f *sync.Flow) {
	owner := map[sync.Ref]string{}
	all, _ := c.w.store.Links(background, f.Name, "", 1<<30)
	for i := range all {
		if all[i].State != sync.Active {
			continue
		}
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			ref := c.w.vendors[f.End(s).System].resolve(all[i].End(s))
			if other, twice := owner[ref]; twice {
				c.fail("I13 one link", []sync.Ref{ref}, "%s is in the active links %s and %s", ref, other, all[i].ID)
			}
			owner[ref] = all[i].ID
		}
	}
}

// record judges one record that exists: it has its counterpart, and they agree.
func (c *checker) record(f *sync.Flow, s sync.Side, ref sync.Ref, audit []sync.Entry) {
	near, far := c.w.vendors[ref.System], c.w.vendors[f.End(s.Other()).System]
	link, ok := c.linkOf(f, near, ref)
	if !ok {
		if c.leaves(f, s, near.look(ref)) && !c.dissolved() {
			c.fail("I3 convergence", []sync.Ref{ref}, "%s was never linked", ref)
		}
		return
	}
	end := far.resolve(link.End(s.Other()))
	other, exists := far.records[end], false
	if other != nil && !other.deleted {
		holder, held := c.linkOf(f, far, end)
		exists = !held || holder.ID == link.ID
	}
	switch {
	case link.State == sync.Active && exists:
		if s == sync.Left {
			c.pair(f, ref, end, link, audit)
		}
	case link.State == sync.Detached && !exists && !c.parted(f, s, ref, end):
	case link.State == sync.Erased && !exists && c.w.merged[end]: // it was the counterpart of what was merged and erased
	case link.State == sync.Pending && end.ID == "" && !c.leaves(f, s, near.look(ref)):
	default:
		c.fail("I3 convergence", []sync.Ref{ref, end}, "%s has a %s link to %s, which exists: %t", ref, link.State, link.End(s.Other()), exists)
	}
}

// parted reports whether merges have left a record and its counterpart to each
// other, and both with a link that leads nowhere.
func (c *checker) parted(f *sync.Flow, s sync.Side, ref, end sync.Ref) bool {
	near, far := c.w.vendors[ref.System], c.w.vendors[f.End(s.Other()).System]
	if r := far.records[end]; r == nil || r.deleted {
		return false
	}
	link, ok := c.linkOf(f, far, end)
	return ok && link.State == sync.Detached && near.resolve(link.End(s)) == ref
}

// dissolved reports whether somebody was erased into whom others were merged:
// the counterparts of those keep an erased link, and nobody else gets them.
func (c *checker) dissolved() bool { return len(c.w.erasures) > 0 && len(c.w.merged) > 0 }

// linkOf finds the link of a record, under the ids it had before merges too;
// one that is active before others.
func (c *checker) linkOf(f *sync.Flow, v *vendor, ref sync.Ref) (found sync.Link, ok bool) {
	ids := append([]string{ref.ID}, v.look(ref).Aliases...)
	for _, id := range ids {
		link, err := c.w.store.Link(background, f.Name, v.ref(ref.Kind, id))
		if err == nil && (!ok || found.State != sync.Active && link.State == sync.Active) {
			found, ok = link, true
		}
	}
	return found, ok
}

// leaves reports whether a record may go to the other side.
func (c *checker) leaves(f *sync.Flow, s sync.Side, rec sync.Record) bool {
	if f.End(s.Other()).CreateKey == "" {
		return false
	}
	leave := f.End(s).Leave
	if leave == nil {
		return true
	}
	var set []string
	for _, n := range f.Names(s) {
		if !rec.Fields[n].Blank() {
			set = append(set, n)
		}
	}
	ok, _, err := leave(rec, set)
	return ok && err == nil
}

// pair judges two records that belong together.
func (c *checker) pair(f *sync.Flow, left, right sync.Ref, link sync.Link, audit []sync.Entry) {
	l, r := c.w.vendors[left.System].look(left), c.w.vendors[right.System].look(right)
	for i := range f.Fields {
		field := &f.Fields[i]
		a, b := canonical(field, sync.Left, l.Fields), canonical(field, sync.Right, r.Fields)
		if a != b {
			if !c.mayDiffer(f, field, link, l, r) {
				c.fail("I3 convergence", []sync.Ref{left, right}, "%s and %s differ in %q: %q, %q", left, right, field.Name, a.String(), b.String())
			}
			continue
		}
		if field.Direction == sync.Both && (field.Policy.Kind == "" || field.Policy.Kind == sync.LastWriteWins) {
			c.newest(fieldName(f, field), a, left, right, audit)
		}
	}
}

// mayDiffer asks the planner whether a difference is left by rule.
func (c *checker) mayDiffer(f *sync.Flow, field *sync.Field, link sync.Link, l, r sync.Record) bool {
	planner, err := sync.NewPlanner(f)
	if err != nil {
		return false
	}
	base, _ := c.w.store.Base(background, link.ID)
	plan, err := planner.Plan(sync.View{Exists: true, Record: l}, sync.View{Exists: true, Record: r}, base)
	if err != nil || !plan.Empty() {
		return false
	}
	for i := range plan.Decisions {
		if d := &plan.Decisions[i]; d.Field == field.Name {
			return d.Outcome == sync.Held || d.Outcome == sync.Filtered || d.Outcome == sync.Kept
		}
	}
	return field.Direction != sync.Both // a kept edit on the target
}

// newest judges that a value which somebody replaced knowingly did not come
// back, unless nobody could have known.
func (c *checker) newest(field string, value sync.Value, left, right sync.Ref, audit []sync.Entry) {
	if c.w.merged[left] || c.w.merged[right] || c.w.undone[left] || c.w.undone[right] {
		return
	}
	won := c.w.history.find(field, value)
	if won == nil {
		if !value.Blank() {
			c.fail("I4 last write", []sync.Ref{left, right}, "%s of %s holds %q, which nobody entered", field, left, value.String())
		}
		return
	}
	all := c.w.history.of(field, left, right)
	for _, v := range all {
		gone := slices.ContainsFunc(all, func(o *version) bool { return (o == v || v.before(o)) && c.excused(o, audit) })
		if won.before(v) && !won.vague && !v.vague && !gone {
			c.fail("I5 no stale overwrite", []sync.Ref{left, right}, "%s stands, although %s replaced it", won, v)
		}
	}
}

// of returns the versions of a field that were entered into some records.
func (h *history) of(field string, refs ...sync.Ref) []*version {
	var out []*version
	for _, v := range h.versions {
		if v.field == field && slices.Contains(refs, v.ref) {
			out = append(out, v)
		}
	}
	slices.SortFunc(out, func(a, b *version) int { return a.n - b.n })
	return out
}

// excused reports whether an edit lost because it was cleared later, or fell between the engine's
// read and its write, which no system can prevent, or to the owner of the
// field because the order could not be known, which the audit says.
func (c *checker) excused(v *version, audit []sync.Entry) bool {
	if c.w.history.cleared[v.field+v.ref.String()] {
		return true
	}
	for i := range c.w.history.overwrote {
		if o := &c.w.history.overwrote[i]; o.was == v && o.raced {
			return true
		}
	}
	for i := range audit {
		d := audit[i].Decision
		byRule := d != nil && (d.Ambiguous || d.Conflict && strings.HasPrefix(d.Rule, "firstsync."))
		if byRule && audit[i].Flow+"."+d.Field == v.field && d.After != v.value && slices.Contains(d.Before[:], v.value) {
			return true
		}
	}
	return false
}

// duplicates judges that no side has two records of one identity.
func (c *checker) duplicates(f *sync.Flow, s sync.Side) {
	v := c.w.vendors[f.End(s).System]
	for i := range f.Identity {
		lens := f.Identity[i].Left
		if s == sync.Right {
			lens = f.Identity[i].Right
		}
		holders := map[sync.Value]sync.Ref{}
		for _, ref := range v.living(f.End(s).Kind) {
			value, err := lens.Get(v.records[ref].fields)
			if err != nil || value.Blank() {
				continue
			}
			if other, twice := holders[value]; twice && !c.parked[ref] && !c.parked[other] {
				c.fail("I3 no duplicates", []sync.Ref{other, ref}, "%s and %s are the same by %s", other, ref, f.Identity[i].Name)
			}
			holders[value] = ref
		}
	}
}
