package sync_test

import (
	"context"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// An overtaken store has another process move every cursor first.
type overtaken struct{ sync.Store }

func (overtaken) SetCursor(context.Context, string, sync.Cursor, sync.Cursor) error {
	return sync.ErrStale
}

// A process whose sweeps another one always overtakes does not call people.
func TestSweepByAnotherProcessIsASweep(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Store = overtaken{w.store}
		w.start()
		w.once()
		if n := w.count(sync.EventSwept); n != 2 {
			t.Errorf("%d systems were swept, want both", n)
		}
	})
}
