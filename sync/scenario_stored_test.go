package sync_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

var update = flag.Bool("update", false, "write testdata/stored.json anew; only with a migration for what is stored already")

// Forms are what stores keep, in the forms in which they keep it, and the
// records that it is about.
type forms struct {
	Links       []sync.Link
	Bases       map[string]sync.Base
	Entries     []sync.Entry
	Cursors     map[string]sync.Cursor
	Left, Right map[string]sync.Fields
}

const formsFile = "testdata/stored.json"

// formFlows and formCursors are where things are kept.
var (
	formFlows   = []string{"people", "ambiguous:people", "activity:notes", "owed:people"}
	formCursors = []string{"began", "switches:people", "inventory:alpha", "backfill:people from left", "sweep:alpha"}
)

// kept returns what a world's store holds.
func (w *world) kept() forms {
	w.Helper()
	out := forms{Bases: map[string]sync.Base{}, Cursors: map[string]sync.Cursor{}, Left: map[string]sync.Fields{}, Right: map[string]sync.Fields{}}
	for _, flow := range formFlows {
		links, err := w.store.Links(w.ctx, flow, "", 1000)
		if err != nil || len(links) == 0 {
			w.Fatalf("%s has %d links, %v", flow, len(links), err)
		}
		out.Links = append(out.Links, links...)
	}
	for i := range out.Links {
		base, err := w.store.Base(w.ctx, out.Links[i].ID)
		if err != nil {
			w.Fatal(err)
		}
		if base.Left.Fields != nil {
			out.Bases[out.Links[i].ID] = base
		}
	}
	var err error
	if out.Entries, err = w.store.Entries(w.ctx, sync.AuditFilter{Limit: 1 << 20}); err != nil {
		w.Fatal(err)
	}
	for _, name := range formCursors {
		if out.Cursors[name], err = w.store.Cursor(w.ctx, name); err != nil {
			w.Fatal(err)
		}
	}
	for f, to := range map[*fake]map[string]sync.Fields{w.left: out.Left, w.right: out.Right} {
		for _, ref := range f.living() {
			to[ref.ID] = f.records[ref.ID].fields
		}
	}
	return out
}

// keep puts all of it into a world.
func (w *world) keep(in forms) {
	w.Helper()
	must := func(err error) {
		w.Helper()
		if err != nil {
			w.Fatal(err)
		}
	}
	must(w.store.Append(w.ctx, in.Entries...))
	for _, l := range in.Links {
		intent := l.Intent
		l.Generation, l.Intent = 0, nil
		c := sync.Commit{Link: l}
		if base, ok := in.Bases[l.ID]; ok {
			c.Base = &base
		}
		l, err := w.store.Commit(w.ctx, time.Now(), c)
		must(err)
		if intent != nil {
			_, err = w.store.Begin(w.ctx, time.Now(), l, *intent)
			must(err)
		}
	}
	for name, to := range in.Cursors {
		must(w.store.SetCursor(w.ctx, name, "", to))
	}
	for f, records := range map[*fake]map[string]sync.Fields{w.left: in.Left, w.right: in.Right} {
		f.minted = 100
		for id, fields := range records {
			f.set(id, fields)
		}
	}
	w.takeHooks()
}

// storeForms has a bit of everything happen.
func storeForms(t *testing.T) (out forms) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		l := walked(w, 10)
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(ana, "name", "Ana Gil", "msisdn", "+57 300 000 0001")
		w.settle()
		w.left.edit(ana, "name", "Ana of the left")
		w.right.edit(right, "fullname", "Ana of the right")
		w.settle()
		gone, far := w.pair("email", "gone@example.com", "name", "Gone")
		w.right.remove(far, true)
		w.settle()
		w.left.remove(gone, true)
		eva := w.stranger()
		w.accept(with("f1", ana, eva), fact("f2", ana))
		w.settle()
		w.right.tune(func() { w.right.unique = nil })
		for range 2 {
			w.right.create("mail", "doubtful@example.com")
		}
		w.left.create("email", "doubtful@example.com")
		w.settle()
		for _, do := range []func() error{
			func() error {
				return w.engine.Suspend(w.ctx, sync.Switch{Flow: "people", Field: "phone", Why: "a wrong map"})
			},
			func() error {
				_, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Failures: 1, Duplicates: 1})
				return err
			},
			func() error { _, err := w.engine.Inventory(w.ctx, leftSystem); return err },
			func() error {
				_, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Ref: ana, Field: "name", Since: time.Now().Add(-time.Hour)})
				return err
			},
		} {
			if err := do(); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		l.create("email", "begun@example.com", "name", "Begun")
		w.cfg.Store = numbCommit{w.store}
		w.start()
		w.once()
		out = w.kept()
	}, mentioning(n))
	return out
}

// I17. What a release has stored the next one reads as it is, and goes on with.
// The file is not to be written anew without a migration.
func TestWhatIsStoredKeepsItsForm(t *testing.T) {
	if *update {
		text, err := json.MarshalIndent(storeForms(t), "", "\t")
		if err == nil {
			err = os.WriteFile(formsFile, append(text, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(formsFile)
	if err != nil {
		t.Fatal(err)
	}
	var in forms
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(in, "", "\t")
	if diff := cmp.Diff(string(bytes.TrimSpace(text)), string(again)); diff != "" || err != nil {
		t.Errorf("something stored is not read any more, or is written in another form (-file +now): %v\n%s", err, diff)
	}
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		w.store, w.queue = strict{memstore.New()}, memqueue.New(nil)
		w.cfg.Store, w.cfg.Queue = w.store, w.queue
		time.Sleep(48 * time.Hour) // what is stored is not from the future
		w.keep(in)
		walked(w, 10)
		report, err := w.engine.VerifyAudit(w.ctx)
		if err != nil || len(report.Faults) > 0 || report.Entries < 30 {
			t.Errorf("the audit: %+v, %v", report, err)
		}
		if told := w.entries(sync.EntryDecided); !slices.ContainsFunc(told, func(e sync.Entry) bool { return e.Decision.After == sync.Text("Ana Gil") }) {
			t.Error("the audit does not tell what was written")
		}
		people := len(w.right.living())
		w.look(w.left.living()...)
		w.settle()
		w.wrote("L5 beta_id") // what was begun is finished
		if n := len(w.right.living()); n != people {
			t.Errorf("%d records on the right, want %d", n, people)
		}
		w.holds1()
		thrown, err := w.engine.Suspended(w.ctx)
		if err != nil || len(thrown) != 1 || thrown[0].Field != "phone" {
			t.Errorf("suspended: %+v, %v", thrown, err)
		}
		if p, err := w.engine.Backfill(w.ctx, sync.Load{Flow: "people", From: sync.Left, Failures: 1, Duplicates: 1}); err != nil || p.Earlier != 3 {
			t.Errorf("the backfill goes on with %+v, %v", p, err)
		}
	}, mentioning(n))
}
