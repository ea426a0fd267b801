package sync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

func TestForecastTellsWhatASyncWouldDoAndDoesNothing(t *testing.T) {
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		eva, evaRight := w.pair("email", "eva@example.com", "name", "Eva")
		w.left.edit(ana, "name", "Ana Gil")
		w.right.edit(evaRight, "fullname", "Eva Ruiz")
		ida := w.left.create("email", "ida@example.com", "name", "Ida")
		odd := w.left.create("email", "odd@example.com", "msisdn", "call me")
		met := w.left.create("email", "met@example.com", "name", "Left")
		w.right.create("mail", "met@example.com", "fullname", "Right")
		w.takeHooks()
		all := []sync.Ref{ana, eva, ida, odd, met}
		before := len(w.entries(sync.EntryDecided))
		f, err := w.engine.Forecast(w.ctx, "people", all)
		if err != nil {
			t.Fatal(err)
		}
		want := sync.Forecast{Flow: "people", Records: 5, Creates: 1, Updates: 3, Failed: 1, Overwrites: 3, Conflicts: 1,
			Fields:   map[string]int{"name to right": 2, "name to left": 2, "alpha id to right": 2, "beta id to left": 1, "email to right": 1},
			Rules:    map[string]int{"phone.digits": 1},
			Refusals: []sync.Refusal{{Ref: odd, Rule: "phone.digits"}}}
		items := f.Items
		if d := items[0].Decisions; len(d) != 1 || d[0].Field != "name" || d[0].After != sync.Text("Ana Gil") ||
			d[0].Before != [2]sync.Value{sync.Text("Ana Gil"), sync.Text("Ana")} {
			t.Errorf("it tells of %+v", d)
		}
		if told, err := json.Marshal(items); err != nil || strings.Contains(string(told), "Gil") {
			t.Errorf("encoded it holds values: %s, %v", told, err)
		}
		f.Items = nil
		if diff := cmp.Diff(want, f); diff != "" {
			t.Error(diff)
		}
		w.wrote()
		if n := len(w.entries(sync.EntryDecided)); n != before {
			t.Errorf("%d entries were added to the audit", n-before)
		}

		f.Items = items
		w.left.edit(ana, "name", "Somebody else") // the world moves
		w.takeHooks()
		moved, err := w.engine.ApplyForecast(w.ctx, f)
		if err != nil || !slices.Equal(moved, []sync.Ref{ana}) {
			t.Errorf("moved %v, %v; want %s alone", moved, err, ana)
		}
		w.settle()
		w.holds(w.left, eva, "name", "Eva Ruiz")
		w.holds(w.right, w.link(ida).Right, "fullname", "Ida")
		time.Sleep(time.Minute)
		again, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{eva, ida, met})
		if err != nil || again.Unchanged != 3 {
			t.Errorf("after it is applied: %+v, %v", again, err)
		}
	})
}

func TestForecastOfNobody(t *testing.T) {
	bubble(t, func(w *world) {
		f, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{w.left.ref("L99")})
		if err != nil || f.Failed != 1 || f.Rules["record.exists"] != 1 {
			t.Errorf("forecast %+v, %v", f, err)
		}
		if _, err := w.engine.Sweep(w.ctx, "gamma"); sync.ActionOf(err) != sync.Invalid {
			t.Errorf("sweeping an unknown system: %v", err)
		}
	})
}

// In shadow a forecast tells what would be done without it, and is not applied.
func TestForecastOfAShadowedFlow(t *testing.T) {
	bubble(t, func(w *world) {
		w.flow.Rollout = sync.Rollout{Shadow: true}
		w.start()
		left := w.left.create("name", "Ana")
		f, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{left})
		if err != nil || f.Creates != 1 || f.KeptOut != 1 || f.Refused != 0 || f.Fields["name to right"] != 1 || len(f.Items) != 1 {
			t.Fatalf("forecast %+v, %v", f, err)
		}
		if moved, err := w.engine.ApplyForecast(w.ctx, f); err != nil || !slices.Equal(moved, []sync.Ref{left}) {
			t.Errorf("moved %v, %v", moved, err)
		}
		w.settle()
		if n := len(w.right.living()); n != 0 {
			t.Errorf("%d records were created", n)
		}
	})
}

func TestForecastCountsTheAmbiguousAndHoldsNobody(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.unique = nil
		w.right.create("mail", "ana@example.com")
		w.right.create("mail", "ana@example.com")
		left := w.left.create("email", "ana@example.com")
		w.takeHooks()
		f, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{left})
		if err != nil || f.Ambiguous != 1 || f.Refused != 1 || f.Failed != 0 || f.Rules["identity.ambiguous"] != 1 ||
			!slices.Equal(f.Refusals, []sync.Refusal{{Ref: left, Rule: "identity.ambiguous"}}) {
			t.Errorf("forecast %+v, %v", f, err)
		}
		if holds, err := w.engine.Holds(w.ctx, "people", "", 0); len(holds) != 0 || err != nil {
			t.Errorf("a forecast holds %v, %v", holds, err)
		}
	})
}

// A look would erase what was created for somebody who was erased; a forecast
// of it does not.
func TestForecastErasesNobody(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := orphan(w, w.left, w.right, "name", "Ana", "email", "ana@example.com")
		time.Sleep(2 * time.Minute)
		alpha, beta := &erasing{fake: w.left}, &erasing{fake: w.right}
		w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: alpha, Sink: alpha}, sync.Peer{Source: beta, Sink: beta}
		w.start()
		if _, err := w.engine.Erase(w.ctx, w.flow.Name, left); err != nil {
			t.Fatal(err)
		}
		f, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{right})
		if err != nil || f.Refused != 1 || f.Rules["record.erased"] != 1 {
			t.Errorf("forecast %+v, %v", f, err)
		}
		if got := w.right.living(); len(got) != 1 {
			t.Errorf("%d records are left, want the one that was forecast", len(got))
		}
	})
}

// Nobody waits for a forecast or a verification as for live work.
func TestBulkReadsGiveWayToLiveWork(t *testing.T) {
	bubble(t, func(w *world) {
		a := &asked{fake: w.left}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: a, Sink: a}
		w.start()
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		a.priorities = nil
		if _, err := w.engine.Verify(w.ctx, "people"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Forecast(w.ctx, "people", []sync.Ref{left}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]sync.Priority{sync.Sweep, sync.Backfill}, a.priorities); diff != "" {
			t.Error(diff)
		}
	})
}

// An asked fake knows at which priorities it was read.
type asked struct {
	*fake
	priorities []sync.Priority
}

func (a *asked) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	a.priorities = append(a.priorities, sync.PriorityOf(ctx))
	return a.fake.Read(ctx, kind, ids)
}

// A priced fake takes a call for each record, ten a second.
type priced struct{ *fake }

func (priced) Cost(w sync.Work) (int, time.Duration) {
	n := w.Reads + w.Matches + w.Creates + w.Updates
	return n, time.Duration(n) * 100 * time.Millisecond
}

// A forecast tells how many calls it takes to apply it, how long that takes at
// least, and how many pairs lack a record.
func TestForecastTellsWhatItCosts(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Peers[rightSystem] = sync.Peer{Source: priced{w.right}, Sink: w.right}
		w.start()
		refs := w.crowd(250)
		_, gone := w.pair("email", "gone@example.com")
		refs = append(refs, w.link(gone).Left)
		for _, left := range refs[:200] {
			w.left.edit(left, "name", "Edited")
		}
		for i := range 50 {
			refs = append(refs, w.left.create("email", fmt.Sprintf("new%d@example.com", i), "name", "New"))
		}
		w.right.remove(gone, true)
		w.takeHooks()
		f, err := w.engine.Forecast(w.ctx, "people", refs)
		if err != nil || f.Records != 301 || f.Creates != 50 || f.Updates != 200 || f.Unchanged != 51 || f.Detaches != 1 ||
			!slices.Equal(f.Refusals, []sync.Refusal{{Ref: refs[250], Rule: "record.gone"}}) {
			t.Fatalf("%+v, %v", f, err)
		}
		for i, item := range f.Items {
			if i > 0 && i < 200 && item.Ref != refs[i] {
				t.Fatalf("item %d is %s, want %s", i, item.Ref, refs[i])
			}
		}
		before := w.right.counted("read", "match", "create", "update")
		if _, err := w.engine.ApplyForecast(w.ctx, f); err != nil {
			t.Fatal(err)
		}
		w.takeHooks()
		for range 5 { // without the looks that webhooks ask for
			if err := w.engine.RunOnce(w.ctx); err != nil {
				t.Fatal(err)
			}
			w.takeHooks()
			time.Sleep(time.Second)
		}
		made := w.right.counted("read", "match", "create", "update") - before
		if f.Calls[rightSystem] != made || f.Calls[leftSystem] != 0 || f.Takes != time.Duration(made)*100*time.Millisecond {
			t.Errorf("%d calls foretold, %s, and %d made", f.Calls[rightSystem], f.Takes, made)
		}
	})
}

// counted counts calls.
func (f *fake) counted(ops ...string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, op := range ops {
		n += f.calls[op]
	}
	return n
}

// Edits that were overwritten are not looked for: the systems' histories are
// not asked of every record that a forecast is applied to.
func TestApplyingAForecastAsksForNoHistory(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.takeHooks()
		w.approved(left)
		if err := w.engine.RunOnce(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.holds(w.right, right, "fullname", "Ana Gil")
		if n := w.left.calls["history"] + w.right.calls["history"]; n != 0 {
			t.Errorf("%d questions for the history", n)
		}
	}, chronicling)
}
