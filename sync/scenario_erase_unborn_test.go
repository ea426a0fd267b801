package sync_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A numbCommit begins writes and cannot tell what became of them.
type numbCommit struct{ sync.Store }

func (numbCommit) Commit(context.Context, time.Time, sync.Commit) (sync.Link, error) {
	return sync.Link{}, errors.New("the process is gone")
}

// Somebody asks to be erased whose record was created a moment ago, before
// anybody noted which one it is. It does not come back.
func TestErasureOfARecordThatIsBeingCreated(t *testing.T) {
	bubble(t, func(w *world) {
		near, far := &erasing{fake: w.left}, &erasing{fake: w.right}
		w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: near, Sink: near}, sync.Peer{Source: far, Sink: far}
		left := w.left.create("email", "ana@example.com", "name", "Ana")
		w.cfg.Store = numbCommit{w.store}
		w.start()
		w.once()
		w.cfg.Store = w.store
		w.start()
		right := w.right.living()[0]
		if _, err := w.engine.Erase(w.ctx, "people", right); sync.ActionOf(err) != sync.RetryAt {
			t.Errorf("an erasure while the record is being created: %v", err)
		}
		time.Sleep(time.Minute)
		if r, err := w.engine.Erase(w.ctx, "people", right); err != nil || r.Left != left || r.Right != right {
			t.Errorf("%+v, %v", r, err)
		}
		w.settle()
		if l, r := w.left.living(), w.right.living(); len(l)+len(r) != 0 {
			t.Errorf("%v and %v are there", l, r)
		}
		w.noDead()
	})
}
