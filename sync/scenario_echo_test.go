package sync_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// claim is a webhook that tells what a record holds: name, value, name, value …
func claim(id string, ref sync.Ref, pairs ...string) sync.Change {
	c := sync.Change{ID: id, Ref: ref, Reason: sync.ReasonWebhook, Witness: map[string]string{}}
	for n, v := range texts(pairs...) {
		c.Witness[n] = v.Digest()
	}
	return c
}

// called returns how many calls were made to a system.
func (f *fake) called() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, c := range f.calls {
		n += c
	}
	return n
}

// quietly delivers changes and returns how many calls they cost.
func (w *world) quietly(changes ...sync.Change) int {
	w.Helper()
	before := w.left.called() + w.right.called()
	w.enqueue(changes...)
	w.settle()
	return w.left.called() + w.right.called() - before
}

func TestAnEchoCostsNoCall(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		w.once()
		w.takeHooks() // the webhook of our own write comes with a witness
		w.wrote("R1 fullname")
		echoes := w.count(sync.EventEcho)
		if calls := w.quietly(claim("echo", right, "fullname", "Ana Gil")); calls != 0 {
			t.Errorf("the echo cost %d calls", calls)
		}
		if got := w.count(sync.EventEcho) - echoes; got != 1 {
			t.Errorf("%d echoes, want 1", got)
		}
	})
}

func TestWhatNeedsALook(t *testing.T) {
	manual := func(c sync.Change) sync.Change { c.Reason = sync.ReasonManual; return c }
	for _, tt := range []struct {
		name string
		lane func(ref sync.Ref) []sync.Change
		look bool
	}{
		{"what was agreed on", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "fullname", "Ana")} }, false},
		{"a blank that was agreed on", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "phone", "")} }, false},
		{"a name that is not mapped", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "shoe_size", "38")} }, false},
		{"the record's own id", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "id", r.ID)} }, false},
		{"another value", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "fullname", "Eva")} }, true},
		{"a field that was cleared", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "fullname", "")} }, true},
		{"a field that was filled", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r, "phone", "+57 300 000 0000")} }, true},
		{"one news of two", func(r sync.Ref) []sync.Change {
			return []sync.Change{claim("1", r, "fullname", "Ana", "phone", "1")}
		}, true},
		{"no claim, as of a deletion or a merge", func(r sync.Ref) []sync.Change { return []sync.Change{claim("1", r)} }, true},
		{"an echo together with a deletion", func(r sync.Ref) []sync.Change {
			return []sync.Change{claim("1", r, "fullname", "Ana"), claim("2", r)}
		}, true},
		{"a person who asks", func(r sync.Ref) []sync.Change {
			return []sync.Change{claim("1", r, "fullname", "Ana"), manual(claim("2", r, "fullname", "Ana"))}
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				_, right := w.pair("email", "ana@example.com", "name", "Ana")
				if calls := w.quietly(tt.lane(right)...); (calls > 0) != tt.look {
					t.Errorf("%d calls, look wanted: %v", calls, tt.look)
				}
				w.wrote()
			})
		})
	}
}

func TestDeletionIsNeverAnEcho(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.remove(right, true)
		w.takeHooks()
		w.quietly(claim("echo", right, "fullname", "Ana"), claim("deletion", right))
		if got := w.link(left).State; got != sync.Detached {
			t.Errorf("the link is %s", got)
		}
	})
}

// One side takes its edit back while a person has yet to decide: the other
// side's edit is no conflict any more and must travel.
func TestTakingAHeldEditBackIsNoEcho(t *testing.T) {
	review := func(w *world) { w.flow.Fields[3].Policy = sync.Policy{Kind: sync.Review} }
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.right.edit(right, "fullname", "Ana Ruiz")
		w.settle()
		w.wrote()
		w.right.edit(right, "fullname", "Ana")
		w.takeHooks()
		w.quietly(claim("back", right, "fullname", "Ana"))
		w.wrote("R1 fullname")
		w.holds(w.right, right, "fullname", "Ana Gil")
		if calls := w.quietly(claim("echo", right, "fullname", "Ana Gil")); calls != 0 {
			t.Errorf("once settled, an echo cost %d calls", calls)
		}
	}, review)
}

// A condition may ask for a name that is not mapped.
func TestWhatAConditionWaitsForIsNoEcho(t *testing.T) {
	sourced := func(w *world) {
		w.flow.Left.Leave = func(rec sync.Record, _ []string) (bool, string, error) {
			return rec.Fields["source"].String() != "import", "imported", nil
		}
	}
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "source", "import", "name", "Ana Gil")
		w.settle()
		w.wrote()
		w.left.edit(left, "source", "web")
		w.takeHooks()
		w.quietly(claim("source", left, "source", "web"))
		w.wrote("R1 fullname")
		w.holds(w.right, right, "fullname", "Ana Gil")
	}, sourced)
}

// An invalid value keeps the whole record back. When it is corrected to what
// was agreed on before, the rest must travel.
func TestACorrectionIsNoEcho(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana", "msisdn", "+573000000000")
		w.left.edit(left, "msisdn", "call me", "name", "Ana Gil")
		w.settle()
		if len(w.dead()) != 1 {
			t.Fatalf("%d dead letters", len(w.dead()))
		}
		w.left.edit(left, "msisdn", "+573000000000")
		w.takeHooks()
		w.quietly(claim("corrected", left, "msisdn", "+573000000000"))
		w.wrote("R1 fullname")
		w.holds(w.right, right, "fullname", "Ana Gil")
	})
}

// A write refused for good leaves an edit behind, too.
func TestARefusedWriteLeavesNoEcho(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.before = func(op string, _ sync.Ref) error {
			if op == "update" {
				return &sync.Error{Op: "fake: write", Action: sync.Invalid}
			}
			return nil
		}
		w.left.edit(left, "email", "bad@example.com", "name", "Ana Gil")
		w.settle()
		w.right.before = nil
		w.left.edit(left, "email", "ana@example.com")
		w.takeHooks()
		w.quietly(claim("corrected", left, "email", "ana@example.com"))
		w.wrote("R1 fullname")
		w.holds(w.right, right, "fullname", "Ana Gil")
	})
}

// A tapped store is asked before what it does.
type tapped struct {
	sync.Store
	begin, commit func(sync.Link) error
}

func (s *tapped) Begin(ctx context.Context, now time.Time, l sync.Link, i sync.Intent, es ...sync.Entry) (sync.Link, error) {
	if s.begin != nil {
		if err := s.begin(l); err != nil {
			return sync.Link{}, err
		}
	}
	return s.Store.Begin(ctx, now, l, i, es...)
}

func (s *tapped) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if s.commit != nil {
		if err := s.commit(c.Link); err != nil {
			return sync.Link{}, err
		}
	}
	return s.Store.Commit(ctx, now, c)
}

// over makes the engine anew over a tapped store.
func (w *world) over(s *tapped) {
	s.Store, w.cfg.Store = w.store, s
	w.start()
}

// running runs the engine while the scenario goes on.
func (w *world) running(scenario func()) {
	w.Helper()
	ctx, stop := context.WithCancel(w.ctx)
	ended := make(chan error)
	go func() { ended <- w.engine.Run(ctx) }()
	scenario()
	stop()
	if err := <-ended; err != nil {
		w.Fatal(err)
	}
}

// Between the creation and the write of the new id something fails: the try
// that follows is no echo, though it claims nothing but what was agreed on.
func TestAHalfDoneCreationIsNoEcho(t *testing.T) {
	bubble(t, func(w *world) {
		begun := 0
		w.over(&tapped{begin: func(sync.Link) error {
			if begun++; begun == 2 {
				return errors.New("the store is away")
			}
			return nil
		}})
		left := w.left.create("email", "ana@example.com")
		w.takeHooks()
		w.right.notify = func(sync.Ref) {} // its webhooks are lost
		w.quietly(claim("creation", left, "id", left.ID))
		w.holds(w.left, left, "beta_id", "R1")
		w.agrees(1)
	})
}

// What a person or a verification asks for is done even if a fact comes along.
func TestAFactNeverHidesARequest(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.corrupt(right, "fullname", "Eva")
		request := sync.Change{ID: "request", Ref: left, Reason: sync.ReasonVerify}
		fact := sync.Fact{ID: "fact", Type: "message.received", Subject: left}
		if err := w.engine.Enqueue(w.ctx, request, fact); err != nil {
			t.Fatal(err)
		}
		w.settle()
		w.wrote("L1 name")
	})
}

// A signal about the survivor of a merge leads to the link of a record that
// it absorbed; what the signal claims says nothing about that link.
func TestAMergeFoundByAnEchoIsFollowed(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		other := w.left.create("email", "eva@example.com")
		w.takeHooks()
		now := w.left.merge(left, other)
		w.takeHooks()
		w.quietly(claim("late", now, "name", "Ana"))
		if got := w.link(right).Left; got != now {
			t.Errorf("the link has %s, want %s", got, now)
		}
	})
}

// A webhook that overtakes the commit of a creation waits for the link, and
// then it is an echo.
func TestANewRecordsWebhookWaitsForItsLink(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "ana@example.com")
		hooks := w.takeHooks()
		w.over(&tapped{commit: func(l sync.Link) error {
			if right := l.Right; !right.Zero() && len(hooks) == 1 {
				hooks = append(hooks, claim("creation", right, "id", right.ID))
				w.enqueue(hooks[1])
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}})
		w.running(func() {
			w.enqueue(hooks...)
			time.Sleep(5 * time.Second)
		})
		w.wrote("L1 beta_id", "R1 alpha_id", "R1 mail")
		if reads, matches := w.right.calls["read"], w.left.calls["match"]; reads+matches != 0 {
			t.Errorf("the webhook cost %d reads and %d matches", reads, matches)
		}
		w.holds(w.left, left, "beta_id", "R1")
		w.noDead()
	})
}

// So does one that comes between the creation and the write of the new id.
func TestANewRecordsWebhookWaitsForItsIdToBeTold(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "ana@example.com")
		hooks, begun := w.takeHooks(), 0
		w.over(&tapped{begin: func(l sync.Link) error {
			if begun++; begun == 2 {
				w.enqueue(claim("creation", l.Right, "id", l.Right.ID))
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}})
		w.running(func() {
			w.enqueue(hooks...)
			time.Sleep(5 * time.Second)
		})
		w.wrote("L1 beta_id", "R1 alpha_id", "R1 mail")
		if reads := w.right.calls["read"]; reads != 0 || begun != 2 {
			t.Errorf("the webhook cost %d reads, and %d writes began", reads, begun)
		}
		w.holds(w.left, left, "beta_id", "R1")
		w.noDead()
	})
}

// Nor does the webhook of a record that another process creates cost more than
// the first look, which was in vain.
func TestWebhooksOfWhatAnotherProcessCreatesWait(t *testing.T) {
	bubble(t, func(w *world) {
		told := map[sync.Ref]bool{}
		var other *sync.Engine
		w.over(&tapped{commit: func(l sync.Link) error {
			if right := l.Right; !right.Zero() && !told[right] {
				told[right] = true
				if err := other.Enqueue(w.ctx, claim("creation "+right.ID, right, "id", right.ID)); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
			return nil
		}})
		maker := w.engine
		w.cfg.Queue = memqueue.New(nil)
		w.start()
		other, w.engine = w.engine, maker
		done := make(chan error)
		ctx, stop := context.WithCancel(w.ctx)
		go func() { done <- other.Run(ctx) }()
		w.running(func() {
			for i := range 5 {
				w.takeHooks() // of our own writes
				w.left.create("email", fmt.Sprintf("p%d@example.com", i))
				w.enqueue(w.takeHooks()...)
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(5 * time.Second)
		})
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if reads, matches := w.right.calls["read"], w.left.calls["match"]; reads != 1 || matches != 0 {
			t.Errorf("%d reads and %d matches for what another process created, want 1 and none", reads, matches)
		}
		w.agrees(5)
		w.noDead()
	})
}

// It waits only once: a record that somebody else made is looked at soon,
// however long a creation takes.
func TestCreationsHoldNobodyUp(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "ana@example.com")
		hooks := w.takeHooks()
		w.over(&tapped{commit: func(l sync.Link) error {
			if l.Left == left {
				time.Sleep(10 * time.Second)
			}
			return nil
		}})
		w.running(func() {
			w.enqueue(hooks...)
			time.Sleep(100 * time.Millisecond) // the creation is under way
			stranger := w.right.create("mail", "eva@example.com")
			w.takeHooks()
			start := time.Now()
			w.enqueue(claim("stranger", stranger, "id", stranger.ID))
			for w.left.called() == 0 || w.right.get(stranger, "alpha_id") == "" {
				time.Sleep(10 * time.Millisecond)
			}
			if took := time.Since(start); took < 50*time.Millisecond || took > time.Second {
				t.Errorf("the stranger was in step after %v", took)
			}
		})
	})
}
