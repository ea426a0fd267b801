package sync_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A waiting fake makes bulk work wait, as for a quota that is used up.
type waiting struct {
	*fake
	bulk atomic.Int64 // calls that wait
	most atomic.Int64
}

func (s *waiting) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	if sync.PriorityOf(ctx).Bulk() {
		s.most.Store(max(s.most.Load(), s.bulk.Add(1)))
		time.Sleep(time.Minute)
		s.bulk.Add(-1)
	}
	return s.fake.Apply(ctx, writes)
}

func TestBulkWorkLeavesSlotsToUrgentWork(t *testing.T) {
	bubble(t, func(w *world) {
		s := &waiting{fake: w.right}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: w.right, Sink: s}
		w.cfg.Concurrency, w.cfg.Lease = 8, 10*time.Minute
		w.start()
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.people(30, "Bulk")
		for i, ref := range w.left.living() {
			if ref != ana {
				w.enqueue(sync.Change{ID: "bulk" + ref.ID, Ref: ref, Reason: sync.ReasonSweep, Priority: sync.Priority(2 + i%2)})
			}
		}
		stop := w.run()
		time.Sleep(10 * time.Second)
		if n := s.bulk.Load(); n != 6 {
			t.Errorf("%d bulk writes wait, want 6 of 8", n)
		}
		for _, name := range []string{"Ana Gil", "Ana Gil Paz"} {
			w.left.edit(ana, "name", name)
			w.enqueue(w.takeHooks()...)
			time.Sleep(time.Second)
			w.holds(w.right, right, "fullname", name)
		}
		time.Sleep(8 * time.Minute)
		if n := len(w.right.living()); n != 31 || s.most.Load() != 6 {
			t.Errorf("%d records, at most %d bulk writes at once; want 31 and 6", n, s.most.Load())
		}
		stop()
	})
}
