package storetest

import (
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var intents = []scenario{
	{"intents: are stored with link and entries", func(r *rig) {
		want := pair("a", "ana")
		in := intent("write")
		l := r.begin(noon, want, in, entry("decided"), entry("and more"))
		want.Generation, want.Intent = 1, &in
		r.same("the link that Begin returned", l, want)
		r.holds(left("ana"), want)
		r.holds(right("ana"), want)
		r.same("the notes", r.notes(sync.AuditFilter{}), []string{"decided", "and more"})
	}},
	{"intents: change a known link", func(r *rig) {
		l := r.put(pair("a", "ana"))
		l.Right, l.Evidence = right("merged"), "phone"
		l = r.begin(noon, l, intent("write"))
		if l.Generation != 2 {
			r.Errorf("Begin gave generation %d, want 2", l.Generation)
		}
		r.holds(right("merged"), l)
		r.free(flow, right("ana"))
	}},
	{"intents: keep others out", intentExcludes},
	{"intents: can be taken over when expired", takeOver},
	{"intents: end with the commit", func(r *rig) {
		l := r.begin(noon, pair("a", "ana"), intent("write"))
		l = r.commit(sync.Commit{Link: l, Entries: []sync.Entry{entry("wrote")}})
		if l.Intent != nil || l.Generation != 2 {
			r.Errorf("Commit returned generation %d with intent %v, want 2 without one", l.Generation, l.Intent)
		}
		r.holds(left("ana"), l)
		r.opens(noon.Add(time.Hour))
		r.begin(noon, l, intent("next"))
	}},
	{"intents: the holder may commit late", func(r *rig) {
		l := r.begin(noon, pair("a", "ana"), intent("write"))
		_, err := r.store.Commit(r.Context(), noon.Add(time.Hour), sync.Commit{Link: l})
		r.ok("Commit after the intent expired and nobody took over", err)
		r.opens(noon.Add(2 * time.Hour))
	}},
	{"intents: open lists what expired", openIntents},
}

// opens checks which links Open lists, in any order.
func (r *rig) opens(now time.Time, want ...string) {
	r.Helper()
	open, err := r.store.Open(r.Context(), now, 100)
	r.ok("Open", err)
	got := ids(open)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		r.Errorf("Open lists the links %q, want %q", got, want)
	}
}

// intentExcludes tries everything against a link that is being written to.
func intentExcludes(r *rig) {
	l := r.begin(noon, pair("a", "ana"), intent("first"))
	almost := l.Intent.Expires.Add(-time.Microsecond)
	_, err := r.store.Begin(r.Context(), almost, l, intent("second"), entry("second"))
	r.stale("Begin while another intent is open", err)
	base, bare := baseOf("late"), l
	bare.Intent = nil
	_, err = r.store.Commit(r.Context(), almost, sync.Commit{Link: bare, Base: &base, Entries: []sync.Entry{entry("second")}})
	r.stale("Commit of a link without the intent that is open", err)
	foreign, in := l, intent("second")
	foreign.Intent = &in
	_, err = r.store.Commit(r.Context(), almost, sync.Commit{Link: foreign, Base: &base, Entries: []sync.Entry{entry("second")}})
	r.stale("Commit under another intent than the one that is open", err)

	r.holds(left("ana"), l)
	r.same("the base", r.base("a"), sync.Base{})
	r.same("the notes", r.notes(sync.AuditFilter{}), []string{})
	r.begin(noon, pair("b", "bob"), intent("other")) // other links are free
}

func takeOver(r *rig) {
	first := r.begin(noon, pair("a", "ana"), intent("first"))
	now := first.Intent.Expires
	in := sync.Intent{ID: "second", Expires: now.Add(time.Minute)}
	second := r.begin(now, first, in, entry("taken over"))
	r.same("the intent", second.Intent, &in)
	r.holds(left("ana"), second)

	_, err := r.store.Commit(r.Context(), now, sync.Commit{Link: first, Entries: []sync.Entry{entry("too late")}})
	r.stale("Commit by the worker that was replaced", err)
	_, err = r.store.Begin(r.Context(), now, first, intent("third"))
	r.stale("Begin by the worker that was replaced", err)
	r.holds(left("ana"), second)
	r.same("the notes", r.notes(sync.AuditFilter{}), []string{"taken over"})
	r.opens(now)
	r.put(second)
}

func openIntents(r *rig) {
	r.put(pair("idle", "idle"))
	for i, id := range []string{"a", "b", "c"} {
		in := intent("write-" + id)
		in.Expires = noon.Add(time.Duration(i+1) * time.Minute)
		l := pair(id, id)
		l.Flow += id // Open looks at every flow
		r.begin(noon, l, in)
	}
	r.opens(noon)
	r.opens(noon.Add(time.Minute - time.Microsecond))
	r.opens(noon.Add(time.Minute), "a")
	r.opens(noon.Add(2*time.Minute), "a", "b")
	r.opens(noon.Add(time.Hour), "a", "b", "c")

	some, err := r.store.Open(r.Context(), noon.Add(time.Hour), 2)
	r.ok("Open", err)
	if len(some) != 2 {
		r.Fatalf("Open with limit 2 returned %d of 3 links", len(some))
	}
	for _, l := range some {
		r.holds(l.Left, l)
	}
}
