package sync_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Two people turn out to be one, and each side keeps the record that the other
// gave up. The two that are left are a pair, whichever is looked at first.
func TestMergesCrosswiseLeaveAPair(t *testing.T) {
	for _, order := range [][]int{{0, 1}, {1, 0}, {2, 3}, {3, 2}, {0, 1, 2, 3}, {3, 2, 1, 0}} {
		t.Run(fmt.Sprint(order), func(t *testing.T) { crosswise(t, order) })
	}
}

func crosswise(t *testing.T, order []int) {
	bubble(t, func(w *world) {
		left1, right1 := w.pair("email", "ana@example.com", "name", "Ana")
		left2, right2 := w.pair("email", "eva@example.com", "name", "Eva")
		w.left.absorb(left1, left2)
		w.right.absorb(right2, right1)
		w.takeHooks()
		for _, i := range order {
			w.look([]sync.Ref{left1, right1, left2, right2}[i])
			w.settle()
		}
		w.joined(left1, right2)
	})
}

// Duplicates are merged on one side and some day on the other, where the record
// survives that had lost its counterpart.
func TestMergeAfterAMergeCrosswiseLeavesAPair(t *testing.T) {
	bubble(t, func(w *world) {
		left1, right1 := w.pair("email", "ana@example.com", "name", "Ana")
		left2, right2 := w.pair("email", "eva@example.com", "name", "Eva")
		w.right.absorb(right2, right1)
		w.settle()
		if l := w.link(left1); l.State != sync.Detached {
			t.Fatalf("the link of the record whose counterpart was merged away is %s", l.State)
		}
		time.Sleep(time.Hour)
		w.left.absorb(left1, left2)
		w.settle()
		w.joined(left1, right2)
	})
}

// joined checks that two records are a pair and that an edit goes its way.
func (w *world) joined(left, right sync.Ref) {
	w.Helper()
	for _, ref := range []sync.Ref{left, right} {
		if l := w.link(ref); l.State != sync.Active || l.Left != left || l.Right != right {
			w.Errorf("%s: link %s: %s, %s", ref, l.State, l.Left, l.Right)
		}
	}
	w.left.edit(left, "name", "Ana Eva")
	w.settle()
	w.holds(w.right, right, "fullname", "Ana Eva")
	w.agrees(1)
	w.noDead()
}
