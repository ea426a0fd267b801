package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The address that an undo brings back has been somebody else's on the other
// side since, which refuses it as it refuses that of any edit: a person decides
// whose it is, and then the pair goes on (simtest, seed 6285).
func TestUndoOfAValueThatSomebodyElseHasByNow(t *testing.T) {
	bubble(t, func(w *world) {
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(ana, "email", "ana.gil@example.com")
		w.settle()
		eva, theirs := w.pair("email", "ana@example.com", "name", "Eva")
		w.right.remove(theirs, true) // or the right side would refuse it, and the undo would tell
		w.settle()
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Ref: right, Field: "email", Since: since})
		if err != nil || len(list) != 1 || list[0].Kept != "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "mail", "ana@example.com")
		w.holds(w.left, ana, "email", "ana.gil@example.com")
		w.holds(w.left, eva, "email", "ana@example.com")
		letters := w.dead()
		if len(letters) == 0 {
			t.Fatal("nobody is told")
		}
		for _, d := range letters {
			if why := d.History[len(d.History)-1]; why.Rule != "unique" || why.Field != "email" {
				t.Errorf("%s: rule %q, field %q", d.Message.Key, why.Rule, why.Field)
			}
		}

		w.left.edit(eva, "email", "eva@example.com")
		for _, d := range letters {
			if _, err := w.queue.Replay(w.ctx, time.Now(), d.Message.ID); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		w.holds(w.left, ana, "email", "ana@example.com")
		w.agrees(1)
		w.noDead()
	})
}
