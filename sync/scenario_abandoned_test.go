package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A shut queue takes nothing.
type shut struct{ sync.Queue }

func (shut) Push(context.Context, time.Time, ...sync.Message) error { return errors.New("no queue") }

// abandon has an undo die between its intent and the look that follows.
func (w *world) abandon(field string, since time.Time) {
	w.Helper()
	store, q := w.cfg.Store, w.cfg.Queue
	w.cfg.Store, w.cfg.Queue = unanswered{store}, shut{q}
	w.start()
	if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: w.flow.Name, Field: field, Since: since}); err == nil {
		w.Fatal("the undo has not failed")
	}
	w.cfg.Store, w.cfg.Queue = store, q
	w.start()
	if len(w.open()) != 1 {
		w.Fatal("no intent is open")
	}
}

// open lists the pairs with an intent that will have expired in an hour.
func (w *world) open() []sync.Link {
	w.Helper()
	links, err := w.store.Open(w.ctx, time.Now().Add(time.Hour), 10)
	if err != nil {
		w.Fatal(err)
	}
	return links
}

// A process dies in an undo, and nothing hints at the pair any more. Whatever
// becomes of the pair's records, the intent is closed (found by simtest, seeds
// 3006, 4521 and 4661).
func TestIntentsThatNobodyClosesAreClosed(t *testing.T) {
	const left, right = "name", "phone" // the field that was written to the other side
	for _, c := range []struct {
		name, field   string
		before, after func(w *world, left, right sync.Ref) // the undo
	}{
		{name: "both records are there", field: left},
		{name: "the other is merged away unseen", field: right, before: func(w *world, _, right sync.Ref) {
			other, told := w.other(), len(w.right.log)
			w.right.merge(other, right)
			w.takeHooks()
			w.right.log = w.right.log[:told]
		}},
		{name: "the pair gave way to another in a merge", field: right, before: func(w *world, _, right sync.Ref) {
			w.right.merge(w.other(), right)
			w.settle()
		}},
		{name: "one is gone", field: left, before: func(w *world, left, _ sync.Ref) {
			w.left.remove(left, true)
			w.settle()
		}},
		{name: "both are gone", field: left, before: func(w *world, left, _ sync.Ref) {
			w.left.remove(left, true)
			w.settle()
		}, after: func(w *world, _, right sync.Ref) { w.right.remove(right, true) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.pair("email", "ana@example.com", "name", "Ana")
				since := time.Now()
				w.left.edit(left, "name", "Wrong")
				w.right.edit(right, "phone", "+573000000007")
				w.settle()
				if c.before != nil {
					c.before(w, left, right)
				}
				w.abandon(c.field, since)
				if c.after != nil {
					c.after(w, left, right)
				}
				w.settle()
				time.Sleep(time.Hour)
				w.settle()
				if links := w.open(); len(links) != 0 {
					t.Errorf("%d intents are still open: %+v", len(links), links)
				}
				w.noDead()
			})
		})
	}
}

// other makes another pair and returns its right record.
func (w *world) other() sync.Ref {
	w.Helper()
	_, right := w.pair("email", "bob@example.com", "name", "Bob")
	return right
}
