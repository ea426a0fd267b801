package storetest

import (
	"fmt"

	"github.com/urbanhub/crmsync/sync"
)

var audits = []scenario{
	{"audit: counts without gaps", func(r *rig) {
		r.ok("Append of nothing", r.store.Append(r.Context()))
		r.ok("Append", r.store.Append(r.Context(), entry("1"), entry("2")))
		l := r.begin(noon, pair("a", "ana"), intent("write"), entry("3"))
		r.commit(sync.Commit{Link: l, Entries: []sync.Entry{entry("4"), entry("5")}})
		given := entry("6")
		given.Seq = 99 // the store decides
		r.ok("Append", r.store.Append(r.Context(), given))
		r.same("the notes", r.notes(sync.AuditFilter{}), []string{"1", "2", "3", "4", "5", "6"})
		r.gapless(6)
	}},
	{"audit: drops known keys", knownKeys},
	{"audit: keeps equal entries without a key", func(r *rig) {
		r.ok("Append", r.store.Append(r.Context(), entry("same"), entry("same")))
		r.ok("Append", r.store.Append(r.Context(), entry("same")))
		r.gapless(3)
	}},
	{"audit: filters", filters},
	{"audit: pages", auditPages},
}

// gapless checks that there are n entries, numbered from 1.
func (r *rig) gapless(n int) {
	r.Helper()
	all := r.entries(sync.AuditFilter{Limit: n + 1})
	if len(all) != n {
		r.Errorf("there are %d entries, want %d", len(all), n)
	}
	for i := range all {
		if all[i].Seq != int64(i)+1 {
			r.Fatalf("entry %d has Seq %d: entries must count up from 1 without gaps", i+1, all[i].Seq)
		}
	}
}

// knownKeys repeats keyed entries on every way into the audit.
func knownKeys(r *rig) {
	r.ok("Append", r.store.Append(r.Context(), keyed("one", "first"), keyed("one", "again"), entry("plain")))
	r.ok("Append", r.store.Append(r.Context(), keyed("one", "again")))
	r.ok("Append", r.store.Append(r.Context(), keyed("ONE", "another key")))
	l := r.begin(noon, pair("a", "ana"), intent("write"), keyed("one", "again"), keyed("two", "in begin"))
	r.commit(sync.Commit{Link: l, Entries: []sync.Entry{keyed("two", "again"), keyed("three", "in commit"), keyed("one", "again")}})
	r.ok("Append", r.store.Append(r.Context(), keyed("three", "again"), entry("last")))
	r.same("the notes", r.notes(sync.AuditFilter{}),
		[]string{"first", "plain", "another key", "in begin", "in commit", "last"})
	r.gapless(6)
}

func filters(r *rig) {
	add := func(note, flow, link string, l, rt sync.Ref) {
		e := entry(note)
		e.Flow, e.Link, e.Left, e.Right = flow, link, l, rt
		r.ok("Append", r.store.Append(r.Context(), e))
	}
	add("1", "contacts", "a", left("ana"), right("ana"))
	add("2", "contacts", "b", left("bob"), right("bob"))
	add("3", "people", "a", left("ana"), sync.Ref{})
	add("4", "contacts", "a", left("ana"), right("bob"))
	add("5", "", "", right("ana"), sync.Ref{})
	for _, c := range []struct {
		filter sync.AuditFilter
		want   []string
	}{
		{sync.AuditFilter{}, []string{"1", "2", "3", "4", "5"}},
		{sync.AuditFilter{Flow: "contacts"}, []string{"1", "2", "4"}},
		{sync.AuditFilter{Link: "a"}, []string{"1", "3", "4"}},
		{sync.AuditFilter{Ref: left("ana")}, []string{"1", "3", "4"}},
		{sync.AuditFilter{Ref: right("bob")}, []string{"2", "4"}},
		{sync.AuditFilter{Ref: right("ana")}, []string{"1", "5"}},
		{sync.AuditFilter{After: 3}, []string{"4", "5"}},
		{sync.AuditFilter{After: 5}, []string{}},
		{sync.AuditFilter{Limit: 2}, []string{"1", "2"}},
		{sync.AuditFilter{Flow: "contacts", Link: "a", Ref: right("bob"), After: 1, Limit: 5}, []string{"4"}},
		{sync.AuditFilter{Flow: "contacts", After: 1, Limit: 1}, []string{"2"}},
		{sync.AuditFilter{Flow: "people", Link: "b"}, []string{}},
		{sync.AuditFilter{Ref: sync.Ref{System: "crm", Kind: "deal", ID: "ana"}}, []string{}},
	} {
		r.same(fmt.Sprintf("the notes by %+v", c.filter), r.notes(c.filter), c.want)
	}
}

// auditPages reads more entries than the usual page holds.
func auditPages(r *rig) {
	const all, usual = 230, 100
	for i := range all / 10 {
		batch := make([]sync.Entry, 10)
		for j := range batch {
			batch[j] = entry(fmt.Sprint(10*i + j + 1))
		}
		r.ok("Append", r.store.Append(r.Context(), batch...))
	}
	r.gapless(all)
	var seen int64
	for _, want := range []int{usual, usual, all - 2*usual, 0} {
		page := r.entries(sync.AuditFilter{After: seen})
		if len(page) != want {
			r.Fatalf("the page after %d has %d entries, want %d", seen, len(page), want)
		}
		for _, e := range page {
			seen++
			if e.Seq != seen || e.Note != fmt.Sprint(seen) {
				r.Fatalf("entry %d has Seq %d and note %q", seen, e.Seq, e.Note)
			}
		}
	}
}
