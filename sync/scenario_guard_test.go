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

// What is tried again and again is not done again and again.
func TestGuardCountsWhatIsDone(t *testing.T) {
	for _, action := range []sync.Action{sync.RetryAt, sync.Denied} {
		t.Run(action.String(), func(t *testing.T) {
			bubble(t, func(w *world) {
				tries := 0
				w.right.tune(func() {
					w.right.before = func(op string, _ sync.Ref) error {
						if op != "create" {
							return nil
						}
						if tries++; tries <= 9 {
							return &sync.Error{Op: "apply", Action: action, RetryAt: time.Now().Add(time.Second)}
						}
						return nil
					}
				})
				stop := w.run()
				w.people(3, "Ana")
				w.enqueue(looks(w.left.living())...)
				time.Sleep(20 * time.Minute)
				stop()
				if tries < 12 || w.count(sync.EventTripped) != 0 {
					t.Errorf("the guard tripped %d times after %d tries", w.count(sync.EventTripped), tries)
				}
				w.agrees(3)
			}, func(w *world) { w.cfg.Guard.Creations = 5 })
		})
	}
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

func (w *world) tripped(rule string) {
	w.Helper()
	thrown, err := w.engine.Suspended(w.ctx)
	if err != nil || len(thrown) != 1 || !strings.Contains(thrown[0].Why, rule) {
		w.Errorf("suspended %+v, %v, want for %s", thrown, err, rule)
	}
}

// A map turns out to disagree with everybody: it is stopped before much is done.
func TestGuardBoundsTheShareOfConflicts(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Guard, w.cfg.Concurrency = sync.Guard{Conflicts: 0.2}, 8
		w.start()
		for i := range 300 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
			if i%3 == 0 {
				w.right.create("mail", fmt.Sprintf("p%d@example.com", i), "fullname", "Eva")
			}
		}
		w.once()
		w.tripped("20 % conflicts")
		if n := len(w.right.living()); n >= 300 {
			t.Errorf("%d records on the right: nothing was stopped", n)
		}
	})
}

func TestGuardBoundsTheShareOfDuplicates(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Guard = sync.Guard{Duplicates: 0.2}
		w.right.unique = nil
		w.start()
		for i := range 200 {
			mail := fmt.Sprintf("p%d@example.com", i)
			w.left.create("email", mail)
			if i%2 == 0 {
				w.right.create("mail", mail)
				w.right.create("mail", mail)
			}
		}
		w.takeHooks()
		w.look(w.left.living()...)
		w.once()
		w.tripped("20 % duplicates")
	})
}

// A run has bounds of its own, whatever else goes on.
func TestGuardBoundsARun(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(60, "Ana")
		load := sync.Load{Flow: "people", From: sync.Left, Guard: sync.Guard{Creations: 25}}
		p, err := w.engine.Backfill(w.ctx, load)
		if sync.ActionOf(err) != sync.Fatal || !strings.Contains(err.Error(), "backfill.suspended") && !strings.Contains(err.Error(), "backfill.waiting") {
			t.Errorf("progress %+v, %v", p, err)
		}
		if n := len(w.right.living()); n != 25 {
			t.Errorf("%d records were created, want 25", n)
		}
		w.tripped("25 creations in the run")
		if _, err := w.engine.Backfill(w.ctx, load); err == nil {
			t.Error("the run goes on in a suspended flow")
		}
		if err := w.engine.Resume(w.ctx, sync.Switch{Flow: "people"}); err != nil {
			t.Fatal(err)
		}
		load.Guard = sync.Guard{}
		if _, err := w.engine.Backfill(w.ctx, load); err != nil {
			t.Error(err)
		}
		w.settle()
		w.agrees(60)
	})
}

func TestGuardNeedsBoundsThatAreSome(t *testing.T) {
	bubble(t, func(w *world) {
		for _, g := range []sync.Guard{{Creations: -1}, {Conflicts: 2}, {Duplicates: -0.1}} {
			w.cfg.Guard = g
			if _, err := sync.New(w.cfg); err == nil {
				t.Errorf("%+v was accepted", g)
			}
		}
	})
}
