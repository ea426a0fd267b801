package sync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// fact makes a fact about a record.
func fact(id string, subject sync.Ref) sync.Fact {
	return sync.Fact{ID: id, Type: "tour.scheduled", Subject: subject, Data: map[string]any{"at": "noon"}}
}

func (w *world) accept(items ...sync.Item) {
	w.Helper()
	if err := w.engine.Enqueue(w.ctx, items...); err != nil {
		w.Fatal(err)
	}
}

func TestFactIsRecordedOnceAndItsSubjectIsLookedAt(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("name", "Ana")
		w.takeHooks() // only the fact tells of the record
		down(w.right, 3*time.Second)
		w.accept(fact("f1", left), fact("f1", left), fact("f2", left))
		w.settle()
		w.accept(fact("f1", left)) // delivered again
		w.look(left)
		w.settle()
		facts := w.entries(sync.EntryFact)
		if len(facts) != 2 {
			t.Fatalf("%d facts in the audit, want 2", len(facts))
		}
		for _, e := range facts {
			if e.Left != left || e.Note != "tour.scheduled" || len(e.Causes) != 1 {
				t.Errorf("entry %+v does not tell whose fact it is", e)
			}
		}
		w.holds(w.right, w.link(left).Right, "fullname", "Ana")
		w.agrees(1)
		w.noDead()
	})
}

// The queue forgets in time, and a lane may be done again after it was done.
func TestFactIsRecordedOnceWhenItsLaneIsWorkedOnTwice(t *testing.T) {
	bubble(t, func(w *world) {
		left, _ := w.pair("name", "Ana")
		m := &mortal{Store: w.store, Queue: w.queue, dieAt: 1}
		w.cfg.Queue = m
		w.start()
		w.accept(fact("f1", left))
		w.once() // dies before it can say that either lane is done: the fact's and that of the look at its subject
		w.cfg.Queue = w.queue
		w.start()
		time.Sleep(2 * time.Minute)
		taken := w.count(sync.EventTaken)
		w.settle()
		if got := w.count(sync.EventTaken) - taken; got != 2 {
			t.Fatalf("the lanes were taken again %d times, want 2", got)
		}
		if got := len(w.entries(sync.EntryFact)); got != 1 {
			t.Errorf("%d facts in the audit, want 1", got)
		}
	})
}

func TestIncompleteItemsAreRefusedAndNothingIsStored(t *testing.T) {
	good := sync.Change{ID: "1", Ref: sync.Ref{System: leftSystem, Kind: contact, ID: "L1"}}
	for _, c := range []struct {
		name string
		item sync.Item
		rule string
	}{
		{"change without ID", sync.Change{Ref: good.Ref}, "change.complete"},
		{"change without record", sync.Change{ID: "1"}, "change.complete"},
		{"change without system", sync.Change{ID: "1", Ref: sync.Ref{Kind: contact, ID: "L1"}}, "change.complete"},
		{"change without kind", sync.Change{ID: "1", Ref: sync.Ref{System: leftSystem, ID: "L1"}}, "change.complete"},
		{"fact without ID", sync.Fact{Type: "t", Subject: good.Ref}, "fact.complete"},
		{"fact without type", sync.Fact{ID: "1", Subject: good.Ref}, "fact.complete"},
		{"fact without subject", sync.Fact{ID: "1", Type: "t"}, "fact.complete"},
		{"fact that is no JSON", sync.Fact{ID: "1", Type: "t", Subject: good.Ref, Data: map[string]any{"f": func() {}}}, "item.json"},
		{"nothing", nil, "item.present"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				err := w.engine.Enqueue(w.ctx, good, c.item)
				var e *sync.Error
				if !errors.As(err, &e) || e.Action != sync.Invalid || e.Rule != c.rule || e.Hint == "" {
					t.Errorf("got %v, want an invalid item by rule %s with a hint", err, c.rule)
				}
				if s := w.stats(); s.Waiting != 0 {
					t.Errorf("%d messages were stored", s.Waiting)
				}
				if got := w.count(sync.EventEnqueued); got != 0 {
					t.Errorf("%d items reported as enqueued", got)
				}
			})
		})
	}
}

func TestEnqueueReturnsTheQueuesError(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Queue = broken{}
		w.start()
		ref := w.left.create("name", "Ana")
		if err := w.engine.Enqueue(w.ctx, sync.Change{ID: "1", Ref: ref}); !errors.Is(err, errDead) {
			t.Errorf("got %v, want the queue's error", err)
		}
		if err := w.engine.Enqueue(w.ctx); err != nil {
			t.Errorf("enqueuing nothing: %v", err)
		}
	})
}
