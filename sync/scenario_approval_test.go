package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// approved forecasts one record and approves of what is found.
func (w *world) approved(ref sync.Ref) {
	w.Helper()
	f, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{ref})
	if err != nil || len(f.Items) != 1 {
		w.Fatalf("forecast %+v, %v", f, err)
	}
	if moved, err := w.engine.ApplyForecast(w.ctx, f); err != nil || len(moved) != 0 {
		w.Fatalf("moved %v, %v", moved, err)
	}
}

// Somebody edits the record after it was compared with the forecast, and before
// its turn has come. Nothing else is written than what was approved, and the
// dead letters list it.
func TestApprovedRecordThatMovesBeforeItsTurn(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.takeHooks()
		w.approved(left)
		w.left.edit(left, "name", "Somebody else")
		w.takeHooks()
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		dead := w.dead()
		if len(dead) != 1 || dead[0].History[0].Rule != "forecast.moved" {
			t.Fatalf("dead letters %+v", dead)
		}
		w.look(left) // a signal of its own is another matter
		w.settle()
		w.holds(w.right, right, "fullname", "Somebody else")
		w.replay(dead)
		w.settle()
		w.noDead() // there is nothing left to write
	})
}

// A signal that waits together with what was approved needs no approval.
func TestApprovedRecordWithASignal(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.takeHooks()
		w.approved(left)
		w.left.edit(left, "name", "Somebody else")
		w.settle()
		w.holds(w.right, right, "fullname", "Somebody else")
		w.noDead()
	})
}

// What was begun by approval is finished, though less is left to write then.
func TestApprovedCreationThatFailsHalfway(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "ana@example.com", "name", "Ana")
		w.takeHooks()
		w.approved(left)
		w.left.before = once(&sync.Error{Op: "fake", Action: sync.Retry})
		for w.stats().Waiting > 0 { // no webhooks
			w.takeHooks()
			if err := w.engine.RunOnce(w.ctx); err != nil {
				t.Fatal(err)
			}
			time.Sleep(max(time.Until(w.stats().NextAt), time.Millisecond))
		}
		right := w.link(left).Right
		w.holds(w.left, left, "beta_id", right.ID)
		w.holds(w.right, right, "fullname", "Ana")
		w.noDead()
	})
}

// What a forecast of one flow found is no reason to write in another one.
func TestApprovalIsOfOneFlow(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil", "note", "new")
		w.takeHooks()
		notes := people()
		notes.Name = "notes"
		notes.Fields = append(notes.Fields[:2], sync.Field{Name: "note", Left: plain("note"), Right: plain("memo")})
		w.cfg.Flows = append(w.cfg.Flows, notes)
		w.start()
		w.approved(left)
		for range 3 {
			w.takeHooks()
			if err := w.engine.RunOnce(w.ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.holds(w.right, right, "memo", "")
		w.noDead()
	})
}
