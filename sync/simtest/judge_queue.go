package simtest

import (
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// activities judges that every fact taken in became one activity of each kind.
func (c *checker) activities() {
	for _, id := range sortedKeys(keys(c.accepted)) {
		fact := c.accepted[id]
		for _, a := range c.w.activities {
			if a.Fact == fact.Type {
				c.activity(a, fact)
			}
		}
	}
}

func (c *checker) activity(a *sync.Activity, fact sync.Fact) {
	v, key, n := c.w.vendors[a.System], sync.FactKey(fact), 0
	for _, ref := range v.living(a.Kind) {
		if v.records[ref].fields[a.Key].String() == key {
			n++
		}
	}
	if n == 1 || n == 0 && c.hopeless(a, fact) {
		return
	}
	c.fail("I6 exactly one activity", []sync.Ref{fact.Subject}, "the fact %s about %s is recorded %d times", fact.ID, fact.Subject, n)
}

// hopeless reports whether a fact has nothing to be shown on.
func (c *checker) hopeless(a *sync.Activity, fact sync.Fact) bool {
	link, err := c.w.store.Link(background, a.Relate[0].Flow, fact.Subject)
	return err != nil || link.State != sync.Active
}

// letters judges the dead letters that a replay did not bring back to life,
// and returns the records that they are about.
func (c *checker) letters() map[sync.Ref]bool {
	parked := map[sync.Ref]bool{}
	dead, _ := c.w.log.Dead(background, sync.DeadFilter{Limit: 1 << 20})
	for i := range dead {
		why := dead[i].History[len(dead[i].History)-1].Error
		fact, ok := c.told[dead[i].Message.ID]
		if ok && c.unshown(fact) {
			continue
		}
		about := c.named(dead[i].Message.Key + " " + why)
		for _, ref := range about {
			parked[ref] = true
		}
		if !slices.ContainsFunc(about, func(ref sync.Ref) bool { return c.w.merged[ref] }) && !c.disputed(&dead[i], about) {
			c.fail("I1 conservation", about, "%s stays among the dead letters: %s", dead[i].Message.Key, why)
		}
	}
	return parked
}

// disputed reports whether a letter tells of a value that an undo brought back
// and that somebody else has had since: a person has to say whose it is.
func (c *checker) disputed(d *sync.DeadLetter, about []sync.Ref) bool {
	why := &d.History[len(d.History)-1]
	return why.Rule == "unique" && slices.ContainsFunc(about, func(ref sync.Ref) bool { return c.w.undone[ref] && c.heldElsewhere(ref, why.Field) })
}

// heldElsewhere reports whether the value that a raw name of the other side
// should get from a record belongs to another than its counterpart there. Ids
// are nobody's to enter: of them that is a fault.
func (c *checker) heldElsewhere(ref sync.Ref, name string) bool {
	near := c.w.vendors[ref.System]
	for _, f := range c.w.cfg.Flows {
		s, ok := f.SideOf(ref)
		link, linked := c.linkOf(f, near, ref)
		if !ok || !linked || !slices.Contains(c.w.editable(f, s.Other()), name) {
			continue
		}
		end := f.End(s.Other())
		far := c.w.vendors[end.System]
		for i := range f.Fields {
			raw, err := lensOf(&f.Fields[i], s.Other()).Put(canonical(&f.Fields[i], s, near.look(ref).Fields), nil)
			if err == nil && slices.ContainsFunc(far.holding(end.Kind, name, raw[name]), func(o sync.Ref) bool { return o != far.resolve(link.End(s.Other())) }) {
				return true
			}
		}
	}
	return false
}

// named lists the records that a text names, and those linked with them.
func (c *checker) named(text string) []sync.Ref {
	var out []sync.Ref
	for _, word := range strings.Fields(text) {
		part := strings.Split(strings.Trim(word, ":;,()"), ":")
		if len(part) != 3 {
			continue
		}
		ref := sync.Ref{System: sync.System(part[0]), Kind: sync.Kind(part[1]), ID: part[2]}
		v := c.w.vendors[ref.System]
		if v == nil || !c.w.syncs(ref) {
			continue
		}
		out = append(out, ref)
		for _, f := range c.w.cfg.Flows {
			if link, ok := c.linkOf(f, v, ref); ok {
				out = append(out, link.Left, link.Right)
			}
		}
	}
	return out
}

// promptly is how long an edit may take to the other side where nothing is wrong:
// that of a record which was created a moment ago takes up to seven seconds.
const promptly = 8 * time.Second

// prompt judges, in worlds without faults, that values which break rules delay
// nobody else.
func (c *checker) prompt() {
	if len(c.w.faults.happened) > 0 || c.w.acted[Outage]+c.w.acted[Archive]+c.w.acted[Deploy] > 0 {
		return
	}
	carried := map[*version]bool{}
	for i := range c.w.history.overwrote {
		o := &c.w.history.overwrote[i]
		if o.now == nil || o.now.vague || carried[o.now] || c.troubled(o, o.ref) || c.troubled(o, o.now.ref) {
			continue
		}
		carried[o.now] = true
		if lag := o.at.Sub(o.now.at); lag > promptly {
			c.fail("I12 isolation of poison", []sync.Ref{o.now.ref, o.ref}, "%s took %s to %s", o.now, lag, o.ref)
		}
	}
}

// troubled reports whether a record has had a value that breaks a rule, was
// away for a while, came in unheard, was undone, or had the field emptied.
func (c *checker) troubled(o *overwrite, ref sync.Ref) bool {
	return c.w.poisoned[ref] || c.w.merged[ref] || c.w.removed[ref] || c.w.undone[ref] || c.w.unheard[ref] || c.w.history.cleared[o.field+ref.String()]
}

func (c *checker) unshown(fact sync.Fact) bool {
	return slices.ContainsFunc(c.w.activities, func(a *sync.Activity) bool { return a.Fact == fact.Type && c.hopeless(a, fact) })
}
