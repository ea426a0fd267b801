package sync_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// The scenarios in this file were found by the simulation of package simtest.

// A crash after the intent leaves an edit that only the other side's signal
// may bring back to mind.
func TestOpenIntentIsNotTakenForAgreement(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana")
		w.left.edit(left, "name", "Eva")
		m := &mortal{Store: w.store, Queue: w.queue, dieAt: 1, late: true}
		w.cfg.Store, w.cfg.Queue = m, m
		w.start()
		w.enqueueQuietly(w.takeHooks()...)
		_ = w.engine.RunOnce(w.ctx)
		if !slices.Equal(m.stepAt[:1], []string{"begin"}) {
			t.Fatalf("died at %v", m.stepAt)
		}
		w.queue = memqueue.New(nil) // and the message is lost with its queue
		w.cfg.Store, w.cfg.Queue = w.store, w.queue
		w.start()
		time.Sleep(2 * time.Minute)
		w.look(right)
		w.settle()
		w.holds(w.right, right, "fullname", "Eva")
	})
}

// A hasty system tells the time of a value that came after the one read.
type hasty struct{ *fake }

func (h hasty) Times(_ context.Context, _ sync.Kind, _, names []string) ([]map[string]time.Time, error) {
	times := map[string]time.Time{}
	for _, n := range names {
		times[n] = time.Now().Add(time.Second)
	}
	return []map[string]time.Time{times}, nil
}

func TestTimeOfALaterValueDecidesNothing(t *testing.T) {
	bubble(t, func(w *world) {
		w.cfg.Peers[leftSystem] = sync.Peer{Source: hasty{w.left}, Sink: w.left}
		w.start()
		left, right := w.pair("name", "Ana")
		w.left.edit(left, "name", "From left")
		time.Sleep(10 * time.Millisecond)
		w.right.edit(right, "fullname", "From right")
		w.settle()
		w.holds(w.right, right, "fullname", "From right") // its owner's, since nobody knows the order
		if e := w.entries(sync.EntryDecided); !e[len(e)-1].Decision.Ambiguous {
			t.Errorf("the order is taken for known: %+v", e[len(e)-1].Decision)
		}
	})
}

// A field that comes back between the read and the plan was read as a blank.
type wavering struct {
	*withering
	once bool
}

func (f *wavering) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	recs, err := f.withering.Read(ctx, kind, ids)
	if !f.once && len(f.known) > 0 {
		f.once = true
		f.mend("fullname")
	}
	return recs, err
}

func TestFieldThatComesBackIsNotTakenForCleared(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		beta := &wavering{withering: wither(w)}
		w.cfg.Peers[rightSystem] = sync.Peer{Source: beta, Sink: beta}
		w.start()
		beta.lose("fullname")
		w.right.edit(right, "mail", "gil@example.com")
		w.settle()
		w.holds(w.left, left, "name", "Ana")
		w.holds(w.left, left, "email", "gil@example.com")
	})
}

func TestVerificationAfterARecoveryIsTriedAgain(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		beta.lose("fullname")
		stop := w.run()
		w.left.edit(left, "name", "Ana Gil")
		w.enqueue(w.takeHooks()...)
		time.Sleep(time.Minute)
		w.left.tune(func() { w.left.before = failing("read") })
		beta.mend("fullname")
		time.Sleep(time.Minute)
		w.left.tune(func() { w.left.before = nil })
		time.Sleep(time.Minute)
		stop()
		w.holds(w.right, right, "fullname", "Ana Gil")
	})
}

func failing(op string) fault {
	return func(asked string, _ sync.Ref) error {
		if asked == op {
			return &sync.Error{Op: "fake", Action: sync.Retry, Err: errors.New("down")}
		}
		return nil
	}
}

// Of the writes to both sides one fails. What the other side was given is our
// own value and no edit that could stand against a person's.
func TestHalfOfAPlanIsNotTakenForAnEdit(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana", "msisdn", "+57 300 000 0001")
		w.left.edit(left, "name", "Eva")
		w.right.edit(right, "phone", "+573000000002")
		w.right.before = failing("update")
		w.once()
		w.holds(w.left, left, "msisdn", "+573000000002") // written, while the name could not be
		w.right.before = nil
		w.right.edit(right, "phone", "+573000000003")
		w.settle()
		w.holds(w.right, right, "phone", "+573000000003")
		w.holds(w.left, left, "msisdn", "+573000000003")
		w.holds(w.right, right, "fullname", "Eva")
		w.agrees(1)
	})
}

// A write takes effect without an answer. What it left behind is our own value
// and no edit that could stand against a person's.
func TestWriteWithoutAnAnswerIsNotTakenForAnEdit(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana", "msisdn", "+57 300 000 0001")
		w.right.edit(right, "phone", "+573000000002")
		w.left.after = failing("update") // the phone arrives, and nobody hears of it
		w.once()
		w.holds(w.left, left, "msisdn", "+573000000002")
		w.left.after = nil
		w.right.edit(right, "phone", "+573000000003")
		w.settle()
		w.holds(w.right, right, "phone", "+573000000003")
		w.holds(w.left, left, "msisdn", "+573000000003")
		w.agrees(1)
	})
}

// The process dies between the write and the commit.
func TestWriteOfADeadProcessIsNotTakenForAnEdit(t *testing.T) {
	for name, create := range map[string]bool{"update": false, "create": true} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				var left, right sync.Ref
				if create {
					left = w.left.create("name", "Ana", "msisdn", "+57 300 000 0002")
				} else {
					left, right = w.pair("name", "Ana", "msisdn", "+57 300 000 0001")
					w.left.edit(left, "msisdn", "+57 300 000 0002")
				}
				m := &mortal{Store: w.store, Queue: w.queue, dieAt: 2}
				w.cfg.Store, w.cfg.Queue = m, m
				w.start()
				w.enqueueQuietly(w.takeHooks()...)
				_ = w.engine.RunOnce(w.ctx)
				if create {
					right = w.right.living()[0]
				}
				w.holds(w.right, right, "phone", "+573000000002")
				w.cfg.Store, w.cfg.Queue = w.store, w.queue
				w.start()
				w.left.edit(left, "msisdn", "+57 300 000 0003", "name", "Eva")
				time.Sleep(2 * time.Minute)
				w.settle()
				w.holds(w.left, left, "msisdn", "+573000000003")
				w.holds(w.right, right, "phone", "+573000000003")
				w.holds(w.right, right, "fullname", "Eva")
				w.agrees(1)
			}, func(w *world) { w.flow.Fields[4].Policy.Owner = sync.Right })
		})
	}
}

// A record that a dead process created is edited before anybody knows of it.
func TestEditOfAFreshRecordIsNoFirstMeeting(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("name", "Ana")
		m := &mortal{Store: w.store, Queue: w.queue, dieAt: 2}
		w.cfg.Store, w.cfg.Queue = m, m
		w.start()
		w.enqueueQuietly(w.takeHooks()...)
		_ = w.engine.RunOnce(w.ctx)
		right := w.right.living()[0]
		w.right.edit(right, "fullname", "Ana Gil")
		w.cfg.Store, w.cfg.Queue = w.store, w.queue
		w.start()
		time.Sleep(2 * time.Minute)
		w.settle()
		w.holds(w.right, right, "fullname", "Ana Gil")
		w.holds(w.left, left, "name", "Ana Gil")
		w.agrees(1)
	}, func(w *world) { w.flow.FirstSync.Owner = sync.Left })
}

// A record is merged away between the read and the write.
func TestWriteThatLandsOnAnotherRecordIsSeen(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana")
		other := w.right.create("fullname", "Ana B.")
		w.takeHooks()
		merged := false
		w.right.before = func(op string, ref sync.Ref) error {
			if op == "update" && ref == right && !merged {
				merged = true
				w.right.merge(right, other)
			}
			return nil
		}
		w.left.edit(left, "name", "Eva")
		w.settle()
		if !slices.ContainsFunc(w.entries(sync.EntryFailed), func(e sync.Entry) bool { return strings.Contains(e.Note, "merged into another") }) {
			t.Error("the audit does not tell that a write landed elsewhere")
		}
		w.holds(w.right, w.link(left).Right, "fullname", "Eva")
		w.agrees(1)
	})
}
