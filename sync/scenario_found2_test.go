package sync_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// orphan has a process die right after it created a record on one side for a
// new one on the other.
func orphan(w *world, from, to *fake, pairs ...string) (record, made sync.Ref) {
	before := len(to.living())
	record = from.create(pairs...)
	m := &mortal{Store: w.store, Queue: w.queue, dieAt: 2}
	w.cfg.Store, w.cfg.Queue = m, m
	w.start()
	w.enqueueQuietly(w.takeHooks()...)
	_ = w.engine.RunOnce(w.ctx)
	all := to.living()
	if len(all) != before+1 {
		w.Fatalf("%d records, want one more than %d", len(all), before)
	}
	w.cfg.Store, w.cfg.Queue = w.store, w.queue
	w.start()
	return record, all[before]
}

// A record is deleted before anybody knows that it was created on the other
// side: it is not created anew from there.
func TestDeletedRecordIsNotMadeAnewFromWhatItBecame(t *testing.T) {
	for name, side := range map[string]sync.Side{"left": sync.Left, "right": sync.Right} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				from, to, mail, far := w.left, w.right, "email", "mail"
				if side == sync.Right {
					from, to, mail, far = w.right, w.left, "mail", "email"
				}
				record, made := orphan(w, from, to, mail, "ana@example.com")
				from.remove(record, true)
				time.Sleep(2 * time.Minute)
				w.settle()
				if got := from.living(); len(got) != 0 {
					t.Errorf("%v came back", got)
				}
				from.remove(record, false)
				from.edit(record, mail, "gil@example.com")
				w.settle()
				w.holds(to, made, far, "gil@example.com")
				w.agrees(1)
			})
		})
	}
}

// A record that a dead process made is merged with that of another pair before
// anybody knows of it: it stays the counterpart of the one it was made for.
func TestMergeWithARecordNobodyKnowsOf(t *testing.T) {
	bubble(t, func(w *world) {
		_, other := w.pair("name", "Eva", "email", "eva@example.com")
		left, right := orphan(w, w.left, w.right, "name", "Ana", "email", "ana@example.com")
		survivor := w.right.merge(right, other)
		w.hook(other)
		w.left.edit(left, "email", "gil@example.com")
		time.Sleep(2 * time.Minute)
		w.settle()
		if got := w.right.living(); len(got) != 1 {
			t.Errorf("%v are on the right, want %s alone", got, survivor)
		}
		w.holds(w.right, survivor, "mail", "gil@example.com")
		w.agrees(1)
	})
}

// An edit that nobody can see, because its field is archived, keeps its time,
// whatever else happens to the record meanwhile.
func TestHiddenEditKeepsItsTime(t *testing.T) {
	for _, reason := range []sync.Reason{sync.ReasonWebhook, sync.ReasonManual} {
		t.Run(string(reason), func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.pair("email", "ana@example.com")
				beta := wither(w)
				alpha := &withering{fake: w.left, gone: map[string]string{}, known: map[string]string{}}
				w.cfg.Peers[leftSystem] = sync.Peer{Source: alpha, Sink: alpha}
				w.start()
				w.right.edit(right, "fullname", "Ana")
				beta.lose("fullname")
				time.Sleep(time.Minute)
				w.left.edit(left, "name", "Eva")
				alpha.lose("name")
				w.takeHooks()
				time.Sleep(time.Minute)
				w.right.edit(right, "unmapped", "x")
				w.takeHooks()
				w.enqueue(sync.Change{ID: "look", Ref: right, Reason: reason})
				w.settle()
				alpha.mend("name")
				beta.mend("fullname")
				w.look(left)
				w.settle()
				w.holds(w.left, left, "name", "Eva")
				w.holds(w.right, right, "fullname", "Eva")
				w.agrees(1)
			}, func(w *world) { w.flow.Fields[3].Policy.Owner = sync.Left })
		})
	}
}

// A value that a system drops leaves the other side's edit waiting, and nothing
// is known of when what stands in its place was edited.
func TestDroppedWriteTellsNothingAboutTimes(t *testing.T) {
	bubble(t, func(w *world) {
		beta := wither(w)
		left, right := w.pair("name", "Ana")
		w.right.edit(right, "fullname", "From right")
		time.Sleep(time.Minute)
		w.left.edit(left, "name", "From left")
		time.Sleep(time.Minute)
		w.right.edit(right, "unmapped", "x")
		beta.seal("fullname")
		w.settle()
		w.holds(w.right, right, "fullname", "From right")
		beta.mend("fullname")
		w.look(left)
		w.settle()
		w.holds(w.left, left, "name", "From left") // the later one, and its owner's
		w.holds(w.right, right, "fullname", "From left")
	}, func(w *world) { w.flow.Fields[3].Policy.Owner = sync.Left })
}

// Somebody asks to be erased before anybody knows of the record that was
// created for them on the other side: that one goes, too.
func TestErasedRecordTakesWithItWhatNobodyKnowsOf(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := orphan(w, w.left, w.right, "name", "Ana", "email", "ana@example.com")
		time.Sleep(2 * time.Minute)
		alpha, beta := &erasing{fake: w.left}, &erasing{fake: w.right}
		w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: alpha, Sink: alpha}, sync.Peer{Source: beta, Sink: beta}
		w.start()
		if _, err := w.engine.Erase(w.ctx, w.flow.Name, left); err != nil {
			t.Fatal(err)
		}
		w.look(right)
		w.settle()
		if got := append(w.left.living(), w.right.living()...); len(got) != 0 {
			t.Errorf("%v are left", got)
		}
		if link := w.link(right); link.State != sync.Erased || link.Left != left {
			t.Errorf("the link is %s, of %s", link.State, link.Left)
		}
	})
}

// A newcomer has the address of somebody whose counterpart was created without
// anybody hearing of it, and does not take its place.
func TestNewcomerDoesNotTakeThePlaceOfARecordNobodyKnowsOf(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := orphan(w, w.left, w.right, "name", "Ana", "email", "ana@example.com")
		w.queue = memqueue.New(nil) // and the messages are lost with their queue
		w.cfg.Queue = w.queue
		w.start()
		w.right.edit(right, "mail", "gil@example.com")
		w.takeHooks()
		newcomer := w.right.create("fullname", "Eva", "mail", "ana@example.com")
		time.Sleep(2 * time.Minute)
		w.settle()
		w.look(left)
		w.settle()
		w.holds(w.left, left, "email", "gil@example.com")
		w.replay(w.dead())
		w.settle()
		if got := w.link(newcomer).Left; got == left || got.Zero() {
			t.Errorf("the newcomer's counterpart is %v", got)
		}
		w.agrees(2)
	})
}

// Two processes die one after the other. What the first wrote is not forgotten
// when the second announces a write of its own.
func TestWriteOfADeadProcessOutlivesTheNextDeath(t *testing.T) {
	for dieAt := 1; dieAt <= 3; dieAt++ {
		t.Run(fmt.Sprint("at step ", dieAt), func(t *testing.T) {
			bubble(t, func(w *world) {
				die := func(at int) {
					time.Sleep(2 * time.Minute)
					m := &mortal{Store: w.store, Queue: w.queue, dieAt: at, late: true}
					w.cfg.Store, w.cfg.Queue = m, m
					w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: w.left, Sink: m.sink(w.left)}, sync.Peer{Source: w.right, Sink: m.sink(w.right)}
					w.start()
					w.enqueueQuietly(w.takeHooks()...)
					_ = w.engine.RunOnce(w.ctx)
				}
				left := w.left.create("email", "ana@example.com", "msisdn", "+57 300 000 0001")
				w.takeHooks()
				right := w.right.create("mail", "ana@example.com", "phone", "+573000000002")
				die(3) // after both writes
				w.holds(w.left, left, "msisdn", "+573000000002")
				w.left.edit(left, "msisdn", "+573000000003")
				die(dieAt)
				w.cfg.Store, w.cfg.Queue = w.store, w.queue
				w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: w.left, Sink: w.left}, sync.Peer{Source: w.right, Sink: w.right}
				w.start()
				time.Sleep(2 * time.Minute)
				w.settle()
				w.holds(w.left, left, "msisdn", "+573000000003")
				w.holds(w.right, right, "phone", "+573000000003")
				w.agrees(1)
			})
		})
	}
}
