package sync_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func (w *world) explain(ref sync.Ref, field string) sync.FieldStory {
	w.Helper()
	out, err := w.engine.Explain(w.ctx, "people", ref)
	if err != nil {
		w.Fatal(err)
	}
	for _, f := range out.Fields {
		if f.Field == field {
			return f
		}
	}
	w.Fatalf("%s is not explained", field)
	return sync.FieldStory{}
}

func TestExplainTellsAFieldsStory(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "From Left")
		w.right.edit(right, "fullname", "From Right")
		w.settle()
		for _, ref := range []sync.Ref{left, right} {
			story := w.explain(ref, "name")
			if len(story.Steps) != 2 || !story.Known || story.Agreed.String() != "From Right" {
				t.Fatalf("the story is %+v", story)
			}
			first, last := story.Steps[0], story.Steps[1]
			if first.Rule != "create" || !first.Written || first.Calls[1] == "" || len(first.Causes) == 0 {
				t.Errorf("the first step is %+v", first)
			}
			if lost, ok := last.Lost(); !last.Conflict || !last.Ambiguous || !ok || lost.String() != "From Left" || last.Times[0].Latest.IsZero() {
				t.Errorf("the last step is %+v", last)
			}
		}
		if story := w.explain(left, "phone"); len(story.Steps) != 0 {
			t.Errorf("a field that nobody set has the story %+v", story)
		}
		if _, err := w.engine.Explain(w.ctx, "people", w.left.ref("L99")); !errors.Is(err, sync.ErrNotFound) {
			t.Errorf("a record that was never linked: %v", err)
		}
	})
}

// A wrong map runs for a while: its writes are taken back, and what people
// have edited since is kept and listed.
func TestUndoTakesBackWritesAndKeepsLaterEdits(t *testing.T) {
	bubble(t, func(w *world) {
		const people, edited = 60, 7
		var rights []sync.Ref
		for i := range people {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", fmt.Sprint("Ana ", i))
		}
		w.settle()
		time.Sleep(time.Minute)
		since := time.Now()
		for _, left := range w.left.living() {
			w.left.edit(left, "name", "WRONG")
			rights = append(rights, w.link(left).Right)
		}
		w.settle()
		time.Sleep(time.Minute)
		for _, right := range rights[:edited] {
			w.right.edit(right, "fullname", "A person's")
		}
		w.settle()
		until := time.Now()
		time.Sleep(time.Minute)

		undo := sync.Undo{Flow: "people", Field: "name", Since: since, Until: until.Add(-time.Minute), DryRun: true}
		w.takeWritesOf()
		if dry, err := w.engine.Undo(w.ctx, undo); err != nil || len(dry) != people {
			t.Fatalf("a dry run lists %d, %v", len(dry), err)
		}
		w.wrote()
		undo.DryRun = false
		list, err := w.engine.Undo(w.ctx, undo)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, u := range list {
			if u.Kept != "" {
				kept++
			}
		}
		if len(list) != people || kept != edited {
			t.Errorf("%d listed, %d kept, want %d and %d", len(list), kept, people, edited)
		}
		w.settle()
		for i, left := range w.left.living() {
			want := "A person's"
			if got := w.link(left).Right; got != rights[i] {
				t.Fatal("the order of records changed")
			}
			if i >= edited {
				want = w.explain(left, "name").Steps[0].After.String()
			}
			w.holds(w.right, rights[i], "fullname", want)
			w.holds(w.left, left, "name", want)
		}
		w.agrees(people)
		if again, err := w.engine.Undo(w.ctx, undo); err != nil || len(again) != edited {
			t.Errorf("a second undo lists %d, %v; want those kept only", len(again), err)
		}
		if n := len(w.entries(sync.EntryUndone)); n != people-edited {
			t.Errorf("%d undone in the audit", n)
		}
		w.noDead()
	})
}

func (w *world) takeWritesOf() { w.left.takeWrites(); w.right.takeWrites() }

// What one run wrote is taken back, and nothing else.
func TestUndoOfARun(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		_, before := w.pair("email", "before@example.com", "name", "Before")
		right := w.right.create("mail", "ana@example.com", "fullname", "Ana of the right")
		w.settle()
		left := w.link(right).Left
		w.left.edit(left, "name", "Ana")
		w.takeHooks() // only the run sees it
		if _, err := w.engine.Backfill(w.ctx, sync.Load{Name: "first:2", Flow: "people", From: sync.Left}); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		for run, want := range map[string]int{"second": 0, "fir": 0, "first": 0} {
			if list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Run: run}); err != nil || len(list) != want {
				t.Errorf("undo of %q: %+v, %v", run, list, err)
			}
		}
		list, err := w.engine.Undo(w.ctx, sync.Undo{Flow: "people", Run: "first:2"})
		if err != nil || len(list) != 1 || list[0].Ref != right || list[0].Kept != "" {
			t.Errorf("undo: %+v, %v", list, err)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Ana of the right")
		w.holds(w.left, left, "name", "Ana of the right")
		w.holds(w.right, before, "fullname", "Before")
	})
}
