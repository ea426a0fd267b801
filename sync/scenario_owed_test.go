package sync_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// mentioning has notes associated with the person that their fact mentions,
// too, if that one is known.
func mentioning(n *notebook) func(*world) {
	return func(w *world) {
		jotting(n)(w)
		w.cfg.Activities[0].Relate = append(w.cfg.Activities[0].Relate, sync.Relation{Flow: "people", Of: func(f sync.Fact) (sync.Ref, bool) {
			id, ok := f.Data["with"].(string)
			return sync.Ref{System: leftSystem, Kind: contact, ID: id}, ok
		}})
	}
}

// with is a fact that mentions somebody.
func with(id string, about, mentioned sync.Ref) sync.Fact {
	f := fact(id, about)
	f.Data["with"] = mentioned.ID
	return f
}

func eachMention(t *testing.T, run func(w *world, n *notebook)) {
	for _, r := range rungs {
		t.Run(string(r), func(t *testing.T) {
			n := &notebook{rung: r}
			bubble(t, func(w *world) { run(w, n) }, mentioning(n))
		})
	}
}

// stranger makes a record that nobody tells of.
func (w *world) stranger() sync.Ref {
	ref := w.left.create("name", "Eva")
	w.takeHooks()
	return ref
}

// shows checks which notes are shown on the counterpart of a record.
func (w *world) shows(n *notebook, left sync.Ref, want ...sync.Ref) {
	w.Helper()
	if got, _ := n.Related(w.ctx, w.link(left).Right, note); !slices.Equal(got, want) {
		w.Errorf("on %s there are %v, want %v", left, got, want)
	}
}

func TestActivitiesAreAssociatedWithWhatComesAfterThem(t *testing.T) {
	eachMention(t, func(w *world, n *notebook) {
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		w.accept(with("f1", ana, eva), fact("f2", ana), with("f3", ana, eva))
		w.settle()
		w.shows(n, ana, noteRef(0), noteRef(1), noteRef(2))
		if n.joins != 0 {
			t.Errorf("%d associations before there is anything to associate with", n.joins)
		}
		w.look(eva)
		w.settle()
		w.shows(n, eva, noteRef(0), noteRef(2))
		if n.joins != 2 {
			t.Errorf("%d associations, want each once", n.joins)
		}
		related := w.entries(sync.EntryRelated)
		if len(related) != 2 || related[0].Left != w.link(eva).Right || related[0].Right != noteRef(0) {
			t.Errorf("the audit says %+v", related)
		}
		w.look(ana, eva)
		w.accept(with("f4", ana, eva))
		w.settle()
		w.shows(n, eva, noteRef(0), noteRef(2), noteRef(3))
		if n.joins != 2 || len(n.texts()) != 4 {
			t.Errorf("%d associations and %d notes, want nothing done twice", n.joins, len(n.texts()))
		}
		w.noDead()
	})
}

// More activities than one page of what is owed.
func TestManyActivitiesAreAssociatedWithWhatComesAfterThem(t *testing.T) {
	eachMention(t, func(w *world, n *notebook) {
		ana, _ := w.pair("name", "Ana")
		eva, zoe := w.stranger(), w.stranger()
		for i := range 250 {
			w.accept(with(fmt.Sprint("e", i), ana, eva), with(fmt.Sprint("z", i), ana, zoe))
		}
		w.settle()
		w.look(eva)
		w.settle()
		if got := len(n.related[w.link(eva).Right]); got != 250 || n.joins != 250 {
			t.Errorf("%d notes after %d associations", got, n.joins)
		}
		w.noDead()
	})
}

// Answers to associations are lost, and some fail before their effect.
func TestAssociationWhoseAnswerIsLost(t *testing.T) {
	timeout := &sync.Error{Op: "join", Action: sync.Retry, Err: errors.New("timeout")}
	eachMention(t, func(w *world, n *notebook) {
		n.joined = func(i int) (before, after error) {
			return sometimes(timeout, i == 1), sometimes(timeout, i == 2 || i == 3)
		}
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		w.accept(with("f1", ana, eva), with("f2", ana, eva))
		w.settle()
		w.look(eva)
		for range 10 {
			w.settle()
			time.Sleep(time.Minute)
		}
		if got := n.related[w.link(eva).Right]; len(got) != 2 || n.joins < 5 {
			t.Errorf("%v after %d associations", got, n.joins)
		}
		w.noDead()
	})
}

// A note that somebody deleted is owed nothing.
func TestActivityThatIsGoneIsNotAssociated(t *testing.T) {
	eachMention(t, func(w *world, n *notebook) {
		n.joined = func(int) (before, after error) {
			return &sync.Error{Op: "join", Action: sync.NotFound, Ref: noteRef(0), Rule: "gone"}, nil
		}
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		w.accept(with("f1", ana, eva))
		w.settle()
		w.look(eva)
		w.settle()
		w.look(eva)
		w.settle()
		if failed := w.entries(sync.EntryFailed); n.joins != 1 || len(failed) != 1 || failed[0].Right != noteRef(0) {
			t.Errorf("%d associations, the audit says %+v", n.joins, failed)
		}
		w.noDead()
	})
}

// The process dies at each operation in turn, of the recording and of what
// comes after it, and the answer to the note may be lost besides.
func TestActivityIsAssociatedWhereverTheProcessDies(t *testing.T) {
	for _, r := range rungs {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprint(r, ", lost: ", lost), func(t *testing.T) {
				for step := 2; diesOwing(t, &notebook{rung: r}, step/2, step%2 == 1, lost); step++ {
					if step == 200 {
						t.Fatal("there is no end to the operations")
					}
				}
			})
		}
	}
}

// diesOwing records a fact before the person that it mentions is known, by a
// process that dies at some operation, and reports whether it died.
func diesOwing(t *testing.T, n *notebook, dieAt int, late, lost bool) (died bool) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, t.Context(), mentioning(n))
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		n.after = func(i int) error { return sometimes(&sync.Error{Op: "note", Action: sync.Retry}, lost && i == 1) }
		m := &mortal{Store: w.store, Queue: w.queue, dieAt: dieAt, late: late}
		w.cfg.Store, w.cfg.Queue = m, m
		w.start()
		w.accept(with("f1", ana, eva))
		_ = w.engine.RunOnce(w.ctx)
		w.look(eva)
		_ = w.engine.RunOnce(w.ctx)
		died = m.died
		w.cfg.Store, w.cfg.Queue = w.store, w.queue
		w.start()
		for range 3 {
			time.Sleep(2 * time.Minute)
			w.settle()
			w.findOut(n)
		}
		w.noDead()
		w.shows(n, eva, noteRef(0))
		w.shows(n, ana, noteRef(0))
		if got := n.texts(); len(got) != 1 {
			t.Errorf("notes %q", got)
		}
		if t.Failed() {
			t.Logf("after a death at %v (late %v)", m.stepAt, late)
		}
	})
	return died && !t.Failed()
}

// Facts and the people whom they mention come at the same time.
func TestActivitiesAndWhatTheyMentionComeTogether(t *testing.T) {
	for seed := range uint64(20) {
		n := &notebook{rung: byKey}
		bubble(t, func(w *world) {
			rng := rand.New(rand.NewPCG(seed, 1))
			moment := func() time.Duration { return time.Duration(rng.IntN(100)) * time.Millisecond }
			ana, _ := w.pair("name", "Ana")
			var people []sync.Ref
			n.pause = func() time.Duration {
				n.mu.Lock()
				defer n.mu.Unlock()
				return moment()
			}
			stop := w.run()
			for i := range 30 {
				people = append(people, w.stranger())
				w.accept(with(fmt.Sprint("f", i), ana, people[i]))
				time.Sleep(n.pause())
				w.look(people[i])
			}
			time.Sleep(10 * time.Minute)
			stop()
			for _, p := range people {
				if got := n.related[w.link(p).Right]; len(got) != 1 {
					w.Errorf("seed %d: on %s there are %v", seed, p, got)
				}
			}
			w.noDead()
		}, mentioning(n))
	}
}

// The entry that tells of an association is the last of its chain, too.
func TestAuditTellsOfAnAssociationThatIsMissing(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		w.accept(with("said", ana, eva))
		w.settle()
		w.look(eva)
		w.settle()
		w.cfg.Store = shortened{w.store, sync.EntryRelated}
		w.start()
		report, err := w.engine.VerifyAudit(w.ctx)
		if err != nil || !slices.ContainsFunc(report.Faults, func(f sync.AuditFault) bool { return f.Rule == "chain.end" }) {
			t.Errorf("report %+v, %v", report, err)
		}
	}, mentioning(n))
}
