package sync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// C4. Exactly one activity for each fact, over 100,000 facts of which a fifth
// of the calls take effect without an answer and some fail before, and through
// an outage of three hours, on each rung.
func TestExactlyOneActivityForEachOfManyFacts(t *testing.T) {
	const contacts = 500
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		rng := rand.New(rand.NewPCG(1, 2))
		timeout := &sync.Error{Op: "note", Action: sync.Retry, Err: errors.New("timeout")}
		down := false
		n.before = func(int) error { return sometimes(timeout, down || rng.IntN(20) == 0) }
		n.after = func(int) error { return sometimes(timeout, rng.IntN(5) == 0) }
		n.fake.before = func(string, sync.Ref) error { return sometimes(timeout, down) }
		lefts := make([]sync.Ref, contacts)
		for i := range lefts {
			lefts[i] = w.left.create("name", fmt.Sprint("Ana ", i))
		}
		w.rest()
		told := 0
		tell := func(until int) {
			var items []sync.Item
			for ; told < until; told++ {
				items = append(items, fact(fmt.Sprint("f", told), lefts[told%contacts]))
			}
			w.accept(items...)
			w.accept(items[:len(items)/10]...) // some are told twice
		}
		for i := range 4 {
			tell(manyFacts * (i + 1) / 10)
			w.rest()
		}
		unknown := w.findOut(n)

		made := len(n.notes)
		down = true
		tell(manyFacts / 2)
		for range 3 * 60 {
			w.once()
			time.Sleep(time.Minute)
		}
		if len(n.notes) != made {
			w.Fatalf("%d notes were made while the system was down", len(n.notes)-made)
		}
		down = false
		w.replayAll()
		for i := 5; i < 10; i++ {
			tell(manyFacts * (i + 1) / 10)
			w.rest()
		}
		for {
			found := w.findOut(n)
			if unknown += found; found+w.replayAll() == 0 {
				break
			}
			w.rest()
		}
		w.noDead()
		for i := range manyFacts {
			if got := len(n.places[sync.FactKey(fact(fmt.Sprint("f", i), lefts[0]))]); got != 1 {
				w.Fatalf("fact %d became %d notes", i, got)
			}
		}
		if len(n.notes) != manyFacts || n.writes < manyFacts*21/20 {
			t.Errorf("%d notes after %d writes for %d facts", len(n.notes), n.writes, manyFacts)
		}
		t.Logf("%d facts: %d calls, %d found out by a person", manyFacts, n.writes, unknown)
		if want := n.rung == byPerson; want != (unknown > 0) {
			t.Errorf("%d were found out by a person", unknown)
		}
	})
}

func sometimes(err error, fails bool) error {
	if fails {
		return err
	}
	return nil
}

// replayAll brings all dead letters back and returns how many.
func (w *world) replayAll() int {
	w.Helper()
	n, err := w.engine.ReplayDead(w.ctx, sync.DeadFilter{})
	if err != nil {
		w.Fatal(err)
	}
	return n
}

// rest works until nothing is left to do, in steps of half a minute.
func (w *world) rest() {
	w.Helper()
	for range 10_000 {
		w.once()
		s := w.stats()
		w.mu.Lock()
		waiting := len(w.hooks) + s.Waiting + s.Leased
		w.mu.Unlock()
		if waiting == 0 {
			return
		}
		time.Sleep(max(time.Until(s.NextAt), 30*time.Second))
	}
	w.Fatal("the world does not settle")
}
