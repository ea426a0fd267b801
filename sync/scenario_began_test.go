package sync_test

import (
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
