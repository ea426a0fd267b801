package sync_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"pgregory.net/rapid"
)

// Whatever people edit and however webhooks are lost, doubled, delayed and
// reordered: after one sweep both sides agree, nothing is duplicated or lost
// without a trace, and a second full look writes nothing.
func TestConvergence(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(ctx context.Context) {
			w := &history{world: newWorld(rt, ctx)}
			w.left.feed, w.right.feed = true, true
			w.left.terse, w.right.terse = rapid.Bool().Draw(rt, "terse left"), rapid.Bool().Draw(rt, "terse right")
			rt.Repeat(w.actions())
			w.left.before, w.right.before, w.left.after, w.right.after = nil, nil, nil, nil
			w.settle()
			w.converged()
		})
	})
}

// The same with records that are merged, deleted and restored: pairs may come
// apart, but nothing is duplicated, crossed over or left without an answer.
func TestConvergenceOfIdentity(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(ctx context.Context) {
			w := &history{world: newWorld(rt, ctx)}
			w.left.feed, w.right.feed = true, true
			actions := w.actions()
			delete(actions, "fail")
			actions["merge"] = w.merge
			actions["remove"] = w.removeOrRestore
			rt.Repeat(actions)
			for range 2 { // a full look, and another for what the first one freed
				w.settle()
				w.verify()
				w.look(w.left.living()...)
				w.look(w.right.living()...)
			}
			w.settle()
			w.intact()
		})
	})
}

// inBubble runs one example in virtual time.
func inBubble(t *testing.T, example func(context.Context)) {
	var failure any
	synctest.Test(t, func(t *testing.T) {
		defer func() { failure = recover() }()
		example(t.Context())
	})
	if failure != nil {
		panic(failure)
	}
}

// A history is a world and what people did in it.
type history struct {
	*world
	people, names, merges int // how many were created, set and done
}

// actions are what may happen in a random history.
func (w *history) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"create": func(rt *rapid.T) {
			if len(w.left.living())+len(w.right.living()) > 12 {
				rt.Skip("enough records")
			}
			email := w.freshEmail()
			if rapid.Bool().Draw(rt, "left") {
				w.left.create("email", email, "name", w.someName(rt))
			} else {
				w.right.create("mail", email, "fullname", w.someName(rt))
			}
		},
		"edit": func(rt *rapid.T) {
			f := rapid.SampledFrom([]*fake{w.left, w.right}).Draw(rt, "system")
			if len(f.living()) == 0 {
				rt.Skip("no records")
			}
			name := "name"
			if f == w.right {
				name = "fullname"
			}
			f.edit(rapid.SampledFrom(f.living()).Draw(rt, "record"), name, w.someName(rt))
		},
		"deliver": func(rt *rapid.T) { w.once() },
		"shuffle": func(rt *rapid.T) { w.hooks = rapid.Permutation(w.hooks).Draw(rt, "order") },
		"lose":    func(*rapid.T) { w.takeHooks() },
		"double": func(rt *rapid.T) {
			w.enough(rt)
			w.hooks = append(w.hooks, w.hooks...)
		},
		"again": func(rt *rapid.T) { // the same content under other ids, much later
			w.enough(rt)
			w.hooks = slices.Clone(w.hooks)
			for _, c := range slices.Clone(w.hooks) {
				w.hook(c.Ref)
			}
		},
		"wait": func(rt *rapid.T) {
			time.Sleep(time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "ms")) * time.Millisecond)
		},
		"fail": func(rt *rapid.T) { // the next write fails, or only its answer is lost
			f := rapid.SampledFrom([]*fake{w.left, w.right}).Draw(rt, "system")
			armed := true
			fault := func(op string, _ sync.Ref) error {
				if !armed || op != "create" && op != "update" {
					return nil
				}
				armed = false
				return &sync.Error{Op: "fake", Action: sync.Retry}
			}
			if rapid.Bool().Draw(rt, "applied") {
				f.after = fault
			} else {
				f.before = fault
			}
		},
	}
}

// enough skips what doubles the webhooks when there are many: thirty times in a
// row took all the memory of a machine.
func (w *history) enough(rt *rapid.T) {
	if len(w.hooks) > 500 {
		rt.Skip("enough webhooks")
	}
}

func (w *history) merge(rt *rapid.T) {
	rights := w.right.living()
	if len(rights) < 2 {
		rt.Skip("nothing to merge")
	}
	order := rapid.Permutation(rights).Draw(rt, "merged")
	w.right.merge(order[0], order[1])
	w.merges++
}

func (w *history) removeOrRestore(rt *rapid.T) {
	f := rapid.SampledFrom([]*fake{w.left, w.right}).Draw(rt, "system")
	if len(f.records) == 0 {
		rt.Skip("no records")
	}
	ref := f.ref(rapid.SampledFrom(slices.Sorted(maps.Keys(f.records))).Draw(rt, "record"))
	f.remove(ref, !f.records[ref.ID].deleted)
}

// intact checks what must hold at rest after merges and deletions.
func (w *history) intact() {
	links, err := w.store.Links(w.ctx, w.flow.Name, "", 1000)
	if err != nil {
		w.Fatal(err)
	}
	known := map[sync.Ref]bool{}
	for _, l := range links {
		for _, end := range []sync.Ref{l.Left, l.Right} {
			if known[end] && !end.Zero() {
				w.Errorf("%s is the end of two links", end)
			}
			known[end] = true
		}
	}
	stuck := map[string]bool{} // what waits for a person
	for _, d := range w.dead() {
		stuck[d.Message.Key] = true
	}
	for _, ref := range append(w.left.living(), w.right.living()...) {
		if !known[ref] && !stuck[ref.String()] {
			w.Errorf("%s has neither a link nor a dead letter", ref)
		}
	}
	if most := 2*w.people + w.merges; w.left.minted+w.right.minted > most {
		w.Errorf("%d records for %d persons and %d merges", w.left.minted+w.right.minted, w.people, w.merges)
	}
	a := w.verify()
	for _, d := range a.Differences {
		if !stuck[d.Left.String()] && !stuck[d.Right.String()] {
			w.Errorf("%s and %s differ in %s and nobody is told", d.Left, d.Right, d.Field)
		}
	}
	if a.Missing != 0 {
		w.Errorf("%d pairs miss a record and are not detached", a.Missing)
	}
	w.left.takeWrites()
	w.right.takeWrites()
	w.look(w.left.living()...)
	w.look(w.right.living()...)
	w.settle()
	w.wrote()
}

func (w *history) freshEmail() string {
	w.people++
	return fmt.Sprintf("p%d@example.com", w.people)
}

func (w *history) someName(rt *rapid.T) string {
	w.names++
	return rapid.SampledFrom([]string{"", "Ana", "Eva", "Leo"}).Draw(rt, "name")
}

// converged checks what must hold at rest.
func (w *history) converged() {
	lefts, rights := w.left.living(), w.right.living()
	if len(lefts) != len(rights) || len(lefts) != w.people {
		w.Errorf("%d left and %d right records for %d persons", len(lefts), len(rights), w.people)
	}
	w.agrees(w.people)
	w.noDead()
	w.bounded()
	w.look(lefts...)
	w.look(rights...)
	w.settle()
	w.wrote()
}

// bounded checks that no more was written than people gave reason to, and
// that the audit knows every value that was overwritten.
func (w *history) bounded() {
	w.Helper()
	audited := w.audited()
	count := map[string]int{}
	for _, s := range append(w.left.takeWrites(), w.right.takeWrites()...) {
		count[s.field]++
		if !s.was.Blank() && s.was != s.value && !audited[s.was.String()] {
			w.Errorf("%s %s was overwritten and the audit does not know what it was", s.ref, s.field)
		}
	}
	if n := count["name"] + count["fullname"]; n > w.names {
		w.Errorf("%d writes of names after %d edits", n, w.names)
	}
	for _, field := range []string{"alpha_id", "beta_id"} {
		if count[field] > w.people {
			w.Errorf("%d writes of %s for %d persons", count[field], field, w.people)
		}
	}
}
