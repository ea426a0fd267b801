package sync_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// overwritten makes a pair whose left name is edited to "Eva" while somebody
// edits the right one to "Ida", after the engine has read it. The edit's
// signals are on their way.
func (w *world) overwritten() (left, right sync.Ref) { return w.overwrittenBy("a person") }

func (w *world) overwrittenBy(author string) (left, right sync.Ref) {
	w.Helper()
	left, right = w.pair("email", "ana@example.com", "name", "Ana")
	w.right.tune(func() {
		w.right.before = func(op string, ref sync.Ref) error {
			if op == "update" {
				w.right.before = nil
				w.right.author = author
				w.right.edit(ref, "fullname", "Ida")
				w.right.author = ""
			}
			return nil
		}
	})
	w.left.edit(left, "name", "Eva")
	w.enqueue(w.takeHooks()...)
	if err := w.engine.RunOnce(w.ctx); err != nil {
		w.Fatal(err)
	}
	w.holds(w.right, right, "fullname", "Eva")
	return left, right
}

func TestOverwrittenEditIsSettledByItsPolicy(t *testing.T) {
	for _, c := range []struct {
		name, rule, left, right string
		outcome                 sync.Outcome
		adjust                  func(w *world)
		meanwhile               func(w *world, left, right sync.Ref)
	}{
		{name: "the later edit wins", rule: "policy.last-write-wins", left: "Ida", right: "Ida", outcome: sync.Wrote},
		{name: "nobody knows which is later", rule: "policy.last-write-wins", left: "Eva", right: "Eva", outcome: sync.Wrote,
			adjust: func(w *world) {
				w.flow.Fields[3].Policy.Owner = sync.Left
				w.cfg.Peers[leftSystem] = sync.Peer{Source: skewed{w.left}, Sink: w.left}
			}},
		{name: "the owner's edit wins", rule: "policy.owner", left: "Ida", right: "Ida", outcome: sync.Wrote,
			adjust: func(w *world) { w.flow.Fields[3].Policy = sync.Policy{Kind: sync.Own, Owner: sync.Right} }},
		{name: "the other side is the owner", rule: "policy.owner", left: "Eva", right: "Eva", outcome: sync.Wrote,
			adjust: func(w *world) { w.flow.Fields[3].Policy = sync.Policy{Kind: sync.Own, Owner: sync.Left} }},
		{name: "a person decides", rule: "policy.review", left: "Eva", right: "Eva", outcome: sync.Held,
			adjust: func(w *world) { w.flow.Fields[3].Policy = sync.Policy{Kind: sync.Review} }},
		{name: "one way only", rule: "one-way", left: "Eva", right: "Eva", outcome: sync.Wrote,
			adjust: func(w *world) { w.flow.Fields[3].Direction = sync.ToRight }},
		{name: "edited again on the same side", rule: "not restored", left: "Uma", right: "Uma", outcome: sync.Kept,
			meanwhile: func(w *world, _, right sync.Ref) { w.right.edit(right, "fullname", "Uma") }},
		{name: "edited again on the other side", rule: "not restored", left: "Uma", right: "Uma", outcome: sync.Kept,
			meanwhile: func(w *world, left, _ sync.Ref) { w.left.edit(left, "name", "Uma") }},
		{name: "the restoring write fails once", rule: "policy.last-write-wins", left: "Ida", right: "Ida", outcome: sync.Wrote,
			meanwhile: func(w *world, _, _ sync.Ref) {
				w.right.tune(func() { w.right.before = once(&sync.Error{Op: "fake", Action: sync.Retry}) })
			}},
		{name: "both restoring writes fail once", rule: "policy.last-write-wins", left: "Ida", right: "Ida", outcome: sync.Wrote,
			meanwhile: func(w *world, _, _ sync.Ref) {
				w.right.tune(func() { w.right.before = once(&sync.Error{Op: "fake", Action: sync.Retry}) })
				w.left.tune(func() { w.left.before = once(&sync.Error{Op: "fake", Action: sync.Retry}) })
			}},
		{name: "the signal was lost, and a person asks", rule: "policy.last-write-wins", left: "Ida", right: "Ida", outcome: sync.Wrote,
			meanwhile: func(w *world, _, right sync.Ref) {
				w.takeHooks()
				w.settle()
				w.holds(w.right, right, "fullname", "Eva")
				w.enqueue(sync.Change{ID: "asked", Ref: right, Reason: sync.ReasonManual})
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.overwritten()
				if c.meanwhile != nil {
					time.Sleep(time.Second)
					c.meanwhile(w, left, right)
				}
				w.settle()
				w.holds(w.left, left, "name", c.left)
				w.holds(w.right, right, "fullname", c.right)
				told := map[sync.Outcome]bool{}
				for _, s := range w.lost(left, "name") {
					told[s.Outcome] = true
					if s.Rule != "lost-update: "+c.rule || s.Before[sync.Right] != sync.Text("Ida") {
						t.Errorf("told as %+v", s)
					}
				}
				if !told[c.outcome] || len(told) != 1 {
					t.Errorf("told as %v, want %s", told, c.outcome)
				}
				w.look(left, right)
				w.settle()
				w.agrees(1)
				w.noDead()
			}, chronicling, func(w *world) {
				if c.adjust != nil {
					c.adjust(w)
				}
			})
		})
	}
}

// once is a fault of the next update.
func once(err error) fault {
	done := false
	return func(op string, _ sync.Ref) error {
		if op != "update" || done {
			return nil
		}
		done = true
		return err
	}
}

// The same signal again, or another look, tells nothing twice.
func TestOverwrittenEditIsToldOnce(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.overwritten()
		hooks := w.takeHooks()
		for i := range 3 {
			for _, c := range hooks {
				c.ID += string(rune('a' + i))
				w.enqueue(c)
			}
			w.enqueue(sync.Change{ID: "asked" + string(rune('a'+i)), Ref: right, Reason: sync.ReasonManual})
			w.settle()
		}
		if n := len(w.lost(left, "name")); n != 1 || w.count(sync.EventLost) != 1 {
			t.Errorf("told %d times, %d events", n, w.count(sync.EventLost))
		}
	}, chronicling, func(w *world) { w.flow.Fields[3].Policy = sync.Policy{Kind: sync.Own, Owner: sync.Left} })
}

// A call of ours that was given up may take effect late, just before another.
// What that one overwrites is nobody's edit.
func TestOverwrittenLateCallIsNoEdit(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.overwrittenBy("engine")
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
		if w.right.calls["history"] == 0 {
			t.Error("nothing was in doubt")
		}
		if told := w.lost(left, "name"); len(told) != 0 {
			t.Errorf("told as %+v", told)
		}
	}, chronicling)
}

// A write of ours failed, and somebody enters the very value of it, after
// another one. To the engine it looks as if the write had taken effect after
// all; but the other value is not what it overwrote.
func TestOverwritingIsNotInferredFromAPersonsEdit(t *testing.T) {
	for _, nameless := range []bool{false, true} {
		t.Run(fmt.Sprint("nameless ", nameless), func(t *testing.T) {
			bubble(t, func(w *world) {
				w.cfg.Peers[leftSystem] = sync.Peer{Source: chronicled{w.left, nameless}, Sink: w.left}
				w.start()
				left, right := w.pair("email", "ana@example.com", "name", "Ana")
				w.left.tune(func() { w.left.before = once(&sync.Error{Op: "fake", Action: sync.Retry}) })
				w.right.edit(right, "fullname", "Eva")
				w.enqueue(w.takeHooks()...)
				if err := w.engine.RunOnce(w.ctx); err != nil {
					t.Fatal(err)
				}
				w.holds(w.left, left, "name", "Ana")
				time.Sleep(time.Millisecond)
				w.left.edit(left, "name", "Ida")
				time.Sleep(time.Millisecond)
				w.left.edit(left, "name", "Eva")
				w.settle()
				w.holds(w.left, left, "name", "Eva")
				w.holds(w.right, right, "fullname", "Eva")
				if w.left.calls["history"] == 0 {
					t.Error("nothing was in doubt")
				}
				if told := w.lost(left, "name"); len(told) != 0 {
					t.Errorf("told as %+v", told)
				}
			}, chronicling)
		})
	}
}

// A write that nobody answered overwrote an edit all the same: the history
// names the author of the write, who is that of the others of ours.
func TestOverwritingThatNobodyAnswered(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.after = once(&sync.Error{Op: "fake", Action: sync.Retry})
		left, right := w.overwritten()
		w.settle()
		if told := w.lost(left, "name"); len(told) != 1 || told[0].Before[sync.Right] != sync.Text("Ida") {
			t.Errorf("told as %+v", told)
		}
		w.holds(w.left, left, "name", "Ida")
		w.holds(w.right, right, "fullname", "Ida")
	}, chronicling)
}

// As long as the history cannot be asked, nothing is stored about the look.
func TestOverwrittenEditWaitsForTheHistory(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.overwritten()
		time.Sleep(time.Second)
		w.right.edit(right, "note", "not mapped")
		answering := w.cfg.Peers[rightSystem]
		w.cfg.Peers[rightSystem] = sync.Peer{Source: forgetting{w.right}, Sink: w.right}
		w.start()
		before := w.link(right).Generation
		w.once()
		if w.stats().Sleeping == 0 || w.link(right).Generation != before {
			t.Errorf("%+v, generation %d, want %d", w.stats(), w.link(right).Generation, before)
		}
		w.cfg.Peers[rightSystem] = answering
		w.start()
		w.settle()
		w.holds(w.right, right, "fullname", "Ida")
		w.holds(w.left, left, "name", "Ida")
	}, chronicling)
}
