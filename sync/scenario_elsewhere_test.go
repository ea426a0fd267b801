package sync_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// another is the engine of another process.
func (w *world) another() *sync.Engine {
	w.Helper()
	e, err := sync.New(w.cfg)
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// stopAll suspends the flow as a whole.
var stopAll = sync.Switch{Flow: "people", Why: "a wrong map"}

// Who does not Run, as a command, knows what was suspended elsewhere.
func TestBackfillHeedsASwitchOfAnotherProcess(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(30, "Ana")
		if err := w.another().Suspend(w.ctx, stopAll); err != nil {
			t.Fatal(err)
		}
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if ruleOf(err) != "backfill.suspended" || p.Done != 0 || len(w.right.records) != 0 {
			t.Errorf("%+v, %v, and %d records were created", p, err, len(w.right.records))
		}
	})
}

// As long as the switches could not be read, nobody writes.
func TestBackfillThatCannotReadTheSwitches(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(30, "Ana")
		if err := w.another().Suspend(w.ctx, stopAll); err != nil {
			t.Fatal(err)
		}
		w.cfg.Store = &illegible{Store: w.store}
		w.start()
		for _, rule := range []string{"store.answers", "backfill.suspended"} { // one right after the other
			if _, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left}); ruleOf(err) != rule {
				t.Errorf("%v, want rule %s", err, rule)
			}
		}
		if n := len(w.right.living()); n != 0 {
			t.Errorf("%d records were created", n)
		}
	})
}

// An illegible store does not tell of a switch the first time.
type illegible struct {
	sync.Store
	asked bool
}

func (s *illegible) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	if first := !s.asked; first && strings.HasPrefix(name, "switches:") {
		s.asked = true
		return "", &sync.Error{Op: "cursor", Action: sync.Retry, Rule: "illegible"}
	}
	return s.Store.Cursor(ctx, name)
}

func TestBackfillHeedsASwitchThatIsThrownMeanwhile(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(60, "Ana")
		done := 0
		w.cfg.Observer = func(ev sync.Event) {
			if ev.Type == sync.EventProgress && done == 0 {
				done = ev.Progress.Done
				if err := w.another().Suspend(w.ctx, stopAll); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
			}
		}
		w.start()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if ruleOf(err) != "backfill.suspended" || p.Done != done || len(w.right.records) != done {
			t.Errorf("%+v, %v, and %d records were created, %d before the switch", p, err, len(w.right.records), done)
		}
	})
}

// What was founded stays as long as the flow would write it again: not while it
// is suspended, in whatever process.
func TestUndoHeedsASwitchOfAnotherProcess(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.create("mail", "ana@example.com", "fullname", "Ana")
		w.settle()
		if err := w.another().Suspend(w.ctx, sync.Switch{Flow: "people", To: "left"}); err != nil {
			t.Fatal(err)
		}
		w.start() // a command
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"})
		if err != nil || len(list) != 1 || list[0].Kept != "" {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

// Two flows have the same records; one of them is suspended.
func TestASuspendedFlowHoldsUpNoOther(t *testing.T) {
	bubble(t, func(w *world) {
		notes := people()
		notes.Name = "notes"
		notes.Fields = append(notes.Fields[:2], sync.Field{Name: "note", Left: plain("note"), Right: plain("memo")})
		w.cfg.Flows = append(w.cfg.Flows, notes)
		w.start()
		if err := w.engine.Suspend(w.ctx, stopAll); err != nil {
			t.Fatal(err)
		}
		w.left.create("email", "ana@example.com", "name", "Ana", "note", "new")
		w.settle()
		all := w.right.living()
		if len(all) != 1 {
			t.Fatalf("%d records on the other side", len(all))
		}
		w.holds(w.right, all[0], "memo", "new")
		w.holds(w.right, all[0], "fullname", "")
		w.noDead()
	})
}

// ruleOf is the rule of an error, "" if it has none.
func ruleOf(err error) string {
	if e, ok := errors.AsType[*sync.Error](err); ok {
		return e.Rule
	}
	return ""
}
