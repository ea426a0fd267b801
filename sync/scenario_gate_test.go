package sync_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

// rules returns the rules by which fields were kept back so far.
func (w *world) gated() []string {
	var rules []string
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.events {
		if d := w.events[i].Decision; d != nil && d.Outcome == sync.Gated && !slices.Contains(rules, d.Field+" "+d.Rule) {
			rules = append(rules, d.Field+" "+d.Rule)
		}
	}
	slices.Sort(rules)
	return rules
}

func TestShadowTellsEverythingAndWritesNothing(t *testing.T) {
	bubble(t, func(w *world) {
		w.flow.Rollout = sync.Rollout{Shadow: true}
		w.start()
		w.left.create("email", "ana@example.com", "name", "Ana")
		w.right.create("mail", "ana@example.com", "fullname", "Ana Gil")
		w.left.create("name", "Eva")
		w.settle()
		w.wrote()
		if got := w.gated(); !slices.Equal(got, []string{"alpha id rollout.shadow", "beta id rollout.shadow", "name rollout.shadow"}) {
			t.Errorf("told %q", got)
		}
		w.flow.Rollout = sync.Rollout{}
		w.start()
		w.look(w.left.living()...)
		w.settle()
		w.agrees(2)
		w.noDead()
	})
}

func TestRolloutGrowsByTheSameRecords(t *testing.T) {
	bubble(t, func(w *world) {
		const people = 200
		for i := range people {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana")
		}
		shy := w.left.living()[0]
		arrived := 0
		for _, percent := range []int{10, 50, 100} {
			w.flow.Rollout = sync.Rollout{Percent: percent, Allow: []sync.Ref{shy}}
			w.start()
			w.look(w.left.living()...)
			w.settle()
			now := len(w.right.living())
			if want := people * percent / 100; now < want*6/10 || now > want*14/10+1 || now < arrived {
				t.Errorf("%d of %d people arrived at %d %%", now, people, percent)
			}
			if arrived = now; w.link(shy).Right.Zero() {
				t.Error("a record that is allowed did not arrive")
			}
			w.agrees(now)
		}
		w.noDead()
	})
}

func TestSwitchSuspendsOneFieldInOneDirection(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		name := sync.Switch{Flow: "people", Field: "name", To: "right", Why: "names are odd today"}
		if err := w.engine.Suspend(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		w.start() // it holds in another process too
		w.left.edit(left, "name", "Ana Gil", "email", "gil@example.com")
		w.settle()
		w.wrote(right.ID + " mail")
		thrown, err := w.engine.Suspended(w.ctx)
		if err != nil || len(thrown) != 1 || thrown[0].Why != name.Why || thrown[0].At.IsZero() {
			t.Errorf("thrown are %+v, %v", thrown, err)
		}
		if err := w.engine.Resume(w.ctx, name); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.wrote(right.ID + " fullname")
		w.agrees(1)
		w.noDead()
	})
}

func TestSwitchMustExist(t *testing.T) {
	bubble(t, func(w *world) {
		for _, s := range []sync.Switch{{Flow: "deals"}, {Flow: "people", Field: "nome"}, {Flow: "people", To: "up"}} {
			if err := w.engine.Suspend(w.ctx, s); sync.ActionOf(err) != sync.Invalid {
				t.Errorf("%v: %v", s, err)
			}
		}
	})
}

// A workflow of the right system sets the name back each time it is written.
func TestOscillationStopsAfterAFewWrites(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		notify := w.right.notify
		w.right.notify = func(ref sync.Ref) {
			if ref == right && w.right.get(right, "fullname") == "Ana Gil" {
				go func() {
					time.Sleep(time.Second)
					w.right.edit(right, "fullname", "Ana")
				}()
			}
			notify(ref)
		}
		notifyLeft := w.left.notify
		w.left.notify = func(ref sync.Ref) {
			if ref == left && w.left.get(left, "name") == "Ana" {
				go func() {
					time.Sleep(time.Second)
					w.left.edit(left, "name", "Ana Gil")
				}()
			}
			notifyLeft(ref)
		}
		stop := w.run()
		w.left.edit(left, "name", "Ana Gil")
		for range 60 {
			w.enqueueQuietly(w.takeHooks()...)
			time.Sleep(time.Second)
		}
		stop()
		writes := append(w.left.takeWrites(), w.right.takeWrites()...)
		if n := len(writes); n < 3 || n > 6 {
			t.Errorf("the name was written %d times in a minute, want it stopped after 3 flips", n)
		}
		if w.count(sync.EventTripped) != 1 {
			t.Errorf("told %d times that the breaker tripped, want once", w.count(sync.EventTripped))
		}
		w.left.edit(left, "email", "gil@example.com") // other fields go on
		w.settle()
		w.holds(w.right, right, "mail", "gil@example.com")
	})
}

// A logging store lists the calls that may be long.
type logging struct {
	sync.Store
	calls []string
}

func (l *logging) Entries(ctx context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	l.calls = append(l.calls, "entries")
	return l.Store.Entries(ctx, filter)
}

func (l *logging) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	l.calls = append(l.calls, "commit")
	return l.Store.Commit(ctx, now, c)
}

// Whether others have made fields flip is asked once for all of them, and when
// the write is stored.
func TestOscillationIsAskedAfterOnceAPlan(t *testing.T) {
	bubble(t, func(w *world) {
		store := &logging{Store: w.store}
		w.cfg.Store = store
		w.start()
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		for i := range 3 {
			w.left.edit(left, "email", fmt.Sprintf("ana%d@example.com", i%2), "name", fmt.Sprint("Ana ", i%2))
			store.calls = nil
			w.settle()
		}
		if diff := cmp.Diff([]string{"commit", "entries"}, slices.Compact(store.calls)); diff != "" {
			t.Error(diff)
		}
		if n := len(slices.DeleteFunc(store.calls, func(c string) bool { return c == "commit" })); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// Four processes share the work: together they stop as early as one would.
func TestOscillationStopsInManyProcesses(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		var engines []*sync.Engine
		for range 4 {
			w.start()
			engines = append(engines, w.engine)
		}
		w.left.edit(left, "name", "Ana Gil")
		for i := range 60 {
			w.engine = engines[i%len(engines)]
			w.once()
			time.Sleep(time.Second)
			switch {
			case w.right.get(right, "fullname") == "Ana Gil":
				w.right.edit(right, "fullname", "Ana")
			case w.left.get(left, "name") == "Ana":
				w.left.edit(left, "name", "Ana Gil")
			}
		}
		writes := append(w.left.takeWrites(), w.right.takeWrites()...)
		if n := len(writes); n < 3 || n > 9 {
			t.Errorf("the name was written %d times in a minute, want it stopped after 3 flips of a process and one of each other", n)
		}
		if n := w.count(sync.EventTripped); n == 0 || n > len(engines) {
			t.Errorf("told %d times that the breaker tripped", n)
		}
	})
}

// In shadow no fact becomes an activity, not even of people who are on both
// sides, and none waits for people who are not. A part of the people has theirs.
func TestRolloutKeepsActivitiesOut(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		w.flow.Rollout = sync.Rollout{Shadow: true}
		w.start()
		eva := w.left.create("email", "eva@example.com", "name", "Eva")
		w.accept(fact("one", ana), fact("two", eva))
		w.settle()
		w.flow.Rollout = sync.Rollout{Allow: []sync.Ref{eva}}
		w.start()
		w.look(eva)
		w.accept(fact("three", ana), fact("four", eva))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour four"}) {
			t.Errorf("recorded %q", got)
		}
		if got := w.gated(); !slices.Contains(got, "notes rollout.shadow") || !slices.Contains(got, "notes rollout.part") {
			t.Errorf("told %q", got)
		}
		w.flow.Rollout = sync.Rollout{}
		w.start()
		w.accept(fact("one", ana), fact("five", ana))
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour four", "tour five"}) {
			t.Errorf("recorded %q", got)
		}
		w.noDead()
	}, jotting(n))
}

// What a switch keeps back is recorded after the flow is resumed, in order.
func TestSwitchHasActivitiesWait(t *testing.T) {
	n := &notebook{rung: byKey}
	bubble(t, func(w *world) {
		ana, _ := w.pair("email", "ana@example.com", "name", "Ana")
		stop := sync.Switch{Flow: "people", To: "right"}
		if err := w.engine.Suspend(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		w.accept(fact("one", ana), fact("two", ana))
		for range 10 {
			w.once()
			time.Sleep(time.Minute)
		}
		if got := n.texts(); len(got) > 0 {
			t.Errorf("recorded %q while the flow was suspended", got)
		}
		if err := w.engine.Resume(w.ctx, stop); err != nil {
			t.Fatal(err)
		}
		w.settle()
		if got := n.texts(); !slices.Equal(got, []string{"tour one", "tour two"}) {
			t.Errorf("recorded %q", got)
		}
		w.noDead()
	}, jotting(n))
}
