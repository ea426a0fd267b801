package sync_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Records that were merged are one person's, whether the engine has noticed
// the merge or not, and whichever of them the erasure names.
func TestErasingMergedRecordsErasesThemAll(t *testing.T) {
	for _, noticed := range []bool{false, true} {
		for name := range 4 {
			t.Run(fmt.Sprintf("%d noticed %t", name, noticed), func(t *testing.T) { eraseMerged(t, name, noticed) })
		}
	}
}

func eraseMerged(t *testing.T, name int, noticed bool) {
	bubble(t, func(w *world) {
		beta, alpha := &erasing{fake: w.right}, &erasing{fake: w.left}
		w.cfg.Peers[rightSystem], w.cfg.Peers[leftSystem] = sync.Peer{Source: beta, Sink: beta}, sync.Peer{Source: alpha, Sink: alpha}
		w.start()
		first, firstRight := w.pair("email", "quetzal@example.com", "name", "Quetzal")
		second, secondRight := w.pair("email", "quetzalito@example.com", "name", "Quetzalito")
		w.pair("email", "other@example.com", "name", "Other")
		now := w.right.merge(firstRight, secondRight)
		hooks := w.takeHooks()
		if noticed {
			w.enqueue(hooks...)
			w.settle()
		}
		receipt, err := w.engine.Erase(w.ctx, "people", []sync.Ref{first, second, now, secondRight}[name])
		if err != nil {
			t.Fatal(err)
		}
		w.enqueue(hooks...) // late
		w.look(first, second, firstRight, secondRight, now)
		time.Sleep(time.Minute)
		w.settle()
		if l, r := w.left.living(), w.right.living(); len(l) != 1 || len(r) != 1 {
			t.Errorf("left are %v and %v; receipt %+v", l, r, receipt)
		}
		if left := w.dump(); strings.Contains(left, "uetzal") {
			t.Errorf("a trace is left: %s", left)
		}
		if len(receipt.Merged) == 0 || len(w.entries(sync.EntryErased)) != 2 {
			t.Errorf("receipt %+v, %d entries", receipt, len(w.entries(sync.EntryErased)))
		}
		again, err := w.engine.Erase(w.ctx, "people", first)
		if err != nil || again.ID == receipt.ID {
			t.Errorf("again: %+v, %v", again, err)
		}
		w.agrees(1)
	})
}

// Another process makes a pair of a person's record after the person was looked
// for. It is erased, too.
func TestErasureOfAPairThatIsMadeMeanwhile(t *testing.T) {
	bubble(t, func(w *world) {
		beta, alpha := &erasing{fake: w.right}, &erasing{fake: w.left}
		w.cfg.Peers[rightSystem], w.cfg.Peers[leftSystem] = sync.Peer{Source: beta, Sink: beta}, sync.Peer{Source: alpha, Sink: alpha}
		w.start()
		left, right := w.pair("email", "quetzal@example.com", "name", "Quetzal")
		now := w.right.merge(right, w.right.create("mail", "quetzalito@example.com", "fullname", "Quetzalito"))
		w.takeHooks()
		made := false
		w.over(&tapped{Store: w.store, commit: func(l sync.Link) error {
			if made || l.State != sync.Erased {
				return nil
			}
			made = true
			_, err := w.store.Commit(w.ctx, time.Now(), sync.Commit{Link: sync.Link{ID: "late", Flow: "people", State: sync.Active, Right: now}})
			return err
		}})
		if _, err := w.engine.Erase(w.ctx, "people", left); err != nil || !made {
			t.Fatalf("%v, a pair was made: %t", err, made)
		}
		if l := w.link(now); l.State != sync.Erased {
			t.Errorf("the pair made meanwhile is %s", l.State)
		}
	})
}
