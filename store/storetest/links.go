package storetest

import (
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

var links = []scenario{
	{"links: found by either end", func(r *rig) {
		l := r.put(pair("a", "ana"))
		if l.Generation != 1 {
			r.Errorf("the first commit gave generation %d, want 1", l.Generation)
		}
		r.holds(left("ana"), l)
		r.holds(right("ana"), l)
		r.free(flow, left("bob"))
	}},
	{"links: ends differ by every part", endsDiffer},
	{"links: flows are apart", flowsApart},
	{"links: a record has one link", oneLink},
	{"links: pending with one end", pendingLink},
	{"links: a moved end is free again", movedEnd},
	{"links: an end moves to no taken record", func(r *rig) {
		a, b := r.put(pair("a", "ana")), r.put(pair("b", "bob"))
		a.Right = b.Right
		_, err := r.store.Commit(r.Context(), noon, sync.Commit{Link: a})
		r.stale("Commit that moves an end to a taken record", err)
		r.holds(right("ana"), r.linkOf(left("ana")))
		r.holds(right("bob"), b)
	}},
	{"links: a detached link keeps its ends", func(r *rig) {
		l := r.put(pair("a", "ana"))
		l.State = sync.Detached
		l = r.put(l)
		r.holds(left("ana"), l)
		_, err := r.store.Commit(r.Context(), noon, sync.Commit{Link: pair("b", "ana")})
		r.stale("Commit of a second link", err)
	}},
	{"links: pages in the order of IDs", pages},
}

// linkOf returns the link of a record in the usual flow.
func (r *rig) linkOf(ref sync.Ref) sync.Link {
	r.Helper()
	l, err := r.store.Link(r.Context(), flow, ref)
	r.ok("Link of "+ref.String(), err)
	return l
}

// endsDiffer holds records apart that a careless key would take for one.
func endsDiffer(r *rig) {
	refs := []sync.Ref{
		{System: "crm", Kind: "contact", ID: "1"},
		{System: "crm", Kind: "deal", ID: "1"},
		{System: "chat", Kind: "contact", ID: "1"},
		{System: "crm", Kind: "contact", ID: "01"},
		{System: "crm", Kind: "contact", ID: "1 "},
		{System: "crm", Kind: "contact", ID: "Ab"},
		{System: "crm", Kind: "contact", ID: "aB"},
		{System: "crm", Kind: "contact:x", ID: "y"},
		{System: "crm", Kind: "contact", ID: "x:y"},
		{System: "crm", Kind: "contact", ID: "x|y"},
		{System: "crm", Kind: "contact", ID: "%"},
		{System: "crm", Kind: "contact", ID: "*"},
		{System: "crm", Kind: "contact", ID: "o'hara \"ñ\" 日本"},
	}
	var stored []sync.Link
	for i, ref := range refs {
		stored = append(stored, r.put(sync.Link{ID: "link-" + string(rune('a'+i)), Flow: flow, Left: ref, State: sync.Pending}))
	}
	for i, ref := range refs {
		r.holds(ref, stored[i])
	}
}

func flowsApart(r *rig) {
	one := r.put(pair("a", "ana"))
	other := pair("b", "ana")
	other.Flow = "people"
	other = r.put(other)
	r.holds(left("ana"), one)
	r.holds(left("ana"), other)
	r.free("nobody's", left("ana"))
}

func oneLink(r *rig) {
	first := r.put(pair("a", "ana"))
	for _, second := range []sync.Link{
		{ID: "b", Flow: flow, Left: left("ana"), Right: right("bob"), State: sync.Active},
		{ID: "c", Flow: flow, Left: left("bob"), Right: right("ana"), State: sync.Active},
		{ID: "d", Flow: flow, Left: left("ana"), State: sync.Pending},
		{ID: "e", Flow: flow, Right: right("ana"), State: sync.Pending},
	} {
		_, err := r.store.Begin(r.Context(), noon, second, intent("late"))
		r.stale("Begin of a second link", err)
		_, err = r.store.Commit(r.Context(), noon, sync.Commit{Link: second})
		r.stale("Commit of a second link", err)
	}
	r.holds(left("ana"), first)
	r.holds(right("ana"), first)
	r.free(flow, left("bob"))
	r.free(flow, right("bob"))
}

func pendingLink(r *rig) {
	a := pair("a", "ana")
	a.Right, a.State = sync.Ref{}, sync.Pending
	b := pair("b", "bob")
	b.Right, b.State = sync.Ref{}, sync.Pending
	a, b = r.put(a), r.put(b) // two missing ends are not one record
	r.holds(left("ana"), a)
	r.holds(left("bob"), b)
	r.free(flow, sync.Ref{})
	r.free(flow, right("ana"))
	a.Right, a.State = right("ana"), sync.Active
	a = r.put(a)
	r.holds(right("ana"), a)
	r.holds(left("ana"), a)
}

func movedEnd(r *rig) {
	l := r.put(pair("a", "ana"))
	l.Right = right("merged")
	l = r.put(l)
	r.holds(right("merged"), l)
	r.holds(left("ana"), l)
	r.free(flow, right("ana"))
	other := r.put(sync.Link{ID: "b", Flow: flow, Right: right("ana"), State: sync.Pending})
	r.holds(right("ana"), other)
}

func pages(r *rig) {
	all := []string{"0", "A", "Z", "_", "a", "a-", "aa", "b", "é"} // as bytes go
	shuffled := []string{"b", "Z", "aa", "é", "0", "a-", "_", "A", "a"}
	for _, id := range shuffled {
		r.put(pair(id, id))
	}
	other := pair("ab", "x")
	other.Flow = "people"
	r.put(other)

	var got []string
	for after, calls := "", 0; calls <= len(all); calls++ {
		page, err := r.store.Links(r.Context(), flow, after, 2)
		r.ok("Links", err)
		if len(page) > 2 {
			r.Fatalf("Links returned %d links, the limit was 2", len(page))
		}
		if len(page) == 0 {
			break
		}
		got = append(got, ids(page)...)
		after = page[len(page)-1].ID
	}
	if !slices.Equal(got, all) {
		r.Errorf("pages held the links %s, want %s", strings.Join(got, " "), strings.Join(all, " "))
	}
	whole, err := r.store.Links(r.Context(), flow, "", 100)
	r.ok("Links", err)
	for _, l := range whole {
		r.holds(l.Left, l)
	}
}
