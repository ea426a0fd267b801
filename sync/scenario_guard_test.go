package sync_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Somebody deletes half of the right system by accident.
func TestGuardStopsAMassOfDetachments(t *testing.T) {
	bubble(t, func(w *world) {
		const people, deleted = 100, 50
		for i := range people {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		}
		w.settle()
		time.Sleep(time.Minute)
		victims := w.right.living()[:deleted]
		for _, ref := range victims {
			w.right.remove(ref, true)
		}
		stop := w.run()
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		if n := len(w.entries(sync.EntryDetached)); n != 20 {
			t.Errorf("%d pairs were detached, want 20 and a stop", n)
		}
		thrown, err := w.engine.Suspended(w.ctx)
		if err != nil || len(thrown) != 1 || !strings.Contains(thrown[0].Why, "20 detachments") || w.count(sync.EventTripped) != 1 {
			t.Errorf("suspended %+v, %v, told %d times", thrown, err, w.count(sync.EventTripped))
		}
		left := w.left.living()[people-1]
		w.left.edit(left, "name", "Eva")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		w.wroteNothingOf("Eva")

		for _, ref := range victims { // it was an accident
			w.right.remove(ref, false)
		}
		w.enqueue(w.takeHooks()...)
		if err := w.engine.Resume(w.ctx, sync.Switch{Flow: "people"}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Minute)
		stop()
		w.holds(w.right, w.link(left).Right, "fullname", "Eva")
		w.agrees(people)
		w.noDead()
	})
}

func (w *world) wroteNothingOf(value string) {
	w.Helper()
	for _, s := range w.right.takeWrites() {
		if s.value.String() == value {
			w.Errorf("%s was written to a suspended flow", value)
		}
	}
}

func TestGuardBoundsCreationsAndOverwrites(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Guard = sync.Guard{Creations: 3, Overwrites: 2}
		w.start()
		for i := range 5 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		}
		w.once()
		if n := len(w.right.living()); n != 3 {
			t.Errorf("%d records were created, want 3", n)
		}
		if err := w.engine.Resume(w.ctx, sync.Switch{Flow: "people"}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.agrees(5)
		time.Sleep(2 * time.Hour)
		for _, left := range w.left.living() {
			w.left.edit(left, "name", "Eva")
		}
		w.right.takeWrites()
		w.once()
		if n := len(w.right.takeWrites()); n != 2 {
			t.Errorf("%d values were overwritten, want 2", n)
		}
	})
}
