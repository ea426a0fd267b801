package sync_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// Both ends of every pair are worked on at once, by two engines over one
// store and one queue, while the systems answer slowly and unevenly.
func TestBothEndsOfAPairAtOnce(t *testing.T) {
	const pairs = 20
	bubble(t, func(w *world) {
		w.left.jitter, w.right.jitter = 40*time.Millisecond, 40*time.Millisecond
		stop1 := w.run()
		w.start() // another engine
		stop2 := w.run()
		for i := range pairs {
			go w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", fmt.Sprint("n", i))
			go w.right.create("mail", fmt.Sprintf("p%d@example.com", i), "phone", fmt.Sprint("+", i+1))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		w.frugal("first contact")
		for round := range 5 {
			for _, left := range w.left.living() {
				go w.left.edit(left, "name", fmt.Sprint("round ", round))
				go w.right.edit(w.link(left).Right, "phone", fmt.Sprint("+573", round))
			}
			time.Sleep(time.Minute)
			synctest.Wait()
			w.frugal(fmt.Sprint("round ", round))
		}
		stop1()
		stop2()
		if l, r := len(w.left.living()), len(w.right.living()); l != pairs || r != pairs {
			t.Errorf("%d left and %d right records, want %d each", l, r, pairs)
		}
		w.agrees(pairs)
		w.noDead()
	}, hooked)
}

// The conflict of two creates: one person without a common key at first.
func TestPairsNeverShareAnEnd(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.unique, w.right.unique = nil, nil
		stop := w.run()
		for range 10 { // ten records that all look the same
			go w.left.create("email", "ana@example.com")
		}
		time.Sleep(time.Minute)
		stop()
		links, err := w.store.Links(w.ctx, w.flow.Name, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[sync.Ref]bool{}
		for _, l := range links {
			for _, s := range []sync.Side{sync.Left, sync.Right} {
				if end := l.End(s); !end.Zero() && seen[end] {
					t.Errorf("%s is the end of two links", end)
				}
				seen[l.End(s)] = true
			}
		}
		if active, dead := len(links), len(w.dead()); active == 0 || active+dead < 10 {
			t.Errorf("%d links and %d dead letters for 10 records: some are forgotten", active, dead)
		}
	}, hooked)
}

// A lane that finds its pair busy waits and uses up no attempt.
func TestBusyPairIsWaitedFor(t *testing.T) {
	bubble(t, func(w *world) {
		q := &lanes{Queue: memqueue.New(nil)}
		w.cfg.Queue, w.queue = q, q
		w.start()
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		stop := w.run()
		w.right.tune(func() { w.right.delay = 10 * time.Second })
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(15 * time.Second) // now the write is under way
		w.right.tune(func() { w.right.delay = 0 })
		w.right.edit(right, "phone", "+57 300 000 0007")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		stop()
		busy := 0
		for _, f := range q.failures {
			if strings.Contains(f.Error, "link.busy") {
				busy++
				if !f.Free {
					t.Errorf("an attempt was used up: %s", f.Error)
				}
			}
		}
		if busy == 0 {
			t.Error("nobody found the pair busy")
		}
		w.settle()
		w.wrote("L1 msisdn", "R1 fullname")
		w.agrees(1)
		w.noDead()
	})
}

// People who edit a pair faster than a look at it goes round are no fault of
// it: it comes to rest when they do.
func TestEditsDuringEveryWriteOfALook(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana", "msisdn", "+57300000000")
		edits := 0
		during := func(edit func(n int)) func(string, sync.Ref) error {
			return func(op string, _ sync.Ref) error {
				if op == "update" && edits < 7 {
					edits++
					edit(edits)
				}
				return nil
			}
		}
		w.left.before = during(func(n int) { w.left.edit(left, "name", fmt.Sprint("Ana ", n)) })
		w.right.before = during(func(n int) { w.right.edit(right, "phone", fmt.Sprint("+57300000000", n)) })
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		w.settle()
		if edits < 7 {
			t.Fatalf("%d edits were made, want 7", edits)
		}
		w.noDead()
		w.agrees(1)
		w.holds(w.right, right, "fullname", w.left.get(left, "name"))
	})
}
