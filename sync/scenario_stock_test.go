package sync_test

import (
	"context"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Two goroutines of a process share what it has listed: one of them gives way
// before it touches that.
func TestInventoryIsTakenOnceInAProcess(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(30, "Ana")
		var gaveWay error
		l.fail = func(page int) error {
			if page == 2 {
				l.mu.Unlock()
				defer l.mu.Lock()
				_, gaveWay = w.engine.Inventory(w.ctx, leftSystem)
			}
			return nil
		}
		if i, err := w.engine.Inventory(w.ctx, leftSystem); err != nil || i.Listed[contact] != 30 {
			t.Errorf("inventory %+v, %v", i, err)
		}
		if sync.ActionOf(gaveWay) != sync.Conflict || l.pages != 3 {
			t.Errorf("the second got %v, %d pages were listed", gaveWay, l.pages)
		}
	})
}

// A slow fake takes its time to read.
type slow struct {
	*listed
	reading func()
}

func (s *slow) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	if s.reading != nil {
		s.reading()
	}
	return s.listed.Read(ctx, kind, ids)
}

// To read what was not listed takes longer than a process that died is waited
// for.
func TestInventoryThatReadsLongIsAlive(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 50)
		s := &slow{listed: l}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: s, Sink: s}
		w.start()
		w.people(300, "Ana")
		w.enqueue(looks(w.left.living())...)
		w.settle()
		l.pages, l.fail = 0, func(page int) error {
			if page == 6 {
				return &sync.Error{Op: "list", Action: sync.Retry}
			}
			return nil
		}
		other := w.engine
		if _, err := other.Inventory(w.ctx, leftSystem); err == nil {
			t.Fatal("the list did not fail")
		}
		w.start()
		reads := 0
		s.reading = func() {
			time.Sleep(4 * time.Minute)
			reads++
			if _, err := other.Inventory(w.ctx, leftSystem); sync.ActionOf(err) != sync.Conflict {
				t.Errorf("read %d: another process got %v", reads, err)
			}
		}
		if i := w.inventory(); i.Listed[contact] != 300 || i.Read != 250 || reads != 3 {
			t.Errorf("inventory %+v after %d reads", i, reads)
		}
	})
}
