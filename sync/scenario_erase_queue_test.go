package sync_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// withErasers gives both systems the ability to erase.
func withErasers(w *world) {
	for _, f := range []*fake{w.left, w.right} {
		e := &erasing{fake: f}
		w.cfg.Peers[f.system] = sync.Peer{Source: e, Sink: e}
	}
}

// Somebody whose record was refused from the first has no pair, but dead letters.
func TestEraseOfSomebodyWhoWasNeverLinked(t *testing.T) {
	for _, gone := range []bool{false, true} {
		bubble(t, func(w *world) {
			left := w.left.create("email", "quetzal@example.com", "msisdn", "call Quetzal")
			told := fact("told", left)
			told.Data = map[string]any{"text": "from Quetzal"}
			w.settle()
			bury(w, told)
			if len(w.dead()) != 2 || !strings.Contains(w.dump(), "uetzal") {
				t.Fatalf("dead letters %+v", w.dead())
			}
			if gone {
				w.left.remove(left, true)
				w.takeHooks()
			}
			receipt, err := w.engine.Erase(w.ctx, "people", left)
			if err != nil || receipt.Left != left || receipt.DeadLetters != 2 || !receipt.Erased[sync.Left] || !receipt.Right.Zero() {
				t.Errorf("receipt %+v, %v", receipt, err)
			}
			w.look(left)
			w.accept(told)
			w.settle()
			if dump := w.dump(); strings.Contains(dump, "uetzal") || len(w.left.living())+len(w.right.living()) != 0 {
				t.Errorf("a trace is left: %s", dump)
			}
			w.noDead()
		}, withErasers)
	}
}

// bury puts a fact among the dead letters.
func bury(w *world, f sync.Fact) {
	w.Helper()
	w.accept(f)
	lanes, err := w.queue.Take(w.ctx, time.Now(), 10, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
	for _, l := range lanes {
		end := w.queue.Done
		if strings.HasPrefix(l.Key, "facts:") {
			end = func(ctx context.Context, now time.Time, l sync.Lane) error {
				return w.queue.Bury(ctx, now, l, sync.Failure{At: now, Action: "invalid", Error: "refused"})
			}
		}
		if err := end(w.ctx, time.Now(), l); err != nil {
			w.Fatal(err)
		}
	}
}

// A fact sleeps in the queue while its subject is erased. The receipt tells from
// when the oldest message is that waits; the fact is dropped at its turn.
func TestEraseTellsWhetherFactsMayWait(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "quetzal@example.com", "name", "Quetzal")
		told := fact("told", left)
		told.Data = map[string]any{"text": "from Quetzal"}
		began := time.Now()
		w.accept(told)
		receipt, err := w.engine.Erase(w.ctx, "people", right)
		if err != nil || !receipt.QueuedSince.Equal(began) {
			t.Fatalf("receipt %+v, %v", receipt, err)
		}
		if !strings.Contains(w.dump(), "uetzal") {
			t.Error("nothing waits")
		}
		w.settle()
		if dump := w.dump(); strings.Contains(dump, "uetzal") {
			t.Errorf("a trace is left: %s", dump)
		}
		other, _ := w.pair("email", "other@example.com")
		if receipt, err := w.engine.Erase(w.ctx, "people", other); err != nil || !receipt.QueuedSince.IsZero() {
			t.Errorf("receipt %+v, %v", receipt, err)
		}
	}, withErasers)
}

// An undead queue does not list its dead letters.
type undead struct {
	sync.Queue
	down bool
}

func (f *undead) Dead(ctx context.Context, filter sync.DeadFilter) ([]sync.DeadLetter, error) {
	if f.down {
		return nil, errors.New("the queue is down")
	}
	return f.Queue.Dead(ctx, filter)
}

// An erasure that failed in the middle finds what was merged with the person
// again, though nobody has noticed the merge.
func TestEraseAgainFindsWhatWasMerged(t *testing.T) {
	bubble(t, func(w *world) {
		q := &undead{Queue: w.queue}
		w.cfg.Queue = q
		w.start()
		first, firstRight := w.pair("email", "quetzal@example.com", "name", "Quetzal")
		second, secondRight := w.pair("email", "quetzalito@example.com", "name", "Quetzalito")
		told := fact("told", second)
		told.Data = map[string]any{"text": "from Quetzalito"}
		bury(w, told)
		w.right.merge(firstRight, secondRight)
		w.takeHooks()
		q.down = true
		if _, err := w.engine.Erase(w.ctx, "people", first); err == nil {
			t.Fatal("the queue is down, yet all was erased")
		}
		q.down = false
		receipt, err := w.engine.Erase(w.ctx, "people", first)
		if err != nil || receipt.DeadLetters != 1 || len(w.entries(sync.EntryErased)) != 2 {
			t.Errorf("receipt %+v, %v; %d entries", receipt, err, len(w.entries(sync.EntryErased)))
		}
		if dump := w.dump(); strings.Contains(dump, "uetzal") || len(w.left.living())+len(w.right.living()) != 0 {
			t.Errorf("a trace is left: %s", dump)
		}
		w.noDead()
	}, withErasers)
}
