package sync_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
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

// A merging fake has somebody merge records just before one of them is erased.
// Who reads one in between hears of it only after the erasure, and of no other
// former id than the one asked for.
type merging struct {
	*erasing
	merge func()
	slow  atomic.Bool
}

func (m *merging) Erase(ctx context.Context, kind sync.Kind, ids []string) ([]error, error) {
	m.slow.Store(true)
	m.merge()
	time.Sleep(time.Second) // others look meanwhile
	m.slow.Store(false)
	return m.erasing.Erase(ctx, kind, ids)
}

func (m *merging) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := m.erasing.Read(ctx, kind, ids)
	for i := range recs {
		if recs[i].Aliases = nil; recs[i].ID != ids[i] {
			recs[i].Aliases = ids[i : i+1]
		}
	}
	if m.slow.Load() {
		time.Sleep(10 * time.Second)
	}
	return recs, err
}

// A record is merged with that of a person who is just being erased. A look that
// read them before they were gone brings nothing of the person to the other side,
// whichever record it is at.
func TestMergeDuringAnErasureBringsNothingBack(t *testing.T) {
	for at, what := range []string{"another pair's", "its counterpart", "one without a pair", "the survivor"} {
		t.Run(what, func(t *testing.T) { mergeWhileErasing(t, at) })
	}
}

func mergeWhileErasing(t *testing.T, at int) {
	bubble(t, func(w *world) {
		person, _ := w.pair("email", "quetzal@example.com", "name", "Quetzal")
		other, counterpart := w.left.create("email", "other@example.com", "name", "Other"), sync.Ref{}
		if at != 2 {
			w.settle()
			counterpart = w.link(other).Right
			w.right.edit(counterpart, "phone", "+57 300 000 0002")
		}
		w.takeHooks()
		looked := make(chan struct{})
		alpha := &merging{erasing: &erasing{fake: w.left}, merge: func() {
			now := w.left.merge(person, other)
			w.takeHooks() // all others are lost
			w.look([]sync.Ref{other, counterpart, other, now}[at])
			go func() {
				defer close(looked)
				if err := w.engine.RunOnce(w.ctx); err != nil {
					w.Error(err)
				}
			}()
		}}
		beta := &erasing{fake: w.right}
		w.cfg.Peers[rightSystem], w.cfg.Peers[leftSystem] = sync.Peer{Source: beta, Sink: beta}, sync.Peer{Source: alpha, Sink: alpha}
		w.start()
		if _, err := w.engine.Erase(w.ctx, "people", person); err != nil {
			t.Fatal(err)
		}
		<-looked
		w.settle()
		if dump := w.dump(); strings.Contains(dump, "uetzal") {
			t.Errorf("a trace is left: %s", dump)
		}
		for _, ref := range w.right.living() {
			if name := w.right.get(ref, "fullname"); name != "Other" {
				t.Errorf("%s is %s", ref, name)
			}
		}
		w.noDead()
	})
}
