package sync_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// run starts Run and returns what stops it and waits.
func (w *world) run() (stop func()) {
	w.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	engine, done := w.engine, make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	return func() {
		w.Helper()
		cancel()
		if err := <-done; err != nil {
			w.Errorf("Run returned %v", err)
		}
	}
}

// hooked delivers every webhook at once, as a receiver would.
func hooked(w *world) {
	deliver := func(ref sync.Ref) {
		w.hook(ref)
		w.enqueue(w.takeHooks()...)
	}
	w.left.notify, w.right.notify = deliver, deliver
}

func TestLostWebhookIsHealedByASweep(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.feed, w.right.feed = true, true
		if n, err := w.engine.Sweep(w.ctx, leftSystem); n == 0 || err != nil {
			t.Fatalf("swept %d changes, %v", n, err)
		}
		w.settle()
		w.wrote()
		w.left.edit(left, "name", "Ana Gil")
		w.right.create("fullname", "Eva")
		w.takeHooks()
		for _, system := range []sync.System{leftSystem, rightSystem} {
			if _, err := w.engine.Sweep(w.ctx, system); err != nil {
				t.Fatal(err)
			}
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.agrees(2)
		if n, err := w.engine.Sweep(w.ctx, leftSystem); n != 0 || err != nil {
			t.Errorf("a second sweep reports %d changes, %v; want none", n, err)
		}
	})
}

// An attentive source notes the priority of each read.
type attentive struct {
	*fake
	seen map[sync.Priority]int
}

func (a attentive) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	a.seen[sync.PriorityOf(ctx)]++
	return a.fake.Read(ctx, kind, ids)
}

func TestWorkHasThePriorityOfItsLane(t *testing.T) {
	bubble(t, func(w *world) {
		left, _ := w.pair("name", "Ana")
		source := attentive{w.left, map[sync.Priority]int{}}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: source, Sink: w.left}
		w.start()
		for p := range sync.Priority(sync.Priorities) {
			w.enqueue(sync.Change{ID: "look:" + p.String(), Ref: left, Reason: sync.ReasonManual, Priority: p})
			w.settle()
			if source.seen[p] == 0 {
				t.Errorf("no read had the priority %v: %v", p, source.seen)
			}
		}
	})
}

func TestRunSweepsByItself(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.feed, w.right.feed = true, true
		stop := w.run()
		defer stop()
		time.Sleep(time.Second)
		left := w.left.create("name", "Ana")
		w.takeHooks()
		time.Sleep(time.Minute + time.Second)
		synctest.Wait()
		w.holds(w.right, w.link(left).Right, "fullname", "Ana")
		time.Sleep(3 * time.Minute) // the echoes are swept too
		w.right.tune(func() {
			w.right.before = func(op string, _ sync.Ref) error { // a failing sweep is made up for
				if op == "changes" {
					return &sync.Error{Op: "fake", Action: sync.Retry}
				}
				return nil
			}
		})
		w.right.edit(w.link(left).Right, "fullname", "Ana Gil")
		w.takeHooks()
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		w.holds(w.left, left, "name", "Ana")
		w.right.tune(func() { w.right.before = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		w.holds(w.left, left, "name", "Ana Gil")
	})
}

func TestRunIsQuick(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.delay, w.right.delay = 100*time.Millisecond, 100*time.Millisecond
		stop := w.run()
		defer stop()
		time.Sleep(time.Second)
		var lefts []sync.Ref
		for i := range 300 {
			lefts = append(lefts, w.left.create("email", fmt.Sprintf("p%d@example.com", i)))
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		for _, ref := range lefts {
			w.link(ref)
		}
		w.left.delay, w.right.delay = 0, 0
		w.agrees(300)
		w.noDead()
	}, hooked)
}

func TestRunFinishesWhatIsUnderWayAndTakesNoMore(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.tune(func() { w.right.delay = 5 * time.Second })
		stop := w.run()
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(7 * time.Second) // reads the right side for 5 s, then writes
		start, taken := time.Now(), w.count(sync.EventTaken)
		go func() {
			time.Sleep(time.Second)
			w.left.create("name", "Eva")
			w.enqueue(w.takeHooks()...)
		}()
		stop()
		if d := time.Since(start); d < 3*time.Second || d > 20*time.Second {
			t.Errorf("Run returned after %s, want when the work was done", d)
		}
		w.holds(w.right, right, "fullname", "Ana Gil")
		if got := w.count(sync.EventTaken); got != taken {
			t.Errorf("%d lanes were taken after the end", got-taken)
		}
		if s := w.stats(); s.Leased != 0 || s.Waiting == 0 {
			t.Errorf("queue %+v, want the new record waiting", s)
		}
		w.right.tune(func() { w.right.delay = 0 })
		stop = w.run() // a second run goes on where the first ended
		time.Sleep(time.Second)
		stop()
		w.agrees(2)
		w.noDead()
	})
}

func TestStuckWorkIsCancelledAndDeliveredAgain(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		stop := w.run()
		w.right.tune(func() { w.right.delay = time.Hour })
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		if d := time.Since(start); d < 20*time.Second || d > 21*time.Second {
			t.Errorf("Run returned after %s, want StopTimeout", d)
		}
		w.right.tune(func() { w.right.delay = 0 })
		if s := w.stats(); s.Waiting+s.Leased != 1 {
			t.Errorf("queue %+v, want the message kept", s)
		}
		w.settle()
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.agrees(1)
		w.noDead()
	})
}

// The answer to a write comes after the work was cancelled: what is known is
// still committed, so that nothing is left open for the next process.
func TestAnswerAfterTheEndIsStillCommitted(t *testing.T) {
	for _, answer := range []error{nil, &sync.Error{Op: "fake", Action: sync.Retry}} {
		bubble(t, func(w *world) {
			left, right := w.pair("email", "ana@example.com", "name", "Ana")
			w.right.after = func(string, sync.Ref) error {
				time.Sleep(25 * time.Second)
				return answer
			}
			stop := w.run()
			w.left.edit(left, "name", "Ana Gil")
			w.enqueue(w.takeHooks()...)
			time.Sleep(time.Second)
			stop()
			if w.link(left).Intent != nil {
				t.Error("the pair is still held")
			}
			w.right.after = nil
			w.settle()
			w.holds(w.right, right, "fullname", "Ana Gil")
			w.wrote("R1 fullname")
			w.agrees(1)
			w.noDead()
		})
	}
}

// Work that outlives its lease would be worked on twice.
func TestStuckWorkIsCancelledBeforeItsLeaseEnds(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		stop := w.run()
		defer stop()
		w.right.tune(func() { w.right.delay = time.Hour })
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(59 * time.Second)
		if got := w.count(sync.EventRetried); got != 1 {
			t.Errorf("%d retries before the lease ended, want 1", got)
		}
		w.right.tune(func() { w.right.delay = 0 })
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.noDead()
	})
}

func TestRunOnceBesideRun(t *testing.T) {
	bubble(t, func(w *world) {
		stop := w.run()
		for i := range 50 {
			w.left.create("email", fmt.Sprintf("p%d@example.com", i))
			if i%10 == 0 {
				if err := w.engine.RunOnce(w.ctx); err != nil {
					t.Error(err)
				}
			}
		}
		time.Sleep(10 * time.Second)
		stop()
		w.frugal("both")
		w.agrees(50)
		w.noDead()
	}, hooked)
}

// broken is a store or queue that cannot be reached.
type broken struct {
	sync.Store
	sync.Queue
}

func (broken) Cursor(context.Context, string) (sync.Cursor, error) { return "", errDead }
func (broken) Stats(context.Context, time.Time) (sync.QueueStats, error) {
	return sync.QueueStats{}, errDead
}
func (broken) Push(context.Context, time.Time, ...sync.Message) error { return errDead }

func TestRunReportsABrokenDeploymentAtOnce(t *testing.T) {
	for _, c := range []struct {
		rule  string
		spoil func(*sync.Config)
	}{
		{"store.reachable", func(c *sync.Config) { c.Store = broken{} }},
		{"queue.reachable", func(c *sync.Config) { c.Queue = broken{} }},
	} {
		bubble(t, func(w *world) {
			c.spoil(&w.cfg)
			w.start()
			for _, err := range []error{w.engine.Run(w.ctx), w.engine.RunOnce(w.ctx)} {
				var e *sync.Error
				if !errors.As(err, &e) || e.Rule != c.rule || !errors.Is(err, errDead) {
					t.Errorf("got %v, want an error by rule %s", err, c.rule)
				}
			}
		})
	}
}

// A plodding fake takes its time for a write, which its context may cut short.
type plodding struct {
	*fake
	takes time.Duration
	cut   bool
}

func (s *plodding) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	select {
	case <-ctx.Done():
		s.cut = true
		return nil, ctx.Err()
	case <-time.After(s.takes):
		return s.fake.Apply(ctx, writes)
	}
}

// Whoever ends a RunOnce or a Backfill cuts nobody's write off.
func TestRunOnceFinishesWhatItBegan(t *testing.T) {
	bubble(t, func(w *world) {
		right := &plodding{fake: w.right, takes: 2 * time.Second}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: right, Sink: right}
		w.start()
		w.left.create("email", "ana@example.com")
		w.enqueue(w.takeHooks()...)
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		if err := w.engine.RunOnce(ctx); !errors.Is(err, context.DeadlineExceeded) || right.cut || len(w.right.living()) != 1 {
			t.Errorf("%v, the write was cut off: %t", err, right.cut)
		}
	})
	bubble(t, func(w *world) { // but not for ever
		right := &plodding{fake: w.right, takes: time.Hour}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: right, Sink: right}
		w.start()
		w.left.create("email", "ana@example.com")
		w.enqueue(w.takeHooks()...)
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		began := time.Now()
		if err := w.engine.RunOnce(ctx); err == nil || !right.cut || time.Since(began) > time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}

// An unheard queue does not answer the first Take.
type unheard struct {
	sync.Queue
	asked atomic.Int32
}

func (q *unheard) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	if q.asked.Add(1) == 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return q.Queue.Take(ctx, now, n, lease)
}

func TestAQueueThatDoesNotAnswerIsAskedAgain(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Queue = &unheard{Queue: w.cfg.Queue}
		w.start()
		defer w.run()()
		w.left.create("email", "ana@example.com")
		w.enqueue(w.takeHooks()...)
		time.Sleep(3 * time.Minute)
		if n := len(w.right.living()); n != 1 {
			t.Errorf("%d records on the other side", n)
		}
	})
}

// A write tells of itself before its answer is there. The look that this brings
// leaves the pair alone for a moment, not for as long as the write took, with
// the person's edit behind it.
func TestAnEditBehindAnEchoWaitsForAMoment(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		late := &answering{fake: w.right, before: 1490 * time.Millisecond, after: 10 * time.Millisecond}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: late, Sink: late}
		w.start()
		hooked(w)
		defer w.run()()
		time.Sleep(time.Minute)
		w.left.edit(left, "name", "Ann")
		time.Sleep(1495 * time.Millisecond)
		w.right.edit(right, "fullname", "Anna")
		began := time.Now()
		for w.left.get(left, "name") != "Anna" && time.Since(began) < time.Minute {
			time.Sleep(time.Millisecond)
		}
		if took := time.Since(began); took > 300*time.Millisecond {
			t.Errorf("the edit was there after %s", took)
		}
	})
}

// An answering fake takes its time for a write, and a little more to answer.
type answering struct {
	*fake
	before, after time.Duration
}

func (a *answering) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	time.Sleep(a.before)
	defer time.Sleep(a.after)
	return a.fake.Apply(ctx, writes)
}

// Whoever ends an engine while it begins has ended it, and broken nothing.
func TestRunEndsWhileItBegins(t *testing.T) {
	bubble(t, func(w *world) {
		ctx, end := context.WithCancel(w.ctx)
		end()
		if err := w.engine.Run(ctx); err != nil {
			t.Error(err)
		}
	})
}
