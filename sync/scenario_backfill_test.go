package sync_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A listed fake can be walked through, some records at a time.
type listed struct {
	*fake
	page  int
	pages int
	fail  func(page int) error
}

func (l *listed) List(_ context.Context, _ sync.Kind, after sync.Cursor) (sync.ListPage, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pages++
	if l.fail != nil {
		if err := l.fail(l.pages); err != nil {
			return sync.ListPage{}, err
		}
	}
	var ids []string
	for id, r := range l.records {
		if id > string(after) && !r.deleted {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := sync.ListPage{Next: after}
	for _, id := range ids[:min(l.page, len(ids))] {
		out.Records, out.Next = append(out.Records, l.record(id)), sync.Cursor(id)
	}
	out.More = len(ids) > l.page
	return out, nil
}

// asked is how many pages were asked for.
func (l *listed) asked() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.pages
}

func walked(w *world, page int) *listed {
	l := &listed{fake: w.left, page: page}
	w.cfg.Peers[leftSystem] = sync.Peer{Source: l, Sink: l}
	w.start()
	return l
}

func (w *world) people(n int, name string) {
	for i := range n {
		w.left.create("email", fmt.Sprintf("%s%d@example.com", strings.ToLower(name), i), "name", name)
	}
	w.takeHooks()
}

func TestBackfillLooksAtEveryRecordInStages(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 7)
		w.people(60, "Ana")
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Stages: []int{5, 20}})
		if err != nil || p.Done != 60 || p.More || p.Failed != 0 {
			t.Fatalf("progress %+v, %v", p, err)
		}
		if n := w.count(sync.EventProgress); n != 4 { // 7, 21, 21, 11
			t.Errorf("%d stages were told of, want 4", n)
		}
		w.settle()
		w.agrees(60)
		again, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if ruleOf(err) != "backfill.ended" || again.Done != 0 || again.More {
			t.Errorf("a second call did %+v, %v; the walk was at its end", again, err)
		}
	})
}

func TestBackfillGoesOnWhereItStopped(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(40, "Ana")
		l.fail = func(page int) error {
			if page == 3 {
				return &sync.Error{Op: "list", Action: sync.Retry}
			}
			return nil
		}
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Stages: []int{10}})
		if err == nil || p.Done != 20 {
			t.Fatalf("progress %+v, %v; want the third page to fail", p, err)
		}
		p, err = w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Stages: []int{10}})
		if err != nil || p.Done != 20 || p.Earlier != 20 || p.More {
			t.Errorf("the second call did %+v, %v; want the other half", p, err)
		}
		w.settle()
		w.agrees(40)
	})
}

func TestBackfillStopsEarlyWhenItGoesWrong(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		for i := range 100 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "msisdn", "call me")
		}
		w.takeHooks()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if sync.ActionOf(err) != sync.Fatal || p.Done != 10 || p.Failed != 10 || !p.More {
			t.Errorf("progress %+v, %v; want a stop after ten records", p, err)
		}
	})
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(30, "Ana")
		for i := range 30 {
			w.right.create("mail", fmt.Sprintf("ana%d@example.com", i), "fullname", "Eva")
		}
		w.takeHooks()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Conflicts: 0.5})
		if sync.ActionOf(err) != sync.Fatal || p.Conflicts != 10 {
			t.Errorf("progress %+v, %v; want a stop for the conflicts of ten records", p, err)
		}
	})
}

// The workers of Run take a stage's records, and the stage waits for them.
func TestBackfillBesideRunStopsEarlyWhenItGoesWrong(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		for i := range 100 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		}
		w.takeHooks()
		slow := &late{fake: w.right, by: time.Second}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: slow, Sink: slow}
		w.cfg.Queue = handsOver{w.cfg.Queue}
		w.start()
		stop := w.run()
		defer stop()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if ruleOf(err) != "backfill.failures" || p.Done != 10 {
			t.Errorf("progress %+v, %v; want a stop after ten records", p, err)
		}
	})
}

// A handsOver queue leaves what is pushed to those who wait for it.
type handsOver struct{ sync.Queue }

func (q handsOver) Push(ctx context.Context, now time.Time, msgs ...sync.Message) error {
	err := q.Queue.Push(ctx, now, msgs...)
	time.Sleep(100 * time.Millisecond)
	return err
}

// A late fake refuses every write, after a while.
type late struct {
	*fake
	by time.Duration
}

func (l *late) Apply(context.Context, []sync.Write) ([]sync.Result, error) {
	time.Sleep(l.by)
	return nil, &sync.Error{Op: "apply", Action: sync.Invalid, Rule: "late"}
}

func TestBackfillThatCannotBeMadeSo(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(3, "Ana")
		for _, load := range []sync.Load{
			{Stages: []int{10, 0}}, {Stages: []int{-1}}, {Failures: -0.1}, {Conflicts: 2}, {Patience: -1}, {Guard: sync.Guard{Creations: -1}},
		} {
			load.Flow = "people"
			if p, err := w.engine.Backfill(w.ctx, load); ruleOf(err) != "backfill.load" || p.Done != 0 {
				t.Errorf("%+v: %+v, %v", load, p, err)
			}
		}
	})
}

func TestBackfillNeedsASourceThatLists(t *testing.T) {
	bubble(t, func(w *world) {
		for _, load := range []sync.Load{{Flow: "people"}, {Flow: "deals"}} {
			if _, err := w.engine.Backfill(w.ctx, load); err == nil {
				t.Errorf("%+v was accepted", load)
			}
		}
	})
}

func TestBackfillStopsForDuplicatesAndForWhatDoesNotSettle(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.unique = nil
		walked(w, 10)
		w.people(30, "Ana")
		for i := range 60 {
			w.right.create("mail", fmt.Sprintf("ana%d@example.com", i%30), "fullname", "Eva")
		}
		w.takeHooks()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if sync.ActionOf(err) != sync.Fatal || !strings.Contains(err.Error(), "backfill.duplicates") || p.Duplicates != 10 || p.Failed != 0 {
			t.Errorf("progress %+v, %v; want a stop for ten duplicates", p, err)
		}
		if holds, err := w.engine.Holds(w.ctx, "people", "", 0); len(holds) != 10 || err != nil {
			t.Errorf("%d holds, %v", len(holds), err)
		}
	})
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(30, "Ana")
		w.right.before = failing("create")
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Patience: time.Minute})
		if sync.ActionOf(err) != sync.Fatal || !strings.Contains(err.Error(), "backfill.waiting") || p.Waiting != 10 || p.Done != 10 {
			t.Errorf("progress %+v, %v; want a stop for ten that wait", p, err)
		}
		w.right.before = nil
		p, err = w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left})
		if err != nil || p.Earlier != 10 || p.Done != 20 {
			t.Errorf("progress %+v, %v", p, err)
		}
		w.settle()
		w.agrees(30)
	})
}

// A conflict is counted however long the record's history is.
func TestBackfillCountsTheConflictOfARecordWithAHistory(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		for i := range 550 {
			w.left.edit(left, "name", fmt.Sprint("Ana ", i))
			w.settle()
		}
		if n := len(w.entries(sync.EntryDecided)); n < 550 {
			t.Fatalf("%d decisions", n)
		}
		w.left.edit(left, "name", "Ana of the left")
		w.right.edit(right, "fullname", "Ana of the right")
		w.takeHooks()
		p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Conflicts: 0.5})
		if sync.ActionOf(err) != sync.Fatal || p.Conflicts != 1 {
			t.Errorf("%+v, %v", p, err)
		}
	})
}

// stages are the numbers of records after which the observer was told.
func (w *world) stages() (sizes []int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	done := 0
	for i := range w.events {
		if p := w.events[i].Progress; p != nil {
			sizes, done = append(sizes, p.Done-done), p.Done
		}
	}
	return sizes
}

// A stage ends where it shall, however large the system's pages are.
func TestBackfillStagesAreSmallerThanPages(t *testing.T) {
	for _, from := range []sync.Side{sync.Left, sync.Right} {
		t.Run(from.String(), func(t *testing.T) {
			bubble(t, func(w *world) {
				l := &listed{fake: w.left, page: 200}
				if from == sync.Right {
					l.fake = w.right
				}
				w.cfg.Peers[l.system] = sync.Peer{Source: l, Sink: l}
				w.start()
				const people = 1_300
				for i := range people {
					l.create(map[sync.Side]string{sync.Left: "email", sync.Right: "mail"}[from], fmt.Sprintf("p%d@example.com", i))
				}
				w.takeHooks()
				p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: from})
				if err != nil || p.Done != people || p.More {
					t.Fatalf("progress %+v, %v", p, err)
				}
				if got := w.stages(); !slices.Equal(got, []int{10, 100, 1_000, 190}) {
					t.Errorf("stages of %v records", got)
				}
				if l.asked() != 7 {
					t.Errorf("%d pages were asked for, want each once", l.asked())
				}
				w.settle()
				w.agrees(people)
			})
		})
	}
}

// The process ends in the middle of a page, and somebody archives the record
// after which the next one would go on.
func TestBackfillGoesOnInTheMiddleOfAPage(t *testing.T) {
	for _, archived := range []bool{false, true} {
		t.Run(fmt.Sprint("archived: ", archived), func(t *testing.T) {
			bubble(t, func(w *world) {
				walked(w, 50)
				w.people(120, "Ana")
				ctx, die := context.WithCancel(w.ctx)
				observe := w.cfg.Observer
				w.cfg.Observer = func(e sync.Event) {
					if observe(e); e.Type == sync.EventProgress && e.Progress.Done == 30 {
						die()
					}
				}
				w.start()
				load := sync.Load{Flow: "people", From: sync.Left, Stages: []int{10, 20}}
				if p, err := w.engine.Backfill(ctx, load); err == nil || p.Done != 30 {
					t.Fatalf("progress %+v, %v; want an end after 30", p, err)
				}
				ids := []string{}
				for _, ref := range w.left.living() {
					ids = append(ids, ref.ID)
				}
				slices.Sort(ids)
				want := 90
				if archived {
					w.left.remove(sync.Ref{System: leftSystem, Kind: contact, ID: ids[29]}, true)
					w.takeHooks()
					want = 119 // nobody knows how far it was, so the page is looked at again
				}
				w.cfg.Observer = observe
				w.start()
				p, err := w.engine.Backfill(w.ctx, load)
				if err != nil || p.Earlier != 30 || p.Done != want || p.More {
					t.Errorf("progress %+v, %v; want the other %d", p, err, want)
				}
				w.settle()
				if n := len(w.right.living()); n != 120 {
					t.Errorf("%d records on the right, want each once", n)
				}
			})
		})
	}
}
