package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// An undo writes nothing when its intent has expired: by then the pair may be
// another worker's.
func TestUndoWritesNothingUnderAnExpiredIntent(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Eva")
		w.settle()
		w.right.delay = 90 * time.Second // a lease is a minute
		_, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Ref: left, Field: "name", Since: time.Now().Add(-time.Second)})
		w.holds(w.right, right, "fullname", "Eva")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the write ended with %v", err)
		}
		w.right.delay = 0
		time.Sleep(10 * time.Minute)
		w.look(left)
		w.settle()
		w.agrees(1)
		w.noDead()
	})
}
