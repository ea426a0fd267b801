package sync_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// One association that is refused for good holds up neither the pair nor the
// others.
func TestAssociationThatIsRefusedIsGivenUp(t *testing.T) {
	for _, refusal := range []*sync.Error{
		{Op: "join", Action: sync.Invalid, Rule: "association.limit"},
		{Op: "join", Action: sync.Fatal, Rule: "association.type"},
		{Op: "join", Action: sync.NotFound, Rule: "gone"},
		{Op: "join", Action: sync.NotFound, Ref: noteRef(0), Rule: "gone"},
	} {
		t.Run(refusal.Action.String(), func(t *testing.T) {
			n := &notebook{rung: byKey}
			n.joined = func(i int) (before, after error) { return sometimes(refusal, i == 1), nil }
			bubble(t, func(w *world) {
				ana, _ := w.pair("name", "Ana")
				eva := w.stranger()
				w.accept(with("f1", ana, eva), with("f2", ana, eva))
				w.settle()
				w.look(eva)
				w.settle()
				kept := n.related[w.link(eva).Right]
				if len(kept) != 1 || n.joins != 2 {
					t.Fatalf("%v after %d associations, want the one that was not refused", kept, n.joins)
				}
				refused := noteRef(0) // what is owed has an order of its own
				if kept[0] == refused {
					refused = noteRef(1)
				}
				w.left.edit(eva, "name", "Eva Gil")
				w.settle()
				w.holds(w.right, w.link(eva).Right, "fullname", "Eva Gil")
				if failed := w.entries(sync.EntryFailed); n.joins != 2 || len(failed) != 1 || failed[0].Right != refused {
					t.Errorf("%d associations, the audit says %+v", n.joins, failed)
				}
				w.noDead()
			}, mentioning(n))
		})
	}
}

// A record that is not found just now is asked for again at the next look,
// when the pair has followed it.
func TestAssociationWithWhatIsNotFoundStaysOwed(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		ana, _ := w.pair("name", "Ana")
		eva := w.stranger()
		gone := true
		n.joined = func(int) (before, after error) {
			return sometimes(&sync.Error{Op: "join", Action: sync.NotFound, Ref: w.link(eva).Right, Rule: "gone"}, gone), nil
		}
		w.accept(with("f1", ana, eva))
		w.settle()
		w.look(eva)
		w.settle()
		w.shows(n, eva)
		gone = false
		w.look(eva)
		w.settle()
		w.shows(n, eva, noteRef(0))
		w.noDead()
	}, mentioning(n))
}

// A gateway keeps what is associated from a flow, until it is lifted.
type gateway struct {
	name        string
	close, open func(w *world, flow *sync.Flow)
}

var gateways = []gateway{
	rollingOut("shadow", sync.Rollout{Shadow: true}),
	rollingOut("part", sync.Rollout{Allow: []sync.Ref{{System: leftSystem, Kind: contact, ID: "somebody"}}}),
	switching("all", sync.Switch{Flow: "friends"}),
	switching("one direction", sync.Switch{Flow: "friends", To: "right"}),
}

func rollingOut(name string, to sync.Rollout) gateway {
	set := func(r sync.Rollout) func(*world, *sync.Flow) {
		return func(w *world, flow *sync.Flow) { flow.Rollout = r; w.start() }
	}
	return gateway{name, set(to), set(sync.Rollout{})}
}

func switching(name string, s sync.Switch) gateway {
	throw := func(do func(*sync.Engine, context.Context, sync.Switch) error) func(*world, *sync.Flow) {
		return func(w *world, _ *sync.Flow) {
			if err := do(w.engine, w.ctx, s); err != nil {
				w.Fatal(err)
			}
		}
	}
	return gateway{name, throw((*sync.Engine).Suspend), throw((*sync.Engine).Resume)}
}

// Nothing is associated with a record where its flow may not write, neither
// with the activity nor later, and nothing else waits for that.
func TestAssociationsAreMadeWhereTheirFlowMayWrite(t *testing.T) {
	for _, g := range gateways {
		for _, first := range []string{"the fact", "the record"} {
			t.Run(g.name+", first "+first, func(t *testing.T) {
				n := &notebook{rung: byKey}
				bubble(t, func(w *world) {
					friends := people()
					friends.Name = "friends"
					w.cfg.Flows = append(w.cfg.Flows, friends)
					w.cfg.Activities[0].Relate[1].Flow = friends.Name
					w.start()
					ana, _ := w.pair("name", "Ana")
					g.close(w, friends)
					eva := w.stranger()
					steps := []func(){func() { w.accept(with("f1", ana, eva), fact("f2", ana)) }, func() { w.look(eva) }}
					if first == "the record" {
						slices.Reverse(steps)
					}
					for _, step := range steps {
						step()
						w.once()
						time.Sleep(time.Second)
						w.once()
					}
					w.shows(n, ana, noteRef(0), noteRef(1))
					w.shows(n, eva)
					g.open(w, friends)
					w.look(eva)
					w.settle()
					w.shows(n, eva, noteRef(0))
					w.noDead()
				}, mentioning(n))
			})
		}
	}
}

// What a switch kept back is made up for when the flow is resumed, without
// anybody looking.
func TestAssociationsComeAfterAResume(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		friends := people()
		friends.Name = "friends"
		w.cfg.Flows = append(w.cfg.Flows, friends)
		w.cfg.Activities[0].Relate[1].Flow = friends.Name
		w.start()
		ana, _ := w.pair("name", "Ana")
		eva, _ := w.pair("name", "Eva")
		stop := sync.Switch{Flow: "friends"}
		if err := w.engine.Suspend(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		w.accept(with("f1", ana, eva))
		w.once()
		w.shows(n, eva)
		if err := w.engine.Resume(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.shows(n, eva, noteRef(0))
		w.noDead()
	}, mentioning(n))
}
