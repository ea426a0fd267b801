package sync_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The process that was told to resume a flow ends before it has caught up.
// Another one does it, whenever it starts.
func TestAResumeThatIsCutOffIsFinished(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		if err := w.engine.Suspend(w.ctx, stopAll); err != nil {
			t.Fatal(err)
		}
		w.left.edit(left, "name", "Anna")
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		ctx, cancel := context.WithCancel(w.ctx)
		w.left.tune(func() {
			w.left.before = func(op string, _ sync.Ref) error {
				if op == "read" {
					cancel()
					return ctx.Err()
				}
				return nil
			}
		})
		if err := w.engine.Resume(ctx, stopAll); err == nil {
			t.Fatal("it was not cut off")
		}
		w.left.tune(func() { w.left.before = nil })
		w.start()
		stop := w.run()
		time.Sleep(time.Minute)
		stop()
		w.holds(w.right, right, "fullname", "Anna")
		w.agrees(1)
	})
}

// A field that was paused goes on while nobody runs.
func TestAFieldThatGoesOnWhileNobodyRuns(t *testing.T) {
	bubble(t, func(w *world) {
		f := wither(w)
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		f.lose("fullname")
		stop := w.run()
		w.left.edit(left, "name", "Anna")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		stop()
		f.mend("fullname")
		w.start()
		stop = w.run()
		time.Sleep(time.Minute)
		stop()
		w.holds(w.right, right, "fullname", "Anna")
		w.agrees(1)
	})
}

// While a process catches up, which may take an hour, it learns of switches that
// others throw.
func TestACatchUpHidesNoSwitch(t *testing.T) {
	bubble(t, func(w *world) {
		f := wither(w)
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		f.lose("fullname")
		stop := w.run()
		defer stop()
		time.Sleep(time.Minute)
		other := w.another()
		begun := make(chan struct{}, 100)
		w.left.tune(func() {
			w.left.before = func(op string, _ sync.Ref) error {
				if op == "read" {
					begun <- struct{}{}
					return &sync.Error{Op: "read", Action: sync.RetryAt, RetryAt: time.Now().Add(3 * time.Minute)}
				}
				return nil
			}
		})
		f.mend("fullname")
		<-begun
		if err := other.Suspend(w.ctx, stopAll); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		w.left.tune(func() { w.left.before = nil })
		w.left.edit(left, "name", "Anna")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		w.holds(w.right, right, "fullname", "Ana")
	})
}
