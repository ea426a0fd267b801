package storetest

import (
	"github.com/urbanhub/crmsync/sync"
)

var commits = []scenario{
	{"commits: count generations", func(r *rig) {
		l := pair("a", "ana")
		for want := int64(1); want <= 4; want++ {
			l.Evidence = "edit"
			next := r.put(l)
			l.Generation = want
			r.same("the committed link", next, l)
			r.holds(left("ana"), l)
			l = next
		}
	}},
	{"commits: refuse another generation", otherGeneration},
	{"commits: refuse a new link under a known ID", func(r *rig) {
		first := r.put(pair("a", "ana"))
		_, err := r.store.Commit(r.Context(), noon, sync.Commit{Link: pair("a", "bob")})
		r.stale("Commit of a new link with the ID of another", err)
		r.holds(left("ana"), first)
		r.free(flow, left("bob"))
	}},
	{"commits: refused ones change nothing", refusedCommit},
	{"commits: forget the base of one link alone", forget},
	{"commits: make everything true together", func(r *rig) {
		base := baseOf("agreed")
		l := r.commit(sync.Commit{Link: pair("a", "ana"), Base: &base, Entries: []sync.Entry{entry("one"), entry("two")}})
		r.holds(left("ana"), l)
		r.same("the base", r.base("a"), base)
		r.same("the notes", r.notes(sync.AuditFilter{}), []string{"one", "two"})
	}},
}

// forget takes the base of a link and leaves the rest.
func forget(r *rig) {
	base := baseOf("agreed")
	l := pair("a", "ana")
	l.Key = []byte("a key\x00\xff")
	l = r.commit(sync.Commit{Link: l, Base: &base, Entries: []sync.Entry{entry("one")}})
	other := r.commit(sync.Commit{Link: pair("b", "bob"), Base: &base})
	l.State, l.Key = sync.Erased, nil
	l = r.commit(sync.Commit{Link: l, Forget: true, Entries: []sync.Entry{entry("receipt")}})
	r.holds(left("ana"), l)
	r.holds(left("bob"), other)
	r.same("the base that is forgotten", r.base("a"), sync.Base{})
	r.same("the base of another link", r.base("b"), base)
	r.same("the notes", r.notes(sync.AuditFilter{}), []string{"one", "receipt"})
	r.gapless(2)
}

// baseOf is a base in which both sides hold one text.
func baseOf(text string) sync.Base {
	return sync.Base{
		Left:  sync.Shadow{Fields: sync.Fields{"email": sync.Text(text)}, UpdatedAt: noon},
		Right: sync.Shadow{Fields: sync.Fields{"mail": sync.Text(text)}},
	}
}

func otherGeneration(r *rig) {
	old := r.put(pair("a", "ana"))
	current := r.put(old)
	future := current
	future.Generation++
	unknown := pair("z", "zoe")
	unknown.Generation = 1
	for what, l := range map[string]sync.Link{"an older generation": old, "a generation to come": future, "a generation of no link": unknown} {
		_, err := r.store.Commit(r.Context(), noon, sync.Commit{Link: l})
		r.stale("Commit with "+what, err)
		_, err = r.store.Begin(r.Context(), noon, l, intent("late"))
		r.stale("Begin with "+what, err)
	}
	r.holds(left("ana"), current)
	r.free(flow, left("zoe"))
}

// refusedCommit looks for traces of a commit that came too late.
func refusedCommit(r *rig) {
	old := r.put(pair("a", "ana"))
	kept := baseOf("kept")
	current := r.commit(sync.Commit{Link: old, Base: &kept, Entries: []sync.Entry{entry("kept")}})

	late, base := old, baseOf("late")
	late.Right, late.State = right("late"), sync.Detached
	_, err := r.store.Commit(r.Context(), noon, sync.Commit{Link: late, Base: &base, Entries: []sync.Entry{keyed("k", "late")}})
	r.stale("Commit with an older generation", err)
	_, err = r.store.Begin(r.Context(), noon, late, intent("late"), keyed("k", "late"))
	r.stale("Begin with an older generation", err)
	taken := sync.Link{ID: "b", Flow: flow, Left: left("new"), Right: right("ana"), State: sync.Active}
	_, err = r.store.Commit(r.Context(), noon, sync.Commit{Link: taken, Base: &base, Entries: []sync.Entry{keyed("k", "late")}})
	r.stale("Commit of a taken end", err)

	r.holds(left("ana"), current)
	r.free(flow, right("late"))
	r.free(flow, left("new"))
	r.same("the base", r.base("a"), kept)
	r.same("the base of a refused link", r.base("b"), sync.Base{})
	r.same("the notes", r.notes(sync.AuditFilter{}), []string{"kept"})
	// Neither the key nor a number was used up.
	r.ok("Append", r.store.Append(r.Context(), keyed("k", "after")))
	r.same("the notes", r.notes(sync.AuditFilter{}), []string{"kept", "after"})
	r.gapless(2)
}
