package sync_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var errNoConnection = errors.New("no connection")

// A frail store may be out of reach.
type frail struct {
	sync.Store
	gone atomic.Bool
}

func (s *frail) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	if s.gone.Load() {
		return sync.Link{}, errNoConnection
	}
	return s.Store.Link(ctx, flow, ref)
}

func (s *frail) Commit(ctx context.Context, now time.Time, c sync.Commit) (sync.Link, error) {
	if s.gone.Load() {
		return sync.Link{}, errNoConnection
	}
	return s.Store.Commit(ctx, now, c)
}

func (s *frail) Open(ctx context.Context, now time.Time, limit int) ([]sync.Link, error) {
	if s.gone.Load() {
		return nil, errNoConnection
	}
	return s.Store.Open(ctx, now, limit)
}

func (s *frail) Cursor(ctx context.Context, name string) (sync.Cursor, error) {
	if s.gone.Load() {
		return "", errNoConnection
	}
	return s.Store.Cursor(ctx, name)
}

// modeOf returns the mode of a name that is on.
func modeOf(modes []sync.Mode, name string) sync.Mode {
	i := slices.IndexFunc(modes, func(m sync.Mode) bool { return m.Name == name })
	if i < 0 {
		return sync.Mode{}
	}
	return modes[i]
}

// Through a day without its store, the engine takes in what happens and then
// carries it out, and no message has lost an attempt.
func TestAStoreThatIsDownIsWaitedFor(t *testing.T) {
	bubble(t, func(w *world) {
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		store, q := &frail{Store: w.store}, &lanes{Queue: w.queue}
		w.cfg.Store, w.cfg.Queue, w.queue = store, q, q
		w.cfg.SweepInterval = -1
		w.start()
		stop := w.run()
		time.Sleep(time.Second)
		store.gone.Store(true)
		fell := time.Now()
		w.left.edit(ana, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(24 * time.Hour)
		m := modeOf(w.engine.Modes(), "work waits: store")
		if m.Why != "no connection" || m.Since.Sub(fell) > 5*time.Second || w.engine.Health(w.ctx).Ready {
			t.Errorf("in the outage: %+v, %+v", m, w.engine.Health(w.ctx))
		}
		store.gone.Store(false)
		time.Sleep(10 * time.Second)
		w.holds(w.right, right, "fullname", "Ana Gil")
		if h := w.engine.Health(w.ctx); !h.Ready || len(h.Modes) > 0 {
			t.Errorf("after the outage: %+v", h)
		}
		if len(q.failures) < 10_000 || slices.ContainsFunc(q.failures, func(f sync.Failure) bool { return !f.Free }) {
			t.Errorf("%d failures, the first %+v", len(q.failures), q.failures[:min(1, len(q.failures))])
		}
		stop()
		w.noDead()
	})
}

// A deaf queue takes and tells nothing for a while.
type deaf struct {
	sync.Queue
	gone atomic.Bool
}

func (q *deaf) fault() error {
	if q.gone.Load() {
		return errNoConnection
	}
	return nil
}

func (q *deaf) Push(ctx context.Context, now time.Time, msgs ...sync.Message) error {
	if err := q.fault(); err != nil {
		return err
	}
	return q.Queue.Push(ctx, now, msgs...)
}

func (q *deaf) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	if err := q.fault(); err != nil {
		return nil, err
	}
	return q.Queue.Take(ctx, now, n, lease)
}

func (q *deaf) Done(ctx context.Context, now time.Time, lane sync.Lane) error {
	if err := q.fault(); err != nil {
		return err
	}
	return q.Queue.Done(ctx, now, lane)
}

func (q *deaf) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	if err := q.fault(); err != nil {
		return sync.QueueStats{}, err
	}
	return q.Queue.Stats(ctx, now)
}

// What was done is told to the queue as soon as it answers, not when the lease
// ends, and meanwhile webhooks are refused, which is a mode.
func TestAQueueThatIsDownIsToldLater(t *testing.T) {
	bubble(t, func(w *world) {
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		q := &deaf{Queue: w.queue}
		w.cfg.Queue, w.cfg.Lease, w.cfg.SweepInterval = q, 10*time.Minute, -1
		w.start()
		stop := w.run()
		time.Sleep(time.Second)
		w.right.before = func(string, sync.Ref) error { // while work is under way
			w.right.before = nil
			q.gone.Store(true)
			return nil
		}
		w.left.edit(ana, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		fell := time.Now()
		time.Sleep(5 * time.Minute)
		w.holds(w.right, right, "fullname", "Ana Gil")
		if err := w.engine.Enqueue(w.ctx, sync.Change{ID: "refused", Ref: ana, Reason: sync.ReasonWebhook}); !errors.Is(err, errNoConnection) {
			t.Errorf("a webhook was taken: %v", err)
		}
		if m := modeOf(w.engine.Modes(), "webhooks refused"); m.Why != "no connection" || m.Since.Sub(fell) > 5*time.Second {
			t.Errorf("in the outage: %+v", w.engine.Modes())
		}
		q.gone.Store(false)
		time.Sleep(6 * time.Second)
		if s := w.stats(); s.Waiting+s.Leased > 0 || len(w.engine.Modes()) > 0 {
			t.Errorf("after the outage: %+v, %+v", s, w.engine.Modes())
		}
		stop()
	})
}

// An outage is asked after ever more rarely by each lane, and half of the slots
// go on with what it does not concern.
func TestAnOutageIsNotAskedAfterByEveryLane(t *testing.T) {
	bubble(t, func(w *world) {
		var asked atomic.Int64
		w.cfg.Concurrency, w.cfg.SweepInterval, w.cfg.Lease = 8, -1, 10*time.Minute
		w.start()
		w.people(300, "Lead")
		w.left.before = func(string, sync.Ref) error {
			asked.Add(1)
			return &sync.Error{Op: "fake", Action: sync.RetryAt, Rule: sync.RuleBreakerOpen, RetryAt: time.Now().Add(5 * time.Second)}
		}
		w.look(w.left.living()...)
		stop := w.run()
		for minute := range 3 {
			before := asked.Load()
			time.Sleep(time.Minute)
			if times := float64(asked.Load()-before) / 300; times > 7 || minute > 0 && times > 4.3 {
				t.Errorf("each lane asked %.1f times in the minute %d", times, minute+1)
			}
		}
		w.left.tune(func() { w.left.before = nil })
		time.Sleep(10 * time.Minute)
		if n := len(w.right.living()); n != 300 {
			t.Errorf("%d of 300 arrived", n)
		}
		stop()
	})
}

// A torn feed cannot be read for a while.
type torn struct{ gone atomic.Bool }

func (f *torn) Changes(context.Context, sync.Cursor) (sync.ChangePage, error) {
	if f.gone.Load() {
		return sync.ChangePage{}, errNoConnection
	}
	return sync.ChangePage{}, nil
}

// sweptBy is a fake with another feed.
type sweptBy struct {
	*fake
	feed sync.Feed
}

func (s sweptBy) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	return s.feed.Changes(ctx, since)
}

// A feed or a sweep that cannot be read is a mode until it can.
func TestWithoutAFeedAndASweep(t *testing.T) {
	bubble(t, func(w *world) {
		feed := &torn{}
		w.cfg.Peers[leftSystem] = sync.Peer{Source: w.left, Sink: w.left, Feeds: []sync.Pull{{Name: "journal", Feed: feed, Every: time.Second}}}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: sweptBy{w.right, feed}, Sink: w.right}
		w.start()
		stop := w.run()
		for range 2 {
			time.Sleep(2 * time.Minute)
			if m := w.engine.Modes(); len(m) > 0 {
				t.Errorf("all can be read: %+v", m)
			}
			feed.gone.Store(true)
			gone := time.Now()
			time.Sleep(2 * time.Minute)
			m := w.engine.Modes()
			if len(m) != 2 || m[0].System != leftSystem || m[0].Name != "without feed: journal" || m[0].Since.Sub(gone) > time.Second ||
				m[1].System != rightSystem || m[1].Name != "without sweep" || m[1].Since.Sub(gone) > time.Minute || m[1].Why == "" {
				t.Errorf("nothing can be read: %+v", m)
			}
			feed.gone.Store(false)
		}
		stop()
	})
}
