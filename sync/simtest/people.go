package simtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// An Action is something that people or vendors do. Its numbers choose among
// what there is at its moment, so that it means something in any world.
type Action struct {
	At   time.Duration // since the beginning
	Kind ActionKind
	Side sync.Side
	Flow int     // choose among the flows,
	Who  float64 // the records,
	What float64 // and the fields or what else there is
}

// An ActionKind says what an action does.
type ActionKind string

// The actions.
const (
	Register ActionKind = "register" // somebody new comes in on one side
	Meet     ActionKind = "meet"     // and here on both sides at about the same time
	Edit     ActionKind = "edit"
	Clash    ActionKind = "clash" // one field is edited on both sides at about the same time
	Clear    ActionKind = "clear"
	Tell     ActionKind = "tell" // a fact happens
	Merge    ActionKind = "merge"
	Remove   ActionKind = "remove"
	Restore  ActionKind = "restore"
	Poison   ActionKind = "poison"  // a value that breaks a rule
	Archive  ActionKind = "archive" // a system cannot hold a field for a while
	Outage   ActionKind = "outage"  // a system is down for a while
	Deploy   ActionKind = "deploy"  // a process is replaced in good order
	Forget   ActionKind = "forget"  // a person asks to be erased

	Stocktake ActionKind = "inventory" // something happens that nobody tells of, and an inventory is taken
	Load      ActionKind = "backfill"  // somebody comes in of whom nobody tells, and all are walked through
	TakeBack  ActionKind = "undo"      // the last writes to a pair are taken back
)

// ActionKinds lists them.
var ActionKinds = []ActionKind{Register, Meet, Edit, Clash, Clear, Tell, Merge, Remove, Restore, Poison, Archive, Outage, Deploy, Forget,
	Stocktake, Load, TakeBack}

// frequent is how often each kind happens, compared with others.
var frequent = map[ActionKind]int{Register: 14, Meet: 6, Edit: 40, Clash: 12, Clear: 3, Tell: 18, Merge: 4, Remove: 4,
	Restore: 4, Poison: 3, Archive: 4, Outage: 2, Deploy: 2, Forget: 3, Stocktake: 2, Load: 2, TakeBack: 3}

// script draws what happens in a run.
func script(rng *rand.Rand, n, flows int) []Action {
	var bag []ActionKind
	for _, kind := range ActionKinds {
		if frequent[kind] > 5 || rng.IntN(2) == 0 { // the rare ones not in every world
			for range frequent[kind] {
				bag = append(bag, kind)
			}
		}
	}
	actions := make([]Action, n)
	at := time.Duration(0)
	for i := range actions {
		if rng.IntN(3) > 0 {
			at += time.Duration(rng.Int64N(int64(500 * time.Millisecond)))
		} else {
			at += time.Duration(rng.Int64N(int64(8 * time.Second)))
		}
		kind := bag[rng.IntN(len(bag))]
		if i < 4 {
			kind = Register
		}
		actions[i] = Action{At: at, Kind: kind, Side: sync.Side(rng.IntN(2)), Flow: rng.IntN(flows), Who: rng.Float64(), What: rng.Float64()}
	}
	return actions
}

// act carries out an action.
func (w *world) act(a Action) {
	f := w.cfg.Flows[a.Flow]
	v := w.vendors[f.End(a.Side).System]
	ref, some := pick(v.living(f.End(a.Side).Kind), a.Who*a.Who) // some people are busier than others
	w.trace.add("act", fmt.Sprint(a.Kind, " ", ref))
	w.acted[a.Kind]++
	switch a.Kind {
	case Register:
		w.register(f, a.Side, nil)
	case Meet:
		w.meet(f, a)
	case Tell:
		if some {
			w.happen(a, f, ref)
		}
	case Outage:
		v.down = time.Now().Add(w.span("outage", time.Second, 40*time.Second))
	case Archive:
		w.archive(f, a, v)
	case Deploy:
		if p, ok := pick(w.alive(), a.Who); ok {
			w.procs[p].deploy()
		}
	case Restore:
		w.restore(f, a, v)
	case Stocktake:
		w.stocktake(f, a, v, ref)
	case Load:
		w.load(f, a, v)
	default:
		if some {
			w.edit(a, f, v, ref)
		}
	}
}

// edit carries out an action on a record.
func (w *world) edit(a Action, f *sync.Flow, v *vendor, ref sync.Ref) {
	names := w.editable(f, a.Side)
	name, some := pick(names, a.What)
	switch {
	case a.Kind == Merge:
		w.merge(f, a, v, ref)
	case a.Kind == Forget:
		w.forget(f, ref)
	case a.Kind == TakeBack:
		w.takeBack(f, a, ref)
	case a.Kind == Remove:
		w.tell(ref, "a person deletes it")
		w.removed[ref] = true
		v.remove(ref, true)
	case !some:
	case a.Kind == Clear:
		w.enter(f, a.Side, ref, sync.Fields{name: {}})
	case a.Kind == Poison:
		if bad, ok := w.poisonous(f, a.Side, v.records[ref].fields); ok {
			w.poisoned[ref] = true
			w.enter(f, a.Side, ref, bad)
		}
	case a.Kind == Clash:
		w.clash(f, a, ref)
	default:
		w.enter(f, a.Side, ref, w.invent(f, a.Side, ref, name))
		if a.Who > 0.8 { // a second field at once
			other, _ := pick(names, 1-a.What)
			w.enter(f, a.Side, ref, w.invent(f, a.Side, ref, other))
		}
	}
}

// clash has one field edited on both sides of a pair within moments.
func (w *world) clash(f *sync.Flow, a Action, ref sync.Ref) {
	var fields []*sync.Field
	for i := range f.Fields {
		if f.Fields[i].Direction == sync.Both {
			fields = append(fields, &f.Fields[i])
		}
	}
	field, ok := pick(fields, a.What)
	if !ok {
		return
	}
	w.enter(f, a.Side, ref, w.invent(f, a.Side, ref, lensOf(field, a.Side).Names()[0]))
	link, err := w.store.Link(background, f.Name, ref)
	if err != nil || link.End(a.Side.Other()).Zero() {
		return
	}
	far := w.vendors[f.End(a.Side.Other()).System]
	w.sched.after(w.span("clash", 0, 2*time.Second), func() {
		to := far.resolve(link.End(a.Side.Other()))
		if r := far.records[to]; r != nil && !r.deleted {
			w.enter(f, a.Side.Other(), to, w.invent(f, a.Side.Other(), to, lensOf(field, a.Side.Other()).Names()[0]))
		}
	})
}

// enter sets fields as a person would.
func (w *world) enter(f *sync.Flow, side sync.Side, ref sync.Ref, fields sync.Fields) {
	v := w.vendors[ref.System]
	for name := range fields {
		if v.lost[name] != "" {
			return // nobody can edit what is archived
		}
	}
	if len(fields) == 0 || !w.free(v, ref, fields) {
		return
	}
	var was sync.Fields
	if r := v.records[ref]; r != nil {
		was = r.fields.Clone()
	}
	w.tell(ref, "a person enters %s", values(fields))
	v.put(ref, fields, false)
	w.changes(ref, was, v.records[ref].fields, func(f *sync.Flow, s sync.Side, field *sync.Field, a, b sync.Value) {
		w.history.entered(fieldName(f, field), ref, s, a, b)
	})
}

// free reports whether no other record holds one of the values, where the
// vendor has them unique.
func (w *world) free(v *vendor, ref sync.Ref, fields sync.Fields) bool {
	for _, name := range v.quirks.Unique {
		if slices.ContainsFunc(v.holding(ref.Kind, name, fields[name]), func(o sync.Ref) bool { return o != ref }) {
			return false
		}
	}
	return true
}

// register has somebody new come in on a side. What given holds is taken over.
func (w *world) register(f *sync.Flow, side sync.Side, given sync.Fields) sync.Ref {
	end := f.End(side)
	v := w.vendors[end.System]
	ref := v.mint(end.Kind)
	fields := sync.Fields{}
	for i, name := range w.editable(f, side) {
		if given[name].Blank() && i > 1 && chance(w.seed, fmt.Sprint(ref, name)) < 0.3 {
			continue // not everything is known of everybody
		}
		for n, value := range w.invent(f, side, ref, name) {
			fields[n] = value
		}
		if !given[name].Blank() {
			fields[name] = given[name]
		}
	}
	w.enter(f, side, ref, fields) // unless the person is known there by now
	return ref
}

// meet has the same person come in on both sides.
func (w *world) meet(f *sync.Flow, a Action) {
	first := w.register(f, a.Side, nil)
	raw := w.vendors[first.System].records[first]
	if raw == nil {
		return
	}
	given := sync.Fields{}
	for i := range f.Identity {
		id := &f.Identity[i]
		near, far := id.Left, id.Right
		if a.Side == sync.Right {
			near, far = far, near
		}
		if v, err := near.Get(raw.fields); err == nil && near.Names()[0] != sync.IDField && far.Names()[0] != sync.IDField {
			if put, err := far.Put(v, nil); err == nil {
				given[far.Names()[0]] = put[far.Names()[0]]
			}
		}
	}
	w.sched.after(w.span("meet", 0, 3*time.Second), func() { w.register(f, a.Side.Other(), given) })
}

// pick chooses one of several by a number in [0,1).
func pick[T any](from []T, x float64) (T, bool) {
	if len(from) == 0 {
		var none T
		return none, false
	}
	return from[min(int(x*float64(len(from))), len(from)-1)], true
}
