package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

// The person who resumes a flow is served by another process than the one
// whose guard stopped it.
func TestGuardStopsAgainAfterAResumeElsewhere(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Guard = sync.Guard{Creations: 3}
		w.start()
		first := w.engine
		w.newcomers(0, 5)
		w.once()
		w.start()
		if err := w.engine.Resume(w.ctx, sync.Switch{Flow: "people"}); err != nil {
			t.Fatal(err)
		}
		w.engine = first
		w.settle()
		if n := len(w.right.living()); n != 5 {
			t.Errorf("%d records were created after the flow was resumed, want 5", n)
		}
		w.newcomers(5, 9)
		w.once()
		thrown, err := w.engine.Suspended(w.ctx)
		if err != nil || len(thrown) != 1 || w.count(sync.EventTripped) != 2 {
			t.Errorf("suspended %+v, %v, told %d times", thrown, err, w.count(sync.EventTripped))
		}
	})
}

func (w *world) newcomers(from, to int) {
	for i := from; i < to; i++ {
		w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
	}
}

// A numbStore does not store switches for a while.
type numbStore struct {
	sync.Store
	numb bool
}

func (s *numbStore) SetCursor(ctx context.Context, name string, from, to sync.Cursor) error {
	if s.numb && strings.HasPrefix(name, "switches:") {
		return errors.New("not now")
	}
	return s.Store.SetCursor(ctx, name, from, to)
}

// What a guard could not store it stores when it stops the next record.
func TestGuardTriesAgainToStop(t *testing.T) {
	bubble(t, func(w *world) {
		store := &numbStore{Store: w.store, numb: true}
		w.cfg.Store, w.cfg.Guard = store, sync.Guard{Creations: 3}
		w.start()
		w.newcomers(0, 5)
		w.once()
		store.numb = false
		w.newcomers(5, 6)
		w.once()
		if thrown, err := w.engine.Suspended(w.ctx); err != nil || len(thrown) != 1 {
			t.Errorf("suspended %+v, %v", thrown, err)
		}
	})
}
