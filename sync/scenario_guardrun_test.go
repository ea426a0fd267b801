package sync_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/sync"
)

// Each bound of a run stops it when it is reached, and says by which rule and
// what to do.
func TestGuardOfARunStopsAtEachOfItsBounds(t *testing.T) {
	mail := func(i int) string { return fmt.Sprintf("p%d@example.com", i) }
	for _, c := range []struct {
		name    string
		guard   sync.Guard
		prepare func(w *world)
		did     func(w *world) int
		want    int
		says    string
	}{
		{"overwrites", sync.Guard{Overwrites: 7}, func(w *world) {
			for _, left := range w.crowd(30) {
				w.left.edit(left, "name", "Eva")
			}
		}, func(w *world) int { return len(w.right.takeWrites()) }, 7, "7 overwrites"},
		{"detachments", sync.Guard{Detachments: 5}, func(w *world) {
			for _, left := range w.crowd(30) {
				w.right.remove(w.link(left).Right, true)
			}
		}, func(w *world) int { return len(w.entries(sync.EntryDetached)) }, 5, "5 detachments"},
		// A share is judged from 100 records on: the hundredth is one too many.
		{"conflicts", sync.Guard{Conflicts: 0.25}, func(w *world) {
			for i := range 300 {
				w.left.create("email", mail(i), "name", "Ana")
				w.right.create("mail", mail(i), "fullname", "Eva")
			}
		}, func(w *world) int { return w.count(sync.EventWrote) / 2 }, 99, "25 % conflicts"},
		{"duplicates", sync.Guard{Duplicates: 0.25}, func(w *world) {
			w.right.unique = nil
			for i := range 300 {
				w.left.create("email", mail(i))
				w.right.create("mail", mail(i))
				w.right.create("mail", mail(i))
			}
		}, func(w *world) int { return w.count(sync.EventBuried) }, 99, "25 % duplicates"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.cfg.Concurrency = 1
				walked(w, 100)
				c.prepare(w)
				w.takeHooks()
				p, err := w.engine.Backfill(w.ctx, sync.Load{Name: "first", Flow: "people", From: sync.Left, Stages: []int{1000},
					Failures: 1, Duplicates: 1, Guard: c.guard})
				var stopped *sync.Error
				if !errors.As(err, &stopped) || stopped.Action != sync.Fatal || stopped.Rule != "backfill.suspended" || !strings.Contains(stopped.Hint, "resume the flow") {
					t.Errorf("progress %+v, %v", p, err)
				}
				if n := c.did(w); n != c.want {
					t.Errorf("%d, want %d and a stop", n, c.want)
				}
				w.tripped("more than " + c.says + " in the run first")
				var why *sync.Error
				if told := w.told(sync.EventTripped); len(told) != 1 || !errors.As(told[0].Err, &why) ||
					why.Rule != "guard."+c.name || why.Hint == "" || why.Ref.Zero() {
					t.Errorf("the observer was told %+v", told)
				}
			})
		})
	}
}

// told returns the events of a type so far.
func (w *world) told(kind sync.EventType) (out []sync.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.events {
		if w.events[i].Type == kind {
			out = append(out, w.events[i])
		}
	}
	return out
}

// Of a flow of 1,500 pairs 30 may lose an end in an hour: 2 %.
func TestGuardAllowsTwoPercentOfTheDetachments(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 500)
		lefts := w.crowd(1_500)
		w.agrees(1_500) // which counts them
		remove := func(from, to int) {
			for _, left := range lefts[from:to] {
				w.left.remove(left, true)
			}
			w.takeHooks()
		}
		remove(0, 31)
		inv, err := w.engine.Inventory(w.ctx, leftSystem)
		if inv.Gone != 31 || sync.ActionOf(err) != sync.Fatal || !strings.Contains(err.Error(), "31 of its records in alpha are gone, 30 are allowed") {
			t.Errorf("%+v, %v", inv, err)
		}
		w.left.remove(lefts[0], false)
		w.takeHooks()
		if inv, err := w.engine.Inventory(w.ctx, leftSystem); inv.Gone != 30 || err != nil {
			t.Errorf("%+v, %v", inv, err)
		}
		remove(0, 1)
		w.look(lefts[:31]...)
		w.once()
		if n := len(w.entries(sync.EntryDetached)); n != 30 {
			t.Errorf("%d pairs were detached, want 30 and a stop", n)
		}
		w.tripped("30 detachments")
	})
}

// A sluggish system takes two seconds for a page.
type sluggish struct{ counted }

func (s sluggish) List(ctx context.Context, kind sync.Kind, after sync.Cursor) (sync.ListPage, error) {
	time.Sleep(2 * time.Second)
	return s.counted.List(ctx, kind, after)
}

// A pace is what a progress says of the time.
type pace struct {
	Done, Earlier, Total int
	PerSecond            float64
	Remaining            time.Duration
}

func (w *world) paces() (out []pace) {
	for _, e := range w.told(sync.EventProgress) {
		p := e.Progress
		out = append(out, pace{p.Done, p.Earlier, p.Total, p.PerSecond, p.Remaining})
	}
	return out
}

func TestProgressTellsTheRateAndWhatRemains(t *testing.T) {
	const s = time.Second
	bubble(t, func(w *world) { // 100 pairs take 1 s and 1.5 s
		w.crowd(250)
		w.left.tune(func() { w.left.delay = s })
		w.right.tune(func() { w.right.delay = 3 * s / 2 })
		w.agrees(250)
		want := []pace{{100, 0, 250, 40, 3750 * time.Millisecond}, {200, 0, 250, 40, 1250 * time.Millisecond}, {250, 0, 250, 250 / 7.5, 0}, {250, 0, 250, 250 / 7.5, 0}}
		if diff := cmp.Diff(want, w.paces()); diff != "" {
			t.Errorf("a verification (-want +got):\n%s", diff)
		}
	})
	bubble(t, func(w *world) { // a second call tells its own rate
		l := walked(w, 10)
		slow := sluggish{counted{l}}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: slow, Sink: l}
		w.start()
		w.people(60, "Ana")
		l.fail = func(page int) error {
			return sometimes(&sync.Error{Op: "list", Action: sync.Retry}, page == 4)
		}
		if _, err := w.engine.Inventory(w.ctx, leftSystem); err == nil {
			t.Error("the fourth page did not fail")
		}
		time.Sleep(time.Minute)
		if _, err := w.engine.Inventory(w.ctx, leftSystem); err != nil {
			t.Error(err)
		}
		want := []pace{{10, 0, 60, 5, 10 * s}, {20, 0, 60, 5, 8 * s}, {30, 0, 60, 5, 6 * s},
			{10, 30, 60, 5, 4 * s}, {20, 30, 60, 5, 2 * s}, {30, 30, 60, 5, 0}, {30, 30, 60, 5, 0}}
		if diff := cmp.Diff(want, w.paces()); diff != "" {
			t.Errorf("an inventory (-want +got):\n%s", diff)
		}
	})
	bubble(t, func(w *world) { // each of two stages waits 2 s for its pages
		l := walked(w, 10)
		w.cfg.Peers[leftSystem] = sync.Peer{Source: sluggish{counted{l}}, Sink: l}
		w.start()
		w.people(60, "Ana")
		if _, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Stages: []int{10, 20}}); err != nil {
			t.Error(err)
		}
		want := []pace{{10, 0, 60, 5, 10 * s}, {30, 0, 60, 5, 6 * s}, {50, 0, 60, 5, 2 * s}, {60, 0, 60, 5, 0}}
		if diff := cmp.Diff(want, w.paces()); diff != "" {
			t.Errorf("a backfill (-want +got):\n%s", diff)
		}
	})
}
