package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// die makes dead letters, one an hour.
func (w *world) die(n int) {
	w.Helper()
	w.right.before = func(string, sync.Ref) error {
		return &sync.Error{Op: "write", Action: sync.Invalid, Rule: "schema", Err: errors.New("the property is missing")}
	}
	for i := range n {
		w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		w.once()
		time.Sleep(time.Hour)
	}
	w.right.before = nil
}

func TestOldDeadLettersAreDiscarded(t *testing.T) {
	bubble(t, func(w *world) {
		w.die(5)
		before := len(w.dead())
		n, err := w.engine.DiscardDead(w.ctx, time.Now().Add(-2*time.Hour-30*time.Minute))
		if err != nil || n != 3 || before != 5 || len(w.dead()) != 2 {
			t.Fatalf("%d of %d discarded, %d left, %v", n, before, len(w.dead()), err)
		}
		audit := w.audit()
		if last := audit[len(audit)-1]; last.Kind != sync.EntryNoted || !strings.HasPrefix(last.Note, "retention: 3 dead letters") {
			t.Errorf("the audit tells %+v", last)
		}
		if n, err := w.engine.DiscardDead(w.ctx, time.Now().Add(-24*time.Hour)); n != 0 || err != nil || len(w.audit()) != len(audit) {
			t.Errorf("nothing is old, yet %d were discarded, %v, %d entries", n, err, len(w.audit())-len(audit))
		}
	})
}

// Whatever keeps the discarding from being noted keeps it from being done.
func TestDiscardingIsNotedFirst(t *testing.T) {
	bubble(t, func(w *world) {
		w.die(1)
		w.cfg.Store = silentStore{w.store}
		w.start()
		if n, err := w.engine.DiscardDead(w.ctx, time.Now()); err == nil || n != 0 || len(w.dead()) != 1 {
			t.Errorf("%d discarded, %v", n, err)
		}
	})
}

// A silentStore takes no entries.
type silentStore struct{ sync.Store }

func (silentStore) Append(context.Context, ...sync.Entry) error {
	return errors.New("the disk is full")
}

// Run keeps the retention by itself.
func TestRunKeepsTheRetention(t *testing.T) {
	bubble(t, func(w *world) {
		w.die(3)
		w.cfg.DeadRetention, w.cfg.PollInterval, w.cfg.SweepInterval = 48*time.Hour, time.Hour, -1
		w.start()
		defer w.run()()
		time.Sleep(44 * time.Hour)
		if n := len(w.dead()); n != 3 {
			t.Errorf("%d letters after 44 hours, want 3", n)
		}
		time.Sleep(6 * time.Hour)
		if n := len(w.dead()); n != 0 {
			t.Errorf("%d letters after 50 hours", n)
		}
	})
}
