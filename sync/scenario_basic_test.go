package sync_test

import (
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

func TestNewLeftRecordIsCreatedOnTheRightOnce(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "Ana@Example.com", "name", "Ana Gil", "msisdn", "+57 300 000 0001")
		w.settle()
		right := w.link(left).Right
		w.wrote("R1 alpha_id", "R1 fullname", "R1 mail", "R1 phone", "L1 beta_id")
		w.holds(w.right, right, "alpha_id", left.ID)
		w.holds(w.left, left, "beta_id", right.ID)
		w.holds(w.right, right, "mail", "ana@example.com")
		w.holds(w.left, left, "email", "Ana@Example.com")
		w.look(left, right)
		w.settle()
		w.wrote()
		w.agrees(1)
		w.noDead()
	})
}

func TestNewRightRecordIsCreatedOnTheLeftOnce(t *testing.T) {
	bubble(t, func(w *world) {
		right := w.right.create("mail", "ana@example.com", "phone", "+57 300 000 0001")
		w.settle()
		left := w.link(right).Left
		w.wrote("L1 beta_id", "L1 email", "L1 msisdn", "R1 alpha_id")
		w.holds(w.right, right, "alpha_id", left.ID)
		w.holds(w.left, left, "beta_id", right.ID)
		w.look(left, right)
		w.settle()
		w.wrote()
		w.agrees(1)
		w.noDead()
	})
}

func TestEditCrossesWithOneWriteAndTheEchoIsRecognised(t *testing.T) {
	for _, terse := range []bool{false, true} {
		bubble(t, func(w *world) {
			w.left.terse, w.right.terse = terse, terse
			left, right := w.pair("email", "ana@example.com", "name", "Ana")
			decided := len(w.entries(sync.EntryDecided))
			w.left.edit(left, "name", "Ana Gil")
			w.settle()
			w.holds(w.right, right, "fullname", "Ana Gil")
			w.wrote("R1 fullname")
			if got := len(w.entries(sync.EntryDecided)) - decided; got != 1 {
				t.Errorf("%d decisions in the audit, want 1", got)
			}

			w.right.edit(right, "mail", "ANA.GIL@example.com")
			echoes := w.count(sync.EventEcho)
			w.settle()
			w.holds(w.left, left, "email", "ana.gil@example.com")
			w.wrote("L1 email")
			if got := w.count(sync.EventEcho) - echoes; got != 1 {
				w.Errorf("%d echoes, want 1", got)
			}
			w.agrees(1)
		})
	}
}

func TestReformattingIsNoEdit(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com")
		w.right.edit(right, "phone", "+57 300 000 0002")
		w.settle()
		w.wrote("L1 msisdn")
		w.left.edit(left, "email", "ANA@example.com") // the same address in another case
		w.settle()
		w.wrote()
		w.holds(w.right, right, "mail", "ana@example.com")
	})
}

func TestClearingAFieldCrosses(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "")
		w.settle()
		w.holds(w.right, right, "fullname", "")
		w.wrote("R1 fullname")
	})
}
