package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// The decisions that created a record were noted before it had an id; they are
// found all the same.
func TestUndoOfWhatCreatedTheLeftRecord(t *testing.T) {
	bubble(t, func(w *world) {
		right := w.right.create("mail", "ana@example.com", "fullname", "Ana")
		w.settle()
		left := w.link(right).Left
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name"})
		if err != nil || len(list) != 1 || list[0].Ref != left {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.holds(w.left, left, "name", "")
	})
}

// The pair of one decision is no more: that keeps no other from being undone.
func TestUndoGoesOnAfterAMerge(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		second, _ := w.pair("email", "ana2@example.com", "name", "Ana again")
		eva, right := w.pair("email", "eva@example.com", "name", "Eva")
		since := time.Now()
		for _, ref := range []sync.Ref{ana, second, eva} {
			w.left.edit(ref, "name", "Wrong")
		}
		w.settle()
		until := time.Now().Add(time.Second)
		time.Sleep(time.Minute)
		w.left.merge(ana, second)
		w.settle()
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since, Until: until}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		w.holds(w.left, eva, "name", "Eva")
	})
}

// A store that dies before it can store what was undone.
type dyingStore struct {
	sync.Store
	dead bool
}

func (s *dyingStore) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if s.dead {
		return sync.Link{}, errors.New("the process died")
	}
	return s.Store.Commit(ctx, now, c)
}

// The process dies when the old value is written and nothing is stored yet.
func TestUndoSurvivesACrash(t *testing.T) {
	bubble(t, func(w *world) {
		store := &dyingStore{Store: w.store}
		w.cfg.Store = store
		w.start()
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		since := time.Now()
		w.left.edit(left, "name", "Wrong")
		w.settle()
		store.dead = true
		if _, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since}); err == nil {
			t.Fatal("the store did not fail")
		}
		store.dead = false
		w.start()
		time.Sleep(time.Hour) // the intent expires
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		w.holds(w.left, left, "name", "Ana")
	})
}

// One pair is being written to: the others are undone all the same.
func TestUndoLeavesAPairThatIsBeingWrittenTo(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		eva, right := w.pair("email", "eva@example.com", "name", "Eva")
		since := time.Now()
		w.left.edit(ana, "name", "Wrong")
		w.left.edit(eva, "name", "Wrong")
		w.settle()
		open := sync.Intent{ID: "theirs", Expires: time.Now().Add(time.Minute)}
		if _, err := w.store.Begin(w.ctx, time.Now(), w.link(ana), open); err != nil {
			t.Fatal(err)
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Field: "name", Since: since})
		if err != nil || len(list) != 2 || list[0].Kept == "" || list[1].Kept != "" {
			t.Fatalf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		w.holds(w.left, ana, "name", "Wrong")
	})
}
