package sync_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// down makes every call of a system fail until the given time has passed.
func down(f *fake, d time.Duration) {
	until := time.Now().Add(d)
	f.before = func(string, sync.Ref) error {
		if time.Now().Before(until) {
			return &sync.Error{Op: "fake", Action: sync.Retry, Rule: "down", Err: errors.New("no answer")}
		}
		return nil
	}
}

func TestSystemDownIsWaitedFor(t *testing.T) {
	for _, outage := range []time.Duration{2 * time.Second, 10 * time.Minute} {
		bubble(t, func(w *world) {
			left, right := w.pair("email", "ana@example.com", "name", "Ana")
			down(w.right, outage)
			w.left.edit(left, "name", "Ana Gil")
			created := w.left.create("email", "eva@example.com")
			w.settle()
			w.holds(w.right, right, "fullname", "Ana Gil")
			w.link(created)
			if w.count(sync.EventRetried) == 0 {
				t.Error("nothing was retried")
			}
			w.agrees(2)
			w.noDead()
		})
	}
}

// lanes records how lanes are settled.
type lanes struct {
	sync.Queue
	mu       stdsync.Mutex
	attempts []int
	failures []sync.Failure
}

func (q *lanes) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	taken, err := q.Queue.Take(ctx, now, n, lease)
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, l := range taken {
		q.attempts = append(q.attempts, l.Attempts)
	}
	return taken, err
}

func (q *lanes) Retry(ctx context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	q.mu.Lock()
	q.failures = append(q.failures, cause)
	q.mu.Unlock()
	return q.Queue.Retry(ctx, now, lane, at, cause)
}

func TestWaitingForAKnownMomentUsesUpNoAttempt(t *testing.T) {
	bubble(t, func(w *world) {
		q := &lanes{Queue: w.queue}
		w.cfg.Queue, w.queue = q, q
		w.start()
		start, calls := time.Now(), 0
		w.left.before = func(op string, _ sync.Ref) error {
			switch calls++; {
			case calls <= 30:
				return &sync.Error{Op: "fake", Action: sync.RetryAt, RetryAt: time.Now().Add(time.Minute)}
			case calls <= 33:
				return &sync.Error{Op: "fake", Action: sync.Retry}
			}
			return nil
		}
		w.left.create("name", "Ana")
		w.settle()
		if waited := time.Since(start); waited < 30*time.Minute || waited > 31*time.Minute {
			t.Errorf("waited %s, want 30 times the minute asked for and little more", waited)
		}
		if got := q.attempts[33]; got != 3 {
			t.Errorf("%d attempts counted, want 3", got)
		}
		free := 0
		for _, f := range q.failures {
			if f.Free {
				free++
			}
		}
		if free != 30 || len(q.failures) != 33 {
			t.Errorf("%d failures, %d of them free, want 33 and 30", len(q.failures), free)
		}
		w.agrees(1)
		w.noDead()
	})
}

// Conflicts are bounded by themselves: a long outage before one uses up none.
func TestConflictAfterAnOutageIsNotTheLast(t *testing.T) {
	bubble(t, func(w *world) {
		calls := 0
		w.left.before = func(op string, _ sync.Ref) error {
			switch calls++; {
			case calls <= 8:
				return &sync.Error{Op: "fake", Action: sync.Retry}
			case calls <= 12:
				return &sync.Error{Op: "fake", Action: sync.Conflict}
			}
			return nil
		}
		w.left.create("name", "Ana")
		w.settle()
		w.agrees(1)
		w.noDead()
	})
}

func TestEndlessConflictIsBuriedWithItsHistory(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.before = func(string, sync.Ref) error { return &sync.Error{Op: "fake", Action: sync.Conflict} }
		w.left.create("name", "Ana")
		w.settle()
		dead := w.dead()
		if len(dead) != 1 || len(dead[0].History) != 5 {
			t.Fatalf("dead letters %+v, want one with 5 failures", dead)
		}
		if buried := w.events[slices.IndexFunc(w.events, func(e sync.Event) bool { return e.Type == sync.EventBuried })]; buried.Ref != w.left.living()[0] {
			t.Errorf("the event of the burial is about %s", buried.Ref)
		}
		w.left.before = func(string, sync.Ref) error { // a replay starts anew
			if w.left.calls["read"] < 7 {
				return &sync.Error{Op: "fake", Action: sync.Conflict}
			}
			return nil
		}
		w.replay(dead)
		w.settle()
		w.agrees(1)
		w.noDead()
	})
}

func TestEndlessFaultIsBuried(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.before = func(string, sync.Ref) error { return &sync.Error{Op: "fake", Action: sync.Retry} }
		start := time.Now()
		w.left.create("name", "Ana")
		w.settle()
		if dead := w.dead(); len(dead) != 1 || len(dead[0].History) != 20 {
			t.Fatalf("dead letters %+v, want one with 20 failures", dead)
		}
		if d := time.Since(start); d < time.Hour || d > 2*time.Hour {
			t.Errorf("gave up after %s, want about an hour and a half", d)
		}
	})
}

func (w *world) replay(dead []sync.DeadLetter) {
	w.Helper()
	for _, d := range dead {
		if n, err := w.queue.Replay(w.ctx, time.Now(), d.Message.ID); n != 1 || err != nil {
			w.Fatalf("replayed %d: %v", n, err)
		}
	}
}

func TestInvalidValueIsBuriedAndNothingIsHalfApplied(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana", "msisdn", "+57 300 000 0001")
		w.right.edit(right, "mail", "ana.gil@example.com")
		w.left.edit(left, "msisdn", "none", "name", "Ana Gil")
		w.settle()
		w.wrote() // not even the fields that are fine
		dead := w.dead()
		if len(dead) != 2 {
			t.Fatalf("%d dead letters, want one for each webhook", len(dead))
		}
		for _, d := range dead {
			// The two looks may meet: then the slower one begins once more.
			history := slices.DeleteFunc(slices.Clone(d.History), func(f sync.Failure) bool { return f.Error == sync.ErrStale.Error() })
			if len(history) != 1 || history[0].Action != "invalid" {
				t.Fatalf("history %+v, want one invalid attempt", d.History)
			}
			text := history[0].Error
			if !strings.Contains(text, "field phone") || !strings.Contains(text, "phone.digits") || strings.Contains(text, "none") {
				t.Errorf("the dead letter does not say what is wrong: %s", text)
			}
		}
		w.left.edit(left, "msisdn", "+57 300 000 0002")
		w.takeHooks() // the replay alone must do
		w.replay(dead)
		w.settle()
		w.wrote("L1 email", "R1 fullname", "R1 phone")
		w.agrees(1)
		w.noDead()
	})
}

func TestRefusedWriteIsInTheAuditAndBuried(t *testing.T) {
	bubble(t, func(w *world) {
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.before = func(op string, _ sync.Ref) error {
			if op == "update" {
				return &sync.Error{Op: "fake: update", Action: sync.Invalid, Rule: "vendor.rule"}
			}
			return nil
		}
		w.left.edit(left, "name", "Ana Gil")
		w.settle()
		w.wrote()
		if failed := w.entries(sync.EntryFailed); len(failed) != 1 || !strings.Contains(failed[0].Note, "vendor.rule") || failed[0].Intent == "" {
			t.Errorf("audit of the failure: %+v", failed)
		}
		w.right.before = nil
		w.replay(w.dead())
		w.settle()
		w.wrote("R1 fullname")
		w.agrees(1)
	})
}

// Both sides refuse, one of them for good: what may still succeed is tried.
func TestPassingFaultLeadsOverAFinalOne(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		refuse := func(action sync.Action) func(string, sync.Ref) error {
			return func(op string, _ sync.Ref) error {
				if op == "update" {
					return &sync.Error{Op: "fake: " + action.String(), Action: action}
				}
				return nil
			}
		}
		w.left.before, w.right.before = refuse(sync.Retry), refuse(sync.Invalid)
		w.left.edit(left, "name", "Ana Gil")
		w.right.edit(right, "phone", "+57 300 000 0002")
		w.once()
		if n := len(w.dead()); n != 0 {
			t.Errorf("%d dead letters while the left side may recover", n)
		}
		w.left.before = nil
		w.settle()
		w.wrote("L1 msisdn")
		told := false
		for _, d := range w.dead() {
			for _, f := range d.History {
				told = told || strings.Contains(f.Error, "fake: retry") && strings.Contains(f.Error, "fake: invalid")
			}
		}
		if !told {
			t.Error("no history tells both errors")
		}
	})
}

// bomb is a lens that panics on one value.
type bomb struct{ lens }

func (b bomb) Get(f sync.Fields) (sync.Value, error) {
	if f[b.name].String() == "boom" {
		panic("boom")
	}
	return b.lens.Get(f)
}

func TestPanicBuriesOnlyItsOwnRecord(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.create("name", "boom", "email", "ana@example.com")
		w.left.create("name", "Eva", "email", "eva@example.com")
		w.settle()
		dead := w.dead()
		if len(dead) != 1 || dead[0].Message.Key != "alpha:contact:L1" || !strings.Contains(dead[0].History[0].Error, "no-panic") {
			t.Errorf("dead letters %+v, want that of L1", dead)
		}
		if strings.Contains(dead[0].History[0].Error, "boom") {
			t.Error("the dead letter reveals the value")
		}
		w.agrees(1)
	}, func(w *world) { w.flow.Fields[3].Left = bomb{plain("name")} })
}

// Walks through many records get past the one at which the map panics.
func TestPanicStopsNoWalk(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10)
		w.left.create("name", "boom", "email", "ana@example.com")
		left, _ := w.pair("email", "eva@example.com", "name", "Eva")
		w.takeHooks()
		if i := w.inventory(); i.Unseen != 1 || i.Ended.IsZero() {
			t.Errorf("inventory %+v", i)
		}
		w.left.edit(left, "name", "boom")
		w.takeHooks()
		a, err := w.engine.Verify(w.ctx, "people")
		if err != nil || a.Ratio() == 1 || len(a.Differences) != 1 || a.Differences[0].Left != left {
			t.Errorf("%+v, %v", a, err)
		}
		w.settle()
		buried := map[string]bool{}
		for _, d := range w.dead() {
			buried[d.Message.Key] = true
		}
		if len(buried) != 2 {
			t.Errorf("dead letters of %v, want those of the two", buried)
		}
	}, func(w *world) { w.flow.Fields[3].Left = bomb{plain("name")} })
}

// A feed or a list that panics is tried again.
func TestPanickingFeedIsAnError(t *testing.T) {
	bubble(t, func(w *world) {
		walked(w, 10).fail = func(int) error { panic("boom") }
		stop := w.run()
		defer stop()
		time.Sleep(3 * time.Hour)
	}, func(w *world) { w.cfg.InventoryInterval = time.Hour })
}

func TestPanickingSinkFailsItsWriteOnly(t *testing.T) {
	bubble(t, func(w *world) {
		left, _ := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.before = func(op string, _ sync.Ref) error {
			if op == "update" {
				panic("boom")
			}
			return nil
		}
		w.left.edit(left, "name", "Ana Gil")
		w.settle()
		if dead := w.dead(); len(dead) != 1 || !strings.Contains(dead[0].History[0].Error, "no-panic") {
			t.Errorf("dead letters %+v, want one", dead)
		}
		if w.link(left).Intent != nil {
			t.Error("the pair is still held")
		}
	})
}

func TestUnknownKindIsBuried(t *testing.T) {
	bubble(t, func(w *world) {
		w.enqueue(sync.Change{ID: "1", Ref: sync.Ref{System: leftSystem, Kind: "spaceship", ID: "1"}})
		w.settle()
		if dead := w.dead(); len(dead) != 1 || !strings.Contains(dead[0].History[0].Error, "flow.known") {
			t.Errorf("dead letters %+v, want one by rule flow.known", dead)
		}
	})
}

func TestForeignMessageIsBuried(t *testing.T) {
	bubble(t, func(w *world) {
		for _, body := range []string{"", "{", `{"v":2,"change":{}}`, `{"v":1}`, `null`} {
			m := sync.Message{ID: "m" + body, Key: "k" + body, EnqueuedAt: time.Now(), Payload: []byte(body)}
			if err := w.queue.Push(w.ctx, time.Now(), m); err != nil {
				t.Fatal(err)
			}
		}
		w.left.create("name", "Ana")
		w.settle()
		if n := len(w.dead()); n != 5 {
			t.Errorf("%d dead letters, want 5", n)
		}
		w.agrees(1)
	})
}
