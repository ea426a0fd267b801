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
)

// triggered has every new name of a person told to the right system: as a note
// and by a field that a workflow of its watches.
func triggered(n *notebook) func(*world) {
	return func(w *world) {
		jotting(n)(w)
		told := func(f sync.Fact) (sync.Fields, error) {
			if f.Data["email"] == nil {
				return nil, &sync.Error{Op: "render", Action: sync.Invalid, Rule: "trigger.with"}
			}
			return sync.Fields{"body": sync.Text(fmt.Sprintf("%s>%s", f.Data["from"], f.Data["to"]))}, nil
		}
		w.cfg.Triggers = []sync.Trigger{{Name: "renamed", Flow: "people", Field: "name", From: []string{"Ana", "Eva"}, Fact: "renamed",
			With: []string{"email"}}}
		w.cfg.Activities = []*sync.Activity{
			{Name: "note", Fact: "renamed", System: rightSystem, Kind: note, Key: "key", Unique: true, Render: told,
				Relate: []sync.Relation{{Flow: "people", Required: true}}},
			{Name: "workflow", Fact: "renamed", System: rightSystem, Kind: contact, Update: true,
				Render: func(f sync.Fact) (sync.Fields, error) { return sync.Fields{"start": sync.Text(f.ID)}, nil },
				Relate: []sync.Relation{{Flow: "people", Required: true}}},
		}
	}
}

func TestTriggerFiresOnceForEachTransition(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana", "email", "ana@example.com")
		w.left.edit(left, "name", "Eva")
		w.settle()
		first := w.right.get(right, "start")
		time.Sleep(time.Minute)
		w.right.edit(right, "fullname", "Ana") // and back, on the other side
		w.settle()
		time.Sleep(time.Minute)
		w.left.edit(left, "name", "Eva") // the same transition as at first
		w.settle()
		w.left.edit(left, "email", "eva@example.com") // no transition of the name
		w.settle()
		time.Sleep(time.Minute)
		w.left.edit(left, "name", "Ida")
		w.settle()
		w.left.edit(left, "name", "Ulla") // not from a name that is meant
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva", "Eva>Ana", "Ana>Eva", "Eva>Ida"}) {
			t.Errorf("told %q", got)
		}
		if last := w.right.get(right, "start"); first == "" || last == "" || last == first {
			t.Errorf("the workflow's field was %q and is %q, want a new value each time", first, last)
		}
		w.noDead()
		w.agrees(1)
	}, triggered(n))
}

// The engine has just looked at the record whose transition it sees.
func TestTriggerCostsNoRead(t *testing.T) {
	reads := func(triggers ...sync.Trigger) (n int) {
		bubble(t, func(w *world) {
			left, _ := w.pair("name", "Ana")
			w.left.edit(left, "name", "Eva")
			w.settle()
			n = w.count(sync.EventRead)
			if facts := len(w.entries(sync.EntryFact)); facts != 2*len(triggers) {
				t.Errorf("%d facts of %d triggers", facts, len(triggers))
			}
		}, func(w *world) { w.cfg.Triggers = triggers })
		return n
	}
	without := reads()
	if with := reads(sync.Trigger{Name: "renamed", Flow: "people", Field: "name", Fact: "renamed"}); with != without || with == 0 {
		t.Errorf("%d reads with a trigger, %d without", with, without)
	}
}

// mortalNotes are written by a process that may die before or after the call.
type mortalNotes struct {
	*mortal
	notes *notebook
}

func (s mortalNotes) Apply(ctx context.Context, writes []sync.Write) (out []sync.Result, err error) {
	err = s.do("apply", func() (err error) { out, err = s.notes.Apply(ctx, writes); return })
	return out, err
}

func TestTriggerFiresOnceWhereverTheProcessDies(t *testing.T) {
	for step := 2; ; step++ {
		died := false
		n := &notebook{rung: byKey}
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, t.Context(), triggered(n))
			left, _ := w.pair("name", "Ana")
			w.left.edit(left, "name", "Eva")
			m := &mortal{Store: w.store, Queue: w.queue, dieAt: step / 2, late: step%2 == 1}
			peers := maps.Clone(w.cfg.Peers)
			w.cfg.Store, w.cfg.Queue = m, m
			w.cfg.Peers[rightSystem] = sync.Peer{Source: n, Sink: mortalNotes{m, n}}
			w.start()
			w.enqueueQuietly(w.takeHooks()...)
			_ = w.engine.RunOnce(w.ctx)
			died = m.died
			w.cfg.Store, w.cfg.Queue, w.cfg.Peers = w.store, w.queue, peers
			w.start()
			time.Sleep(2 * time.Minute)
			w.look(left)
			w.settle()
			if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva"}) {
				t.Errorf("after a death at %v (late %v): told %q", m.stepAt, m.late, got)
			}
		})
		if !died {
			if step < 12 {
				t.Fatalf("only %d steps", step/2)
			}
			return
		}
	}
}

// A fact can tell the very record that it is about.
func TestFactUpdatesARecordOfItsOwnSystem(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		w.cfg.Activities = []*sync.Activity{{Name: "score", Fact: "tour.scheduled", System: leftSystem, Kind: contact, Update: true,
			Render: func(f sync.Fact) (sync.Fields, error) { return sync.Fields{"score": sync.Text(f.ID)}, nil },
			Relate: []sync.Relation{{Required: true}}}}
		w.start()
		left := w.left.create("name", "Ana")
		w.accept(fact("f1", left), fact("f2", left))
		w.settle()
		w.holds(w.left, left, "score", "f2")
		if len(w.entries(sync.EntryRecorded)) != 2 {
			t.Error("not every fact is recorded")
		}
		w.noDead()
	}, jotting(n))
}

// A fact is recorded by the activities that it is meant for.
func TestActivityIsForSomeFactsOnly(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		w.cfg.Activities[0].When = func(f sync.Fact) bool { return f.ID != "f1" }
		w.start()
		left := w.left.create("name", "Ana")
		w.accept(fact("f1", left), fact("f2", left))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f2"}) {
			t.Errorf("notes %q", got)
		}
		w.noDead()
	}, jotting(n))
}

// The name arrives, while something else of the same plan does not.
func TestTriggerFiresForHalfOfAPlan(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana", "email", "ana@example.com")
		w.left.edit(left, "email", "gil@example.com")
		w.right.edit(right, "fullname", "Eva")
		w.right.before = failing("update")
		w.once()
		w.right.before = nil
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva"}) {
			t.Errorf("told %q", got)
		}
		w.agrees(1)
	}, triggered(n))
}

// A drop of the field that is watched is no transition.
func TestTriggerDoesNotFireForWhatWasDropped(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		beta := &withering{fake: w.right, gone: map[string]string{}, known: map[string]string{}}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: beta, Sink: split{n, beta}}
		w.start()
		left, _ := w.pair("name", "Ana")
		beta.seal("fullname")
		w.left.edit(left, "name", "Eva")
		w.settle()
		if got := n.texts(); len(got) != 0 {
			t.Errorf("told %q before the name arrived", got)
		}
		beta.mend("fullname")
		w.look(left)
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva"}) {
			t.Errorf("told %q", got)
		}
	}, triggered(n))
}

// split sends notes to one sink and everything else to another.
type split struct {
	notes *notebook
	rest  sync.Sink
}

func (s split) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	if writes[0].Ref.Kind == note {
		return s.notes.Apply(ctx, writes)
	}
	return s.rest.Apply(ctx, writes)
}

func TestTriggerNeedsAFlowAndAField(t *testing.T) {
	for name, trigger := range map[string]sync.Trigger{
		"fine":       {Name: "t", Flow: "people", Field: "name", Fact: "f"},
		"no name":    {Flow: "people", Field: "name", Fact: "f"},
		"no fact":    {Name: "t", Flow: "people", Field: "name"},
		"other flow": {Name: "t", Flow: "deals", Field: "name", Fact: "f"},
		"no field":   {Name: "t", Flow: "people", Field: "nome", Fact: "f"},
		"unread":     {Name: "t", Flow: "people", Field: "name", Fact: "f", With: []string{"age"}},
	} {
		bubble(t, func(w *world) {
			w.cfg.Triggers = []sync.Trigger{trigger}
			if _, err := sync.New(w.cfg); (err == nil) != (name == "fine") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// The write that made the transition had no answer.
func TestTriggerFiresOnceWhenAnAnswerIsLost(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		left, _ := w.pair("name", "Ana", "email", "ana@example.com")
		lost := false
		w.right.after = func(op string, _ sync.Ref) error {
			if op != "update" || lost {
				return nil
			}
			lost = true
			return &sync.Error{Op: "fake", Action: sync.Retry}
		}
		w.left.edit(left, "name", "Eva")
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva"}) {
			t.Errorf("told %q", got)
		}
		w.noDead()
	}, triggered(n))
}

// While another field waits for a person, the moment of the last agreement
// stands still: a transition that comes again is told again all the same.
func TestTriggerFiresAgainWhileAFieldIsHeld(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana", "email", "ana@example.com", "msisdn", "+1")
		w.left.edit(left, "msisdn", "+2")
		w.right.edit(right, "phone", "+3")
		w.settle()
		for _, name := range []string{"Eva", "Ana", "Eva"} {
			time.Sleep(time.Minute)
			w.left.edit(left, "name", name)
			w.settle()
		}
		if got := n.texts(); !slices.Equal(got, []string{"Ana>Eva", "Eva>Ana", "Ana>Eva"}) {
			t.Errorf("told %q", got)
		}
		w.noDead()
	}, triggered(n), func(w *world) { w.flow.Fields[4].Policy = sync.Policy{Kind: sync.Review} })
}
