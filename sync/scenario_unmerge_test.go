package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// absorb merges a record into another, which keeps its id.
func (f *fake) absorb(winner, loser sync.Ref) {
	f.mu.Lock()
	delete(f.records, loser.ID)
	f.aliases[loser.ID] = winner.ID
	f.set(winner.ID, nil)
	f.mu.Unlock()
	f.notify(loser)
	f.notify(winner)
}

// unmerge makes a record of an id again that was merged away.
func (f *fake) unmerge(ref sync.Ref, pairs ...string) {
	f.mu.Lock()
	delete(f.aliases, ref.ID)
	fields := texts(pairs...)
	fields[sync.IDField] = sync.Text(ref.ID)
	f.set(ref.ID, fields)
	f.mu.Unlock()
	f.notify(ref)
}

// apart checks that two records have pairs of their own, through which an edit
// of the one never reaches the other.
func (w *world) apart(left1, right1, left2, right2 sync.Ref) {
	w.Helper()
	for left, right := range map[sync.Ref]sync.Ref{left1: right1, left2: right2} {
		if link := w.link(left); link.State != sync.Active || link.Right != right {
			w.Errorf("link of %s is %s to %s, want active to %s", left, link.State, link.Right, right)
		}
	}
	w.left.edit(left1, "name", "One")
	w.right.edit(right2, "fullname", "Two")
	w.settle()
	w.holds(w.right, right1, "fullname", "One")
	w.holds(w.left, left2, "name", "Two")
	w.agrees(2)
	w.noDead()
}

func TestUnmergedRecordIsAPairOfItsOwnAgain(t *testing.T) {
	bubble(t, func(w *world) {
		ana, first := w.pair("email", "ana@example.com", "name", "Ana")
		eva, second := w.pair("email", "eva@example.com", "name", "Eva")
		w.right.absorb(first, second)
		w.settle()
		if w.link(eva).State != sync.Detached {
			t.Fatalf("the link of the loser is %s", w.link(eva).State)
		}
		time.Sleep(time.Minute)
		w.right.unmerge(second, "mail", "eva@example.com", "fullname", "Eva", "alpha_id", eva.ID)
		w.settle()
		w.apart(ana, first, eva, second)
	})
}

// A merge that made a new record is taken back: both come again, the new one
// goes.
func TestBothRecordsOfAMergeComeBack(t *testing.T) {
	for _, loserFirst := range []bool{false, true} {
		bubble(t, func(w *world) {
			ana, first := w.pair("email", "ana@example.com", "name", "Ana")
			eva, second := w.pair("email", "eva@example.com", "name", "Eva")
			merged := w.right.merge(first, second)
			w.settle()
			time.Sleep(time.Minute)
			w.right.remove(merged, true)
			w.right.unmerge(first, "mail", "ana@example.com", "fullname", "Ana", "alpha_id", ana.ID)
			w.right.unmerge(second, "mail", "eva@example.com", "fullname", "Eva", "alpha_id", eva.ID)
			hooks := w.takeHooks()
			order := []int{0, 1, 2}
			if loserFirst {
				order = []int{2, 1, 0}
			}
			for _, i := range order {
				w.enqueue(hooks[i])
				w.settle()
			}
			w.apart(ana, first, eva, second)
		})
	}
}

// Only the loser was linked, and its link went to the winner. It comes back
// with the winner's id of the other side, and does not take the link along.
func TestUnmergedRecordDoesNotDragTheWinnersLink(t *testing.T) {
	bubble(t, func(w *world) {
		ana, loser := w.pair("email", "ana@example.com", "name", "Ana")
		winner := w.right.create("mail", "luz@example.com", "fullname", "Luz")
		w.takeHooks() // never synced
		w.right.absorb(winner, loser)
		w.settle()
		if w.link(ana).Right != winner {
			t.Fatalf("the link leads to %s", w.link(ana).Right)
		}
		time.Sleep(time.Minute)
		w.right.unmerge(loser, "mail", "old@example.com", "fullname", "Old", "alpha_id", ana.ID)
		w.settle()
		second := w.link(loser).Left
		if second.Zero() || second == ana {
			t.Fatalf("the record that came back is linked to %s", second)
		}
		w.apart(ana, winner, second, loser)
	})
}

// It comes back with the address, too, which only one record may have: a
// person decides.
func TestUnmergedRecordWithTheSameAddressIsHeld(t *testing.T) {
	bubble(t, func(w *world) {
		ana, loser := w.pair("email", "ana@example.com", "name", "Ana")
		winner := w.right.create("fullname", "Luz")
		w.takeHooks()
		w.right.absorb(winner, loser)
		w.settle()
		w.right.unmerge(loser, "mail", "ana@example.com", "alpha_id", ana.ID)
		w.settle()
		if w.link(ana).Right != winner {
			t.Errorf("the link was dragged to %s", w.link(ana).Right)
		}
		if h := w.holds1(); h.Ref != loser {
			t.Errorf("held %+v", h)
		}
		w.resolve(sync.Resolution{Ref: loser, With: ana})
		w.settle()
		if link := w.link(ana); link.Right != loser || link.State != sync.Active {
			t.Errorf("link %+v", link)
		}
	}, func(w *world) { w.flow.Fields[2].KeepBlank = true })
}

// Someone is still the same after a change of address and phone.
func TestChangedAddressKeepsTheLink(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "msisdn", "+57 300 000 0001")
		before := w.link(left).ID
		w.left.edit(left, "email", "ana.gil@example.com")
		w.settle()
		w.right.edit(right, "phone", "+573000000009")
		w.settle()
		// The old address now belongs to somebody else.
		other := w.right.create("mail", "ana@example.com", "phone", "+573000000001")
		w.settle()
		if link := w.link(left); link.ID != before || link.Right != right {
			t.Errorf("link %+v", link)
		}
		if w.link(other).Left == left {
			t.Error("the old address led to the wrong person")
		}
		w.holds(w.right, right, "mail", "ana.gil@example.com")
		w.holds(w.left, left, "msisdn", "+573000000009")
		w.agrees(2)
		w.noDead()
	})
}
