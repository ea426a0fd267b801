package sync_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func TestNote(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.Context())
		ref := w.left.ref("1")
		n := sync.Entry{Kind: sync.EntryWrote, At: time.Unix(1, 0), Left: ref, Note: "ada: reveal", Decision: &sync.Decision{After: sync.Text("a secret")}}
		if err := w.engine.Note(t.Context(), n); err != nil {
			t.Fatal(err)
		}
		entries, err := w.engine.Entries(t.Context(), sync.AuditFilter{Ref: ref})
		if err != nil || len(entries) != 1 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		got := entries[0]
		if got.Kind != sync.EntryNoted || !got.At.Equal(time.Now()) || got.Note != n.Note || got.Decision != nil {
			t.Errorf("the note became %+v", got)
		}
		if report, err := w.engine.VerifyAudit(t.Context()); err != nil || len(report.Faults) != 0 {
			t.Errorf("the audit has faults: %v, %v", report.Faults, err)
		}
	})
}
