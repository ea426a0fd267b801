package sync_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const note sync.Kind = "note"

// A notebook is the right fake with notes besides: what facts are recorded as.
type notebook struct {
	*fake
	rung rung

	mu      stdsync.Mutex
	notes   []sync.Write     // in the order they were made; the ID is the place
	places  map[string][]int // by key
	related map[sync.Ref][]sync.Ref
	before  func(n int) error // fails the n-th write before its effect
	after   func(n int) error // and after it
	writes  int
	joined  func(n int) (before, after error) // what the n-th association fails with
	joins   int
	pause   func() time.Duration // how long a write takes
}

func (n *notebook) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	if writes[0].Ref.Kind != note {
		return n.fake.Apply(ctx, writes)
	}
	if n.pause != nil {
		time.Sleep(n.pause())
		defer func() { time.Sleep(n.pause()) }()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]sync.Result, len(writes))
	for i, w := range writes {
		out[i] = n.write(w)
	}
	return out, nil
}

func (n *notebook) write(w sync.Write) sync.Result {
	if w.Ref.ID != "" {
		return n.join(w)
	}
	n.writes++
	if n.before != nil {
		if err := n.before(n.writes); err != nil {
			return sync.Result{Err: err}
		}
	}
	at, key := len(n.notes), w.Fields["key"].String()
	if held := n.places[key]; w.Key != "" && len(held) > 0 {
		at = held[0]
	}
	if at == len(n.notes) {
		n.notes = append(n.notes, w)
		n.places[key] = append(n.places[key], at)
	}
	n.relate(noteRef(at), w.Related)
	if n.after != nil {
		if err := n.after(n.writes); err != nil {
			return sync.Result{Err: err}
		}
	}
	return sync.Result{Record: sync.Record{Ref: noteRef(at)}, Created: true, Call: fmt.Sprint("call-", n.writes)}
}

// join associates a note that is there.
func (n *notebook) join(w sync.Write) sync.Result {
	n.joins++
	var before, after error
	if n.joined != nil {
		before, after = n.joined(n.joins)
	}
	if before != nil {
		return sync.Result{Err: before}
	}
	n.relate(w.Ref, w.Related)
	return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: after}
}

func (n *notebook) relate(made sync.Ref, to []sync.Ref) {
	for _, ref := range to {
		if !slices.Contains(n.related[ref], made) {
			n.related[ref] = append(n.related[ref], made)
		}
	}
}

func noteRef(i int) sync.Ref {
	return sync.Ref{System: rightSystem, Kind: note, ID: fmt.Sprint("N", i)}
}

func (n *notebook) Related(_ context.Context, ref sync.Ref, _ sync.Kind) ([]sync.Ref, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.related[ref]), nil
}

func (n *notebook) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	if kind != note {
		return n.fake.Read(ctx, kind, ids)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	out := make([]sync.Record, len(ids))
	for i, id := range ids {
		at, _ := strconv.Atoi(id[1:])
		out[i] = sync.Record{Ref: noteRef(at), Fields: n.notes[at].Fields.Clone()}
	}
	return out, nil
}

// texts returns what the notes say, in the order they were made.
func (n *notebook) texts() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var out []string
	for _, w := range n.notes {
		out = append(out, w.Fields["body"].String())
	}
	return out
}

// A silent notebook cannot be asked what is related.
type silent struct {
	sync.Source
	sync.Matcher
}

// A rung says how it is known that a note was made.
type rung string

const (
	byKey      rung = "unique key"
	byReadBack rung = "read back"
	byPerson   rung = "a person"
)

var rungs = []rung{byKey, byReadBack, byPerson}

// jotting has facts recorded as notes on the right.
func jotting(n *notebook) func(*world) {
	return func(w *world) {
		n.fake, n.related, n.places = w.right, map[sync.Ref][]sync.Ref{}, map[string][]int{}
		peer := sync.Peer{Source: n, Sink: n}
		if n.rung == byPerson {
			peer.Source = silent{n, n}
		}
		w.cfg.Peers[rightSystem] = peer
		w.cfg.Activities = []*sync.Activity{{
			Name: "notes", Fact: "tour.scheduled", System: rightSystem, Kind: note, Key: "key", Unique: n.rung == byKey,
			Relate: []sync.Relation{{Flow: "people", Required: true}},
			Render: func(f sync.Fact) (sync.Fields, error) {
				if f.Data["at"] == "never" {
					return nil, &sync.Error{Op: "render", Action: sync.Invalid, Rule: "tour.time"}
				}
				return sync.Fields{"body": sync.Text("tour " + f.ID)}, nil
			},
		}}
	}
}

func eachRung(t *testing.T, run func(t *testing.T, w *world, n *notebook)) {
	for _, r := range rungs {
		t.Run(string(r), func(t *testing.T) {
			n := &notebook{rung: r}
			bubble(t, func(w *world) { run(t, w, n) }, jotting(n))
		})
	}
}

func TestFactBecomesOneActivityOfItsContact(t *testing.T) {
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		left := w.left.create("name", "Ana")
		w.accept(fact("f1", left), fact("f2", left), fact("f1", left))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f1", "tour f2"}) {
			t.Errorf("notes %q", got)
		}
		if w0 := n.notes[0]; !slices.Equal(w0.Related, []sync.Ref{w.link(left).Right}) || w0.Fields["key"].String() != sync.FactKey(fact("f1", left)) {
			t.Errorf("the note %+v is not that of the contact and the fact", w0)
		}
		recorded := w.entries(sync.EntryRecorded)
		if len(recorded) != 2 || recorded[0].Left != left || recorded[0].Right != noteRef(0) || recorded[0].Calls[1] != "call-1" {
			t.Errorf("the audit says %+v", recorded)
		}
		time.Sleep(8 * 24 * time.Hour) // the queue forgets
		w.accept(fact("f1", left))
		w.settle()
		if len(n.texts()) != 2 || w.count(sync.EventRecorded) != 2 {
			t.Errorf("a fact told again after a week is recorded again: %q", n.texts())
		}
		w.noDead()
	})
}

func TestFactWaitsForItsContactInOrderAndBlocksNobody(t *testing.T) {
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		early := w.left.create("name", "Ana")
		w.flow.Left.Leave = func(rec sync.Record, _ []string) (bool, string, error) {
			return rec.Fields["email"].String() != "", "no address", nil
		}
		w.start()
		other := w.left.create("name", "Eva", "email", "eva@example.com")
		w.accept(fact("a1", early), fact("a2", early), fact("b1", other))
		stop := w.run()
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Hour)
		if got := n.texts(); !slices.Equal(got, []string{"tour b1"}) {
			t.Errorf("notes %q, want only that of the contact who may leave", got)
		}
		w.left.edit(early, "email", "ana@example.com")
		w.enqueue(w.takeHooks()...)
		time.Sleep(10 * time.Minute)
		stop()
		if got := n.texts(); !slices.Equal(got, []string{"tour b1", "tour a1", "tour a2"}) {
			t.Errorf("notes %q, want those that waited in their order", got)
		}
		w.noDead()
	})
}

func TestFactWithoutAContactEndsAmongTheDeadLetters(t *testing.T) {
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		w.flow.Left.Leave = func(sync.Record, []string) (bool, string, error) { return false, "nobody leaves", nil }
		w.cfg.Activities[0].Patience = time.Hour
		w.start()
		w.accept(fact("f1", w.left.create("name", "Ana")))
		stop := w.run()
		time.Sleep(2 * time.Hour)
		stop()
		if dead := w.dead(); len(dead) != 1 || dead[0].Message.ID != "f1" || len(n.texts()) != 0 {
			t.Errorf("%d dead letters and notes %q, want the fact given up", len(dead), n.texts())
		}
	})
}

func TestPoisonFactKeepsNoOtherWaiting(t *testing.T) {
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		left := w.left.create("name", "Ana")
		poison := fact("f2", left)
		poison.Data = map[string]any{"at": "never"}
		w.accept(fact("f1", left), poison, fact("f3", left))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f1", "tour f3"}) {
			t.Errorf("notes %q", got)
		}
		if dead := w.dead(); len(dead) != 1 || dead[0].Message.ID != "f2" {
			t.Errorf("dead letters %+v, want the poison alone", dead)
		}
	})
}

// findOut resolves what is unknown, as a person who looks into the notebook,
// and returns how much that was.
func (w *world) findOut(n *notebook) int {
	w.Helper()
	list, err := w.engine.Unknowns(w.ctx)
	if err != nil {
		w.Fatal(err)
	}
	for _, u := range list {
		var made sync.Ref
		if at := n.places[u.Key]; len(at) > 0 {
			made = noteRef(at[0])
		}
		if err := w.engine.ResolveUnknown(w.ctx, u, made, "Eva"); err != nil {
			w.Fatal(err)
		}
	}
	return len(list)
}

// A person finds out about two notes, of which one was made.
func TestUnknownOutcomeWaitsForAPerson(t *testing.T) {
	n := &notebook{rung: byPerson}
	bubble(t, func(w *world) {
		left, _ := w.pair("name", "Ana")
		timeout := &sync.Error{Op: "note", Action: sync.Retry, Err: errors.New("timeout")}
		n.after = func(i int) error { return map[bool]error{true: timeout}[i == 1] }
		n.before = func(i int) error { return map[bool]error{true: timeout}[i == 2] }
		w.accept(fact("f1", left), fact("f2", left), fact("f3", left))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f1", "tour f3"}) || n.writes != 3 {
			t.Errorf("notes %q after %d writes, want each tried once", got, n.writes)
		}
		if _, err := w.engine.ReplayDead(w.ctx, sync.DeadFilter{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(8 * 24 * time.Hour) // the queue forgets
		w.accept(fact("f3", left))
		w.settle()
		list, err := w.engine.Unknowns(w.ctx)
		if err != nil || len(list) != 2 || n.writes != 3 || len(w.dead()) != 2 {
			t.Fatalf("unknown %+v, %v, after %d writes", list, err, n.writes)
		}
		for i, u := range list {
			want := sync.Unknown{Activity: "notes", Fact: fmt.Sprint("f", i+1), Key: sync.FactKey(fact(fmt.Sprint("f", i+1), left)), Subject: left, Since: u.Since}
			if u != want || u.Since.IsZero() {
				t.Errorf("unknown is %+v, want %+v", u, want)
			}
		}
		if unknown := w.entries(sync.EntryUnknown); len(unknown) != 2 || unknown[0].Left != left || w.count(sync.EventUnknown) != 2 {
			t.Errorf("the audit says %+v, %d events", unknown, w.count(sync.EventUnknown))
		}
		if got := w.findOut(n); got != 2 {
			t.Errorf("%d found out", got)
		}
		for _, u := range list { // twice changes nothing
			if err := w.engine.ResolveUnknown(w.ctx, u, sync.Ref{}, "Eva"); err != nil {
				t.Error(err)
			}
		}
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f1", "tour f3", "tour f2"}) || w.findOut(n) != 0 {
			t.Errorf("notes %q, want the missing one made", got)
		}
		recorded := w.entries(sync.EntryRecorded)
		if len(recorded) != 3 || recorded[1].Note != "Eva found that it was made" || recorded[1].Right != noteRef(0) {
			t.Errorf("the audit says %+v", recorded)
		}
		if err := w.engine.ResolveUnknown(w.ctx, sync.Unknown{Activity: "notes", Fact: "f9", Subject: left}, sync.Ref{}, "Eva"); !errors.Is(err, sync.ErrNotFound) {
			t.Errorf("resolving a stranger: %v", err)
		}
		w.noDead()
	}, jotting(n))
}

// A call that was cancelled may have taken effect.
func TestCancelledCallIsNotRepeatedBlindly(t *testing.T) {
	eachRung(t, func(t *testing.T, w *world, n *notebook) {
		left, _ := w.pair("name", "Ana")
		n.after = func(i int) error { return map[bool]error{true: context.Canceled}[i == 1] }
		w.accept(fact("f1", left))
		w.settle()
		if got := w.findOut(n); got != map[rung]int{byPerson: 1}[n.rung] {
			t.Errorf("%d unknown", got)
		}
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour f1"}) {
			t.Errorf("notes %q", got)
		}
		w.noDead()
	})
}

// The process dies at each store operation in turn.
func TestExactlyOneActivityWhereverTheProcessDies(t *testing.T) {
	for _, rung := range rungs {
		t.Run(string(rung), func(t *testing.T) {
			for step := 2; ; step++ {
				dieAt, late, died := step/2, step%2 == 1, false
				n := &notebook{rung: rung}
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, t.Context(), jotting(n))
					left, _ := w.pair("name", "Ana")
					w.accept(fact("f1", left))
					m := &mortal{Store: w.store, Queue: w.queue, dieAt: dieAt, late: late}
					w.cfg.Store, w.cfg.Queue = m, m
					w.start()
					_ = w.engine.RunOnce(w.ctx)
					died = m.died
					w.cfg.Store, w.cfg.Queue = w.store, w.queue
					w.start()
					time.Sleep(2 * time.Minute)
					w.settle()
					w.findOut(n)
					w.settle()
					w.noDead()
					if got := n.texts(); !slices.Equal(got, []string{"tour f1"}) {
						t.Errorf("after a death at %v (late %v): notes %q", m.stepAt, late, got)
					}
				})
				if !died {
					if dieAt < 5 { // begin, commit, and done of either lane
						t.Fatalf("only %d operations", dieAt)
					}
					return
				}
			}
		})
	}
}

func TestActivityNeedsWhatItUses(t *testing.T) {
	good := sync.Activity{Name: "notes", Fact: "f", System: rightSystem, Kind: note, Key: "key", Unique: true,
		Render: func(sync.Fact) (sync.Fields, error) { return nil, nil }, Relate: []sync.Relation{{Flow: "people"}}}
	for name, spoil := range map[string]func(*sync.Activity){
		"fine":            func(*sync.Activity) {},
		"no name":         func(a *sync.Activity) { a.Name = "" },
		"no key":          func(a *sync.Activity) { a.Key = "" },
		"no template":     func(a *sync.Activity) { a.Render = nil },
		"unknown system":  func(a *sync.Activity) { a.System = "gamma" },
		"unknown flow":    func(a *sync.Activity) { a.Relate[0].Flow = "deals" },
		"shown on nobody": func(a *sync.Activity) { a.Relate = nil },
	} {
		bubble(t, func(w *world) {
			a := good
			a.Relate = slices.Clone(good.Relate)
			spoil(&a)
			w.cfg.Activities = []*sync.Activity{&a}
			if _, err := sync.New(w.cfg); (err == nil) != (name == "fine") {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// A selective notebook reads no notes' keys.
type selective struct{ *notebook }

func (selective) Projection(kind sync.Kind) []string {
	if kind == note {
		return []string{"body"}
	}
	return people().Names(sync.Right)
}

// Otherwise nothing that a lost answer was about would ever be found.
func TestActivityThatIsLookedForNeedsItsKeyRead(t *testing.T) {
	for _, r := range rungs {
		n := &notebook{rung: r}
		bubble(t, func(w *world) {
			if r != byPerson {
				w.cfg.Peers[rightSystem] = sync.Peer{Source: selective{n}, Sink: n}
			}
			_, err := sync.New(w.cfg)
			var e *sync.Error
			if refused := errors.As(err, &e) && e.Field == "Key"; refused != (r == byReadBack) || err != nil != refused {
				t.Errorf("%s: %v", r, err)
			}
		}, jotting(n))
	}
}
