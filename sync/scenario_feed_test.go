package sync_test

import (
	"context"
	"errors"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A journal is a feed whose pages a test writes. It is an error to be asked
// for a place that it never gave.
type journal struct {
	mu    stdsync.Mutex
	pages map[sync.Cursor]sync.ChangePage
	asked []sync.Cursor
}

func (j *journal) put(at sync.Cursor, page sync.ChangePage) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pages[at] = page
}

func (j *journal) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.asked = append(j.asked, since)
	if sync.PriorityOf(ctx) != sync.Sweep {
		return sync.ChangePage{}, errors.New("a feed is asked with the priority of a sweep")
	}
	page, ok := j.pages[since]
	if !ok {
		return sync.ChangePage{Next: since}, nil
	}
	return page, nil
}

func journaled(j *journal) func(*world) {
	return func(w *world) {
		peer := w.cfg.Peers[rightSystem]
		peer.Feeds = []sync.Pull{{Name: "journal", Feed: j, Every: time.Second}}
		w.cfg.Peers[rightSystem] = peer
	}
}

func TestFeedIsPulledAtItsOwnIntervalAndPlace(t *testing.T) {
	j := &journal{pages: map[sync.Cursor]sync.ChangePage{}}
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.edit(right, "fullname", "Ana Gil")
		w.takeHooks()
		stop := w.run()
		time.Sleep(time.Second / 2)
		j.put("", sync.ChangePage{Next: "1", More: true})
		j.put("1", sync.ChangePage{Next: "2", Changes: []sync.Change{{ID: "j1", Ref: right, Reason: "journal", Priority: sync.Live}}})
		time.Sleep(3 * time.Second)
		stop()
		w.holds(w.left, left, "name", "Ana Gil")
		if c, err := w.store.Cursor(w.ctx, "feed:beta:journal"); c != "2" || err != nil {
			t.Errorf("the feed's place is %q, %v; want 2", c, err)
		}
	}, journaled(j))
}

func TestGapInAFeedSweepsTheWholeSystem(t *testing.T) {
	j := &journal{pages: map[sync.Cursor]sync.ChangePage{}}
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.feed = true
		w.once()
		w.right.corrupt(right, "fullname", "Ana Gil") // known to no webhook and no later sweep
		w.once()
		w.holds(w.left, left, "name", "Ana")
		j.put("", sync.ChangePage{Next: "9", Gap: true})
		time.Sleep(8 * 24 * time.Hour) // the queue forgets what it has seen
		w.once()
		w.once()
		w.settle()
		w.holds(w.left, left, "name", "Ana Gil")
		if w.count(sync.EventGap) != 1 {
			t.Errorf("%d gaps were told, want 1", w.count(sync.EventGap))
		}
	}, journaled(j))
}

func TestFeedNeedsANameAndAFeed(t *testing.T) {
	for _, feeds := range [][]sync.Pull{{{Name: "a"}}, {{Feed: &journal{}}}, {{Name: "a", Feed: &journal{}}, {Name: "a", Feed: &journal{}}}} {
		bubble(t, func(w *world) {
			peer := w.cfg.Peers[rightSystem]
			peer.Feeds = feeds
			w.cfg.Peers[rightSystem] = peer
			if _, err := sync.New(w.cfg); err == nil {
				t.Errorf("feeds %+v were accepted", feeds)
			}
		})
	}
}
