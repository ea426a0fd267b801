package sync_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// C12. A person with a history, whose records were merged, of whom facts were
// recorded and others wait among the dead letters, is erased: no value is left
// anywhere, the audit is whole, and late webhooks and facts are dropped and
// counted. Everybody else stays.
func TestErasureLeavesNoTraceInAFullDump(t *testing.T) {
	n := &notebook{rung: byReadBack}
	bubble(t, func(w *world) {
		left, right := &erasing{fake: w.left}, &erasing{fake: w.right}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: left, Sink: left}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: struct {
			*notebook
			sync.Eraser
		}{n, right}, Sink: n}
		w.start()
		w.crowd(50)
		subject, far := w.pair("email", "quetzal@example.com", "name", "Quetzal", "msisdn", "+99 300 000 0001")
		double := w.left.create("email", "quetzal2@example.com", "name", "Quetzal Twice")
		w.settle()
		for i := range 20 {
			w.left.edit(subject, "name", fmt.Sprint("Quetzal ", i))
			w.right.edit(far, "phone", fmt.Sprint("+99300", i))
			w.settle()
		}
		far = w.right.merge(far, w.link(double).Right)
		w.settle()
		told := fact("told", subject)
		told.Data = map[string]any{"text": "Quetzal says"}
		poison := fact("poison", subject)
		poison.Data = map[string]any{"at": "never", "text": "Quetzal again"}
		w.accept(told, poison)
		w.left.edit(subject, "msisdn", "call Quetzal")
		w.settle()
		if len(w.dead()) < 2 || strings.Count(strings.ToLower(w.dump()), "quetzal") == 0 {
			w.Fatal("there is nothing to erase")
		}
		before := len(w.right.living())
		for _, ref := range []sync.Ref{subject, double} {
			if _, err := w.engine.Erase(w.ctx, "people", ref); err != nil {
				w.Fatal(err)
			}
		}
		dump := strings.ToLower(w.dump())
		for _, trace := range []string{"quetzal", "+99300", "+99 300"} {
			if at := strings.Index(dump, trace); at >= 0 {
				t.Errorf("a trace is left: …%s…", dump[max(0, at-200):min(len(dump), at+50)])
			}
		}
		report, err := w.engine.VerifyAudit(w.ctx)
		if err != nil || len(report.Faults) > 0 || report.Entries < 100 {
			t.Errorf("the audit: %+v, %v", report, err)
		}

		dropped := w.count(sync.EventDropped)
		w.look(subject, far, double)
		late := fact("late", subject)
		late.Data = map[string]any{"text": "Quetzal was late"}
		w.accept(late)
		w.settle()
		if got := w.count(sync.EventDropped) - dropped; got < 4 {
			t.Errorf("%d late signals were counted as dropped, want those of 3 webhooks and a fact", got)
		}
		if strings.Contains(strings.ToLower(w.dump()), "quetzal") || len(w.left.living()) != 50 || len(w.right.living()) != before-1 {
			t.Errorf("somebody came back: %d and %d records", len(w.left.living()), len(w.right.living()))
		}
		w.agrees(50)
		w.noDead()
	}, jotting(n))
}
