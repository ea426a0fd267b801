package sync_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// What changed before the first sweep is left to a backfill; what changes
// while no process runs, and what has no time, is not.
func TestHistoryByBackfill(t *testing.T) {
	j := &journal{pages: map[sync.Cursor]sync.ChangePage{}}
	bubble(t, func(w *world) {
		old, fresh, timeless := w.right.create("mail", "old@example.com"), w.right.create("mail", "new@example.com"), w.right.create("mail", "none@example.com")
		w.takeHooks()
		changed := func(ref sync.Ref, at time.Time) sync.Change {
			return sync.Change{ID: ref.ID + at.String(), Ref: ref, Reason: sync.ReasonSweep, Priority: sync.Sweep, OccurredAt: at}
		}
		start := time.Now()
		j.put("", sync.ChangePage{Next: "1", Changes: []sync.Change{changed(old, start.Add(-time.Hour)), changed(timeless, time.Time{})}})
		stop := w.run()
		time.Sleep(3 * time.Second)
		stop()
		if n := len(w.left.living()); n != 1 {
			t.Errorf("%d records on the left, want that without a time", n)
		}
		time.Sleep(time.Hour) // nobody runs
		j.put("1", sync.ChangePage{Next: "2", Changes: []sync.Change{changed(fresh, start.Add(30*time.Minute)), changed(old, start.Add(-30*time.Minute))}})
		w.start()
		stop = w.run()
		time.Sleep(3 * time.Second)
		stop()
		if n := len(w.left.living()); n != 2 {
			t.Errorf("%d records on the left, want two: the old one is left to a backfill", n)
		}
	}, journaled(j), func(w *world) { w.cfg.HistoryByBackfill = true })
}

// begun is a journal that can begin at a moment.
type begun struct{ *journal }

func (b begun) Start(t time.Time) sync.Cursor { return sync.Cursor(t.Format(time.RFC3339)) }

// A feed that can begin at a moment is not read from its beginning, also after
// it has lost its place.
func TestHistoryIsNotEvenRead(t *testing.T) {
	j := &journal{pages: map[sync.Cursor]sync.ChangePage{}}
	bubble(t, func(w *world) {
		peer := w.cfg.Peers[rightSystem]
		peer.Feeds = []sync.Pull{{Name: "journal", Feed: begun{j}, Every: time.Second}}
		w.cfg.Peers[rightSystem] = peer
		w.cfg.HistoryByBackfill = true
		w.start()
		first := begun{j}.Start(time.Now().Add(-time.Minute).UTC())
		stop := w.run()
		time.Sleep(1500 * time.Millisecond)
		stop()
		if len(j.asked) < 2 || j.asked[0] != first {
			t.Errorf("asked from %q, want from %q", j.asked, first)
		}
	})
}

// The history is left to a backfill from one day on. What was edited while no
// process ran, before that day, is not history to a deployment that swept
// before; whether it noted when or an older version did not.
func TestHistoryByBackfillMayComeLater(t *testing.T) {
	for _, c := range []struct {
		name   string
		before func(w *world)
		want   int
	}{
		{"it swept before", func(w *world) { w.once() }, 1},
		{"so did another version", func(w *world) { _ = w.store.SetCursor(w.ctx, "feed:beta:journal", "", "1") }, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := &journal{pages: map[sync.Cursor]sync.ChangePage{"": {Next: "1"}}}
			bubble(t, func(w *world) {
				start := time.Now()
				c.before(w)
				time.Sleep(time.Hour) // nobody runs
				edited, old := w.right.create("mail", "ana@example.com"), w.right.create("mail", "old@example.com")
				w.takeHooks()
				change := func(ref sync.Ref, at time.Time) sync.Change {
					return sync.Change{ID: ref.ID, Ref: ref, Reason: sync.ReasonSweep, Priority: sync.Sweep, OccurredAt: at}
				}
				j.put("1", sync.ChangePage{Next: "2", Changes: []sync.Change{change(edited, time.Now()), change(old, start.Add(-time.Hour))}})
				time.Sleep(time.Hour)
				w.cfg.HistoryByBackfill = true
				w.start()
				w.once()
				if n := len(w.left.living()); n != c.want {
					t.Errorf("%d records on the left, want %d: what is older than the first sweep, if anybody knows when that was, is history", n, c.want)
				}
			}, journaled(j))
		})
	}
}

// A counting store counts how often the moment is asked for.
type counting struct {
	sync.Store
	asked atomic.Int32
}

func (s *counting) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	if name == "began" {
		s.asked.Add(1)
	}
	return s.Store.Cursor(ctx, name)
}

func TestTheBeginningIsAskedForOnce(t *testing.T) {
	j := &journal{pages: map[sync.Cursor]sync.ChangePage{"": {Next: "1", More: true}, "1": {Next: "2", More: true}, "2": {Next: "3", More: true}}}
	bubble(t, func(w *world) {
		w.once() // the moment is known
		store := &counting{Store: w.store}
		w.cfg.Store = store
		w.start()
		j.put("3", sync.ChangePage{Next: "4", More: true})
		w.once()
		if n := store.asked.Load(); n != 1 || len(j.asked) < 5 {
			t.Errorf("asked %d times for %d pages of three feeds", n, len(j.asked))
		}
	}, journaled(j), func(w *world) { w.cfg.HistoryByBackfill = true })
}
