package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

// A counted fake knows how many records it has.
type counted struct{ *listed }

func (c counted) Count(context.Context, sync.Kind) (int, error) { return len(c.living()), nil }

func (w *world) inventory() sync.Inventory {
	w.Helper()
	i, err := w.engine.Inventory(w.ctx, leftSystem)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

// Webhooks and journal were down while people deleted, merged and created.
func TestInventoryFindsWhatNobodyToldOf(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(60, "Ana")
		w.settle()
		w.enqueue(looks(w.left.living())...)
		w.settle()
		w.agrees(60)
		all := w.left.living()
		for _, ref := range all[:5] {
			w.left.remove(ref, true)
		}
		merged := w.left.merge(all[5], all[6])
		w.people(3, "Eva")
		w.takeHooks()
		i := w.inventory()
		if i.Listed[contact] != 57 || i.Gone != 5 || i.Unseen != 4 || i.Moved != 2 || i.Read != 7 || i.Ended.IsZero() {
			t.Errorf("inventory %+v", i)
		}
		w.settle()
		if n := len(w.entries(sync.EntryDetached)); n != 6 {
			t.Errorf("%d pairs were detached, want those of five who are gone and one who was merged", n)
		}
		if w.link(merged).State != sync.Active {
			t.Error("the merged record has no pair")
		}
		w.agrees(57)
		if again := w.inventory(); again.Gone+again.Unseen+again.Moved+again.Read != 0 {
			t.Errorf("a second one finds %+v", again)
		}
	})
}

func looks(refs []sync.Ref) (changes []sync.Change) {
	for _, ref := range refs {
		changes = append(changes, sync.Change{ID: "look:" + ref.String(), Ref: ref, Reason: sync.ReasonManual})
	}
	return changes
}

func TestInventoryStopsWhenTooMuchIsGone(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(60, "Ana")
		w.enqueue(looks(w.left.living())...)
		w.settle()
		victims := w.left.living()[:21]
		for _, ref := range victims {
			w.left.remove(ref, true)
		}
		w.takeHooks()
		i, err := w.engine.Inventory(w.ctx, leftSystem)
		var e *sync.Error
		if !errors.As(err, &e) || e.Action != sync.Fatal || e.Rule != "guard.detachments" || i.Gone != 21 {
			t.Errorf("inventory %+v, %v", i, err)
		}
		w.settle()
		if n := len(w.entries(sync.EntryDetached)); n != 0 || w.count(sync.EventTripped) != 1 {
			t.Errorf("%d pairs were detached, %d alerts", n, w.count(sync.EventTripped))
		}
		for _, ref := range victims { // it was an accident
			w.left.remove(ref, false)
		}
		w.takeHooks()
		if i := w.inventory(); i.Gone != 0 {
			t.Errorf("after it was mended: %+v", i)
		}
		w.left.remove(victims[0], true)
		w.takeHooks()
		w.cfg.Guard.Detachments = 30
		w.start()
		if i := w.inventory(); i.Gone != 1 {
			t.Errorf("with a bound of one's own: %+v", i)
		}
	})
}

func TestInventoryGoesOnInAnotherProcess(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(60, "Ana")
		w.enqueue(looks(w.left.living())...)
		w.settle()
		gone := w.left.living()[2]
		w.left.remove(gone, true)
		w.takeHooks()
		l.pages, l.fail = 0, func(page int) error {
			if page == 4 {
				return &sync.Error{Op: "list", Action: sync.Retry}
			}
			return nil
		}
		if _, err := w.engine.Inventory(w.ctx, leftSystem); err == nil {
			t.Fatal("the list did not fail")
		}
		w.start()
		i := w.inventory()
		if l.pages != 4+3 {
			t.Errorf("%d pages were listed, want 3 more after the fourth failed", l.pages)
		}
		if i.Listed[contact] != 59 || i.Gone != 1 || i.Read != 31 || i.Unseen != 0 {
			t.Errorf("inventory %+v, want those that the first process listed to be read", i)
		}
	})
}

// Two processes take one inventory: one of them gives way, and takes over when
// the other died.
func TestInventoryIsTakenByOneProcess(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(30, "Ana")
		first := w.engine
		w.start()
		var gaveWay error
		l.fail = func(page int) error {
			if page != 2 {
				return nil
			}
			l.mu.Unlock()
			defer l.mu.Lock()
			_, gaveWay = w.engine.Inventory(w.ctx, leftSystem)
			time.Sleep(11 * time.Minute) // the first one hangs
			_, err := w.engine.Inventory(w.ctx, leftSystem)
			return err
		}
		_, err := first.Inventory(w.ctx, leftSystem)
		if sync.ActionOf(gaveWay) != sync.Conflict || sync.ActionOf(err) != sync.Conflict {
			t.Errorf("the second got %v at first, and the first %v at last", gaveWay, err)
		}
		w.settle()
		w.agrees(30)
		if i := w.inventory(); i.Unseen+i.Gone != 0 || i.Listed[contact] != 30 {
			t.Errorf("inventory %+v", i)
		}
	})
}

// Who waits for a quota, again and again, is not dead.
func TestInventoryThatWaitsForAQuotaIsLeftToIt(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(30, "Ana")
		l.fail = func(page int) error {
			if page > 1 && page < 6 {
				return &sync.Error{Op: "list", Action: sync.RetryAt, Rule: "quota", RetryAt: time.Now().Add(4*time.Minute + 50*time.Second)}
			}
			return nil
		}
		first, done := w.engine, make(chan error)
		w.start()
		began := time.Now()
		go func() {
			_, err := first.Inventory(w.ctx, leftSystem)
			done <- err
		}()
		for {
			select {
			case err := <-done:
				if took := time.Since(began); err != nil || took < 19*time.Minute {
					t.Errorf("the first one got %v after %v", err, took)
				}
				return
			case <-time.After(time.Minute - time.Millisecond):
				if i, err := w.engine.Inventory(w.ctx, leftSystem); sync.ActionOf(err) != sync.Conflict {
					t.Errorf("after %v the second one got %+v, %v", time.Since(began), i, err)
				}
			}
		}
	})
}

// The first page fails; the next call has nothing to go on from but its name.
func TestInventoryWhoseFirstPageFails(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(30, "Ana")
		l.fail = func(page int) error { return sometimes(&sync.Error{Op: "list", Action: sync.Retry}, page == 1) }
		if _, err := w.engine.Inventory(w.ctx, leftSystem); err == nil {
			t.Fatal("the first page did not fail")
		}
		if i := w.inventory(); i.Listed[contact] != 30 {
			t.Errorf("inventory %+v", i)
		}
	})
}

// The system forgot the place: the next inventory begins anew.
func TestInventoryWhosePlaceIsLost(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.people(30, "Ana")
		l.fail = func(page int) error {
			if page > 1 {
				return &sync.Error{Op: "list", Action: sync.Invalid, Rule: "cursor"}
			}
			return nil
		}
		if _, err := w.engine.Inventory(w.ctx, leftSystem); sync.ActionOf(err) != sync.Invalid {
			t.Fatal(err)
		}
		l.fail = nil
		if i := w.inventory(); i.Listed[contact] != 30 || i.Unseen != 30 {
			t.Errorf("inventory %+v", i)
		}
	})
}

// Those who may not leave are no news, however often they are listed.
func TestInventoryLeavesAloneWhatStaysAtHome(t *testing.T) {
	bubble(t, func(w *world) {
		w.flow.Left.Leave = func(rec sync.Record, _ []string) (bool, string, error) {
			return !rec.Fields["email"].Blank(), "no email", nil
		}
		walked(w, 10)
		w.left.create("name", "Visitor")
		w.left.create("name", "Ana", "email", "ana@example.com")
		w.takeHooks()
		if i := w.inventory(); i.Unseen != 1 || i.Listed[contact] != 2 {
			t.Errorf("inventory %+v", i)
		}
	})
}

func TestInventoriesAreTakenAtIntervals(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.InventoryInterval, w.cfg.PollInterval, w.cfg.SweepInterval = 24*time.Hour, time.Hour, -1
		l := walked(w, 10)
		w.people(5, "Ana")
		stop := w.run()
		time.Sleep(time.Hour)
		if l.asked() != 1 {
			t.Errorf("%d pages in the first hour, want 1", l.asked())
		}
		stop()
		w.agrees(5)
		w.start()
		stop = w.run() // a restart is no reason for another one
		time.Sleep(22 * time.Hour)
		if l.asked() != 1 {
			t.Errorf("%d pages on the first day, want 1", l.asked())
		}
		time.Sleep(2 * time.Hour)
		stop()
		if l.asked() != 2 {
			t.Errorf("%d pages after a day, want 2", l.asked())
		}
	})
}

func TestInventoryNeedsASystemThatLists(t *testing.T) {
	bubble(t, func(w *world) {
		for _, system := range []sync.System{leftSystem, "gamma"} {
			if _, err := w.engine.Inventory(w.ctx, system); sync.ActionOf(err) != sync.Invalid {
				t.Errorf("%s: %v", system, err)
			}
		}
	})
}

func TestRunsTellTheirProgress(t *testing.T) {
	bubble(t, func(w *world) {
		l := walked(w, 10)
		w.cfg.Peers[leftSystem] = sync.Peer{Source: counted{l}, Sink: l}
		w.cfg.Observer = func(e sync.Event) {
			w.observe(e)
			if e.Type == sync.EventEnqueued {
				time.Sleep(time.Second) // every page takes its time
			}
		}
		w.start()
		w.people(250, "Ana")
		refs := w.left.living()
		f, err := w.engine.Forecast(w.ctx, "people", refs)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.ApplyForecast(w.ctx, f); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if _, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Stages: []int{50, 100}}); err != nil {
			t.Fatal(err)
		}
		w.verify()
		w.inventory()
		got := map[string][]int{}
		for _, e := range w.events {
			p := e.Progress
			if e.Type != sync.EventProgress {
				continue
			}
			got[p.Run] = append(got[p.Run], p.Done)
			if p.Total != 250 || p.Estimated {
				t.Errorf("%s: total %d, estimated %v", p.Run, p.Total, p.Estimated)
			}
			if left := p.Total - p.Done; (left > 0) != (p.Remaining > 0) && p.PerSecond < 1e5 {
				t.Errorf("%s: %d are left, which takes %v", p.Run, left, p.Remaining)
			}
		}
		for run, want := range map[string][]int{
			"forecast people": {100, 200, 250}, "apply people": {100, 200, 250},
			"people from left": {50, 150, 250}, "verify people": {100, 200, 250, 250},
		} {
			if diff := cmp.Diff(want, got[run]); diff != "" {
				t.Errorf("%s: %s", run, diff)
			}
		}
		if n := len(got["inventory of alpha"]); n != 26 {
			t.Errorf("%d times told of the inventory", n)
		}
	})
}

func TestProgressIsEstimatedFromTheLastInventory(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.people(30, "Ana")
		load := sync.Load{Flow: "people", From: sync.Left, Stages: []int{10}}
		p, err := w.engine.Backfill(w.ctx, load)
		if err != nil || p.Total != 0 || p.Remaining != 0 {
			t.Errorf("progress %+v, %v; nobody knows the total", p, err)
		}
		w.inventory()
		w.people(10, "Eva")
		load.Name = "again"
		p, err = w.engine.Backfill(w.ctx, load)
		if err != nil || p.Total != 30 || !p.Estimated || p.Done != 40 {
			t.Errorf("progress %+v, %v", p, err)
		}
	})
}

func TestVerifyOfASample(t *testing.T) {
	bubble(t, func(w *world) {
		for i := range 300 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		}
		w.settle()
		lefts := w.left.living()
		for _, left := range lefts[:60] {
			w.left.corrupt(left, "name", "wrong")
		}
		w.left.remove(lefts[299], true)
		w.takeHooks()
		of := func(s sync.Sample) sync.Agreement {
			w.left.calls["read"] = 0
			a, err := w.engine.VerifySample(w.ctx, "people", s)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		for _, s := range []sync.Sample{{Most: 40}, {Percent: 20}, {Percent: 20, Most: 40}, {Most: 40, Seed: "other"}} {
			a := of(s)
			if !a.Sampled || a.Population != 300 || s.Most > 0 && s.Percent == 0 && a.Pairs != 40 || a.Pairs < 20 || a.Pairs > 100 {
				t.Errorf("%+v: %d of %d pairs, sampled %v", s, a.Pairs, a.Population, a.Sampled)
			}
			if a.Fields["name"].Compared+a.Missing != a.Pairs || a.Fields["name"].Equal >= a.Pairs || a.Fields["email"].Ratio() != 1 {
				t.Errorf("%+v: by field %+v", s, a.Fields)
			}
			if diff := cmp.Diff(a, of(s)); diff != "" {
				t.Errorf("%+v: another choice: %s", s, diff)
			}
		}
		if slices.Equal(differing(of(sync.Sample{Most: 40})), differing(of(sync.Sample{Most: 40, Seed: "other"}))) {
			t.Error("two seeds make one choice")
		}
		a := of(sync.Sample{})
		if a.Sampled || a.Pairs != 300 || a.Missing != 1 || a.Gone != [2]int{1, 0} || a.Fields["name"] != (sync.Tally{Compared: 299, Equal: 239}) ||
			a.Kinds != [2]sync.Kind{contact, contact} {
			t.Errorf("all: %+v", a.Fields)
		}
		if a := of(sync.Sample{Most: 1000}); a.Pairs != 300 {
			t.Errorf("a sample larger than all has %d pairs", a.Pairs)
		}
	})
}

func differing(a sync.Agreement) (links []string) {
	for _, d := range a.Differences {
		links = append(links, d.Link)
	}
	return links
}
