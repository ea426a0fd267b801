package sync_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/sync"
)

// A forger is a store whose audit somebody has worked on.
type forger struct {
	sync.Store
	forge func([]sync.Entry) []sync.Entry
}

func (f forger) Entries(ctx context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	all, err := f.Store.Entries(ctx, sync.AuditFilter{Limit: 1 << 20})
	all = f.forge(all)
	all = slices.DeleteFunc(all, func(e sync.Entry) bool { return !filter.Matches(&e) })
	return all[:min(len(all), filter.Limit)], err
}

func TestTheAuditTellsWhenItWasChanged(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		w.pair("email", "ben@example.com", "name", "Ben")
		for _, name := range []string{"Ana Gil", "Ana Gil Paz"} {
			w.left.edit(ana, "name", name)
			w.settle()
		}
		w.accept(fact("f1", ana))
		w.settle()
		all := w.audit()
		if n := len(all); n < 10 {
			t.Fatalf("there are only %d entries", n)
		}
		for what, c := range map[string]struct {
			forge func([]sync.Entry) []sync.Entry
			rules []string
		}{
			"nothing":             {func(es []sync.Entry) []sync.Entry { return es }, nil},
			"a note":              {func(es []sync.Entry) []sync.Entry { es[2].Note += "!"; return es }, []string{"entry.hash"}},
			"a decision":          {func(es []sync.Entry) []sync.Entry { forgeRule(es); return es }, []string{"entry.hash"}},
			"an entry is missing": {func(es []sync.Entry) []sync.Entry { return slices.Delete(es, 3, 4) }, []string{"entry.seq", "entry.chain"}},
			"it was numbered anew": {func(es []sync.Entry) []sync.Entry {
				es = slices.Delete(es, 3, 4)
				for i := range es {
					es[i].Seq = int64(i) + 1
				}
				return es
			}, []string{"entry.chain"}},
			"the end is missing": {func(es []sync.Entry) []sync.Entry {
				last := slices.IndexFunc(es, func(e sync.Entry) bool { return e.Prev == nil })
				return es[:last-1]
			}, []string{"chain.end"}},
			"the beginning was cut off for its age": {func(es []sync.Entry) []sync.Entry {
				for es[len(es)-1].Left == ana && slices.ContainsFunc(es, func(e sync.Entry) bool { return e.Link != "" && e.Left != ana }) {
					es = es[1:]
				}
				return es
			}, []string{"chain.end"}}, // that of the pair without an entry since
		} {
			report, err := sync.VerifyAudit(w.ctx, forger{w.store, c.forge}, "people")
			var rules []string
			for _, f := range report.Faults {
				rules = append(rules, f.Rule)
			}
			if diff := cmp.Diff(c.rules, rules); err != nil || diff != "" {
				t.Errorf("%s: %v %s", what, err, diff)
			}
		}
	})
}

func forgeRule(es []sync.Entry) {
	i := slices.IndexFunc(es, func(e sync.Entry) bool { return e.Decision != nil })
	d := *es[i].Decision
	d.Rule = "because"
	es[i].Decision = &d
}

// audit returns what the store holds of the audit.
func (w *world) audit() []sync.Entry {
	w.Helper()
	all, err := w.store.Entries(w.ctx, sync.AuditFilter{Limit: 1 << 20})
	if err != nil {
		w.Fatal(err)
	}
	return all
}

func TestTheStoreHoldsNoValueOfTheAuditInTheOpen(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Quetzal")
		w.left.edit(ana, "name", "Quetzal Gil")
		w.settle()
		sealed := 0
		for _, e := range w.audit() {
			if e.Decision != nil && (e.Decision.Before != [2]sync.Value{} || e.Decision.After != sync.Value{}) {
				t.Errorf("entry %d holds values", e.Seq)
			}
			if e.Sealed != nil {
				sealed++
			}
			if bytes.Contains(e.Sealed, []byte("uetzal")) {
				t.Errorf("entry %d is not encrypted", e.Seq)
			}
		}
		page, err := w.engine.Entries(w.ctx, sync.AuditFilter{Limit: 1000})
		if err != nil || sealed == 0 {
			t.Fatalf("%d entries are sealed, %v", sealed, err)
		}
		if !slices.ContainsFunc(page, func(e sync.Entry) bool { return e.Decision != nil && e.Decision.After == sync.Text("Quetzal Gil") }) {
			t.Error("the engine cannot read its own audit")
		}
		forged := forger{w.store, func(es []sync.Entry) []sync.Entry {
			for i := range es {
				if es[i].Sealed != nil {
					es[i].Sealed = append([]byte("x"), es[i].Sealed[1:]...)
				}
			}
			return es
		}}
		if _, err := sync.ReadAudit(w.ctx, forged, sync.AuditFilter{Limit: 1000}); sync.ActionOf(err) != sync.Fatal || strings.Contains(err.Error(), "uetzal") {
			t.Errorf("forged values: %v", err)
		}
	})
}

// A merge leaves a link behind, and with it the values of one of the two.
func TestEraseReachesTheLinksFromBeforeAMerge(t *testing.T) {
	bubble(t, func(w *world) {
		left1, right1 := w.pair("email", "quetzal@example.com", "name", "Quetzal One")
		left2, right2 := w.pair("email", "quetzal2@example.com", "name", "Quetzal Two")
		_ = left1
		merged := w.right.merge(right1, right2)
		w.settle()
		w.left.merge(left1, left2)
		w.settle()
		if _, err := w.engine.Erase(w.ctx, "people", merged); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if left := w.dump(); strings.Contains(left, "uetzal") {
			links, _ := w.store.Links(w.ctx, "people", "", 10)
			t.Errorf("a trace is left %s \n%+v", left[strings.Index(left, "uetzal")-500:], links)
		}
	})
}
