package sync_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A withering fake can hold some fields no longer: it passes over them in
// writes, knows it from then on, and shows lost ones as blank.
type withering struct {
	*fake
	gone  map[string]string // what its account does not take, and why
	known map[string]string // what it has found out
}

func wither(w *world) *withering {
	f := &withering{fake: w.right, gone: map[string]string{}, known: map[string]string{}}
	w.cfg.Peers[rightSystem] = sync.Peer{Source: f, Sink: f}
	w.start()
	return f
}

func (f *withering) Degraded(sync.Kind) map[string]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]string{}
	for n, rule := range f.known {
		out[n] = rule
	}
	return out
}

// seal makes a field read-only, which a write finds out.
func (f *withering) seal(name string) { f.tune(func() { f.gone[name] = "read-only" }) }

// lose takes a field away, which a watcher has found out.
func (f *withering) lose(name string) {
	f.tune(func() { f.gone[name], f.known[name] = "archived", "archived" })
}

func (f *withering) mend(name string) {
	f.tune(func() { delete(f.gone, name); delete(f.known, name) })
}

func (f *withering) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := f.fake.Read(ctx, kind, ids)
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range recs {
		for n := range f.known {
			delete(recs[i].Fields, n)
		}
	}
	return recs, err
}

func (f *withering) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		dropped := map[string]string{}
		w.Fields = w.Fields.Clone()
		f.tune(func() {
			for n, rule := range f.gone {
				if _, sent := w.Fields[n]; sent {
					dropped[n], f.known[n] = rule, rule
					delete(w.Fields, n)
				}
			}
		})
		out[i] = f.apply(ctx, w)
		out[i].Dropped = dropped
	}
	return out, nil
}

func TestDroppedFieldWaitsAndTheRestIsWritten(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		left, right := w.pair("email", "ana@example.com", "name", "Ana", "msisdn", "+57 300 000 0001")
		beta.seal("fullname")
		w.left.edit(left, "name", "Ana Gil", "msisdn", "+57 300 000 0002")
		w.settle()
		w.noDead()
		w.wrote(right.ID + " phone")
		w.holds(w.left, left, "name", "Ana Gil") // and not cleared, as the other side seems to say
		if e := w.entries(sync.EntryFailed); len(e) != 1 || !strings.Contains(e[0].Note, "fullname is not written: read-only") {
			t.Errorf("the audit does not say once what was dropped: %+v", e)
		}
		paused := func(d *sync.Decision) bool { return d.Field == "name" && d.Outcome == sync.Paused }
		if !slices.ContainsFunc(w.entries(sync.EntryDecided), func(e sync.Entry) bool { return paused(e.Decision) }) {
			t.Error("no decision says that the field pauses")
		}

		beta.mend("fullname")
		w.look(right) // which looks as agreed
		w.settle()
		w.wrote(right.ID + " fullname")
		w.agrees(1)
	})
}

func TestDegradedFieldPausesInBothDirections(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		beta.lose("fullname")
		stop := w.run()
		synctest.Wait()
		w.enqueue(sync.Change{ID: "touch", Ref: right, Reason: sync.ReasonManual})
		time.Sleep(time.Second)
		w.holds(w.left, left, "name", "Ana")
		w.left.edit(left, "name", "Ana Gil", "email", "gil@example.com")
		w.enqueue(w.takeHooks()...)
		time.Sleep(10 * time.Second)
		w.wrote(right.ID + " mail")
		other := w.left.create("name", "Eva", "email", "eva@example.com")
		w.enqueue(w.takeHooks()...)
		time.Sleep(10 * time.Second)
		if w.count(sync.EventDegraded) != 1 || w.count(sync.EventRecovered) != 0 {
			t.Errorf("%d degraded, %d recovered events, want 1 and 0", w.count(sync.EventDegraded), w.count(sync.EventRecovered))
		}

		beta.mend("fullname")
		time.Sleep(20 * time.Second)
		stop()
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.holds(w.right, w.link(other).Right, "fullname", "Eva")
		if w.count(sync.EventRecovered) != 1 {
			t.Errorf("%d recovered events, want 1", w.count(sync.EventRecovered))
		}
		w.noDead()
		w.agrees(2)
	})
}

func TestDegradedCreateKeyRetriesUntilMended(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		beta.lose("alpha_id")
		left := w.left.create("name", "Ana")
		w.once()
		if n := len(w.right.living()); n != 0 {
			t.Fatalf("%d records were created without their key", n)
		}
		beta.mend("alpha_id")
		w.settle()
		w.noDead()
		w.holds(w.right, w.link(left).Right, "fullname", "Ana")
	})
}

func TestVerifySkipsPausedFields(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		beta.lose("fullname")
		w.left.corrupt(left, "name", "Ana Gil")
		a, err := w.engine.Verify(w.ctx, w.flow.Name)
		if err != nil || a.Skipped != 1 || a.Ratio() != 1 {
			t.Errorf("agreement %+v, %v; want one field skipped and no difference", a, err)
		}
	})
}

// However many flows a field is part of, it pauses once.
func TestAFieldOfSeveralFlowsIsToldOfOnce(t *testing.T) {
	bubble(t, func(w *world) {
		second := people()
		second.Name = "more people"
		w.cfg.Flows = append(w.cfg.Flows, second)
		beta := wither(w)
		beta.lose("fullname")
		stop := w.run()
		time.Sleep(10 * time.Second)
		beta.mend("fullname")
		time.Sleep(30 * time.Second)
		stop()
		if w.count(sync.EventDegraded) != 1 || w.count(sync.EventRecovered) != 1 || w.count(sync.EventVerified) != 2 {
			t.Errorf("%d degraded, %d recovered, %d verified events; want 1, 1 and one for each flow",
				w.count(sync.EventDegraded), w.count(sync.EventRecovered), w.count(sync.EventVerified))
		}
	})
}
