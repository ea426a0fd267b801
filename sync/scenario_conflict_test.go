package sync_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// conflict returns the only conflict in the audit.
func (w *world) conflict() sync.Decision {
	w.Helper()
	var found []sync.Decision
	for _, e := range w.entries(sync.EntryDecided) {
		if e.Decision.Conflict {
			found = append(found, *e.Decision)
		}
	}
	if len(found) != 1 {
		w.Fatalf("%d conflicts in the audit, want 1", len(found))
	}
	return found[0]
}

// sources replaces what the engine reads the sides through.
func (w *world) sources(left, right sync.Source) {
	w.cfg.Peers[leftSystem] = sync.Peer{Source: left, Sink: w.left}
	w.cfg.Peers[rightSystem] = sync.Peer{Source: right, Sink: w.right}
	w.start()
}

func TestBothSidesEditTheSameField(t *testing.T) {
	leftThenRight := func(w *world, left, right sync.Ref) {
		w.left.edit(left, "name", "Left")
		time.Sleep(time.Second)
		w.right.edit(right, "fullname", "Right")
	}
	rightThenLeft := func(w *world, left, right sync.Ref) {
		w.right.edit(right, "fullname", "Right")
		time.Sleep(time.Second)
		w.left.edit(left, "name", "Left")
	}
	for _, c := range []struct {
		name       string
		sources    func(w *world, left, right sync.Ref)
		edits      func(w *world, left, right sync.Ref)
		want, lost string
		ambiguous  bool
	}{
		{"exact time after the interval", func(w *world, _, _ sync.Ref) { w.sources(w.left, historic{w.right}) },
			leftThenRight, "Right", "Left", false},
		{"exact time inside the interval", func(w *world, _, _ sync.Ref) { w.sources(w.left, historic{w.right}) },
			rightThenLeft, "Right", "Left", true},
		{"exact time before the interval", seenLeftSince, rightThenLeft, "Left", "Right", false},
		{"intervals only", func(w *world, _, _ sync.Ref) {}, leftThenRight, "Right", "Left", true},
		{"exact times on both sides, left later", func(w *world, _, _ sync.Ref) { w.sources(historic{w.left}, historic{w.right}) },
			rightThenLeft, "Left", "Right", false},
		{"exact time after the interval but within the skew", func(w *world, _, _ sync.Ref) { w.sources(skewed{w.left}, historic{w.right}) },
			leftThenRight, "Right", "Left", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.pair("email", "ana@example.com", "name", "Ana")
				c.sources(w, left, right)
				c.edits(w, left, right)
				w.settle()
				w.holds(w.left, left, "name", c.want)
				w.holds(w.right, right, "fullname", c.want)
				d := w.conflict()
				if lost, ok := d.Lost(); !ok || lost.String() != c.lost {
					t.Errorf("the audit says %q was lost (%t), want %q", lost, ok, c.lost)
				}
				if d.Ambiguous != c.ambiguous {
					t.Errorf("ambiguous = %t, want %t", d.Ambiguous, c.ambiguous)
				}
				if writes := len(w.left.takeWrites()) + len(w.right.takeWrites()); writes != 1 {
					t.Errorf("%d writes, want 1", writes)
				}
				w.agrees(1)
			})
		})
	}
}

// seenLeftSince arranges that the engine sees the left record untouched after
// the right edit, and the right record only as it was before: from a snapshot.
func seenLeftSince(w *world, left, right sync.Ref) {
	recs, err := w.right.Read(w.ctx, contact, []string{right.ID})
	if err != nil {
		w.Fatal(err)
	}
	snapped := &frozen{historic{w.right}, recs[0]}
	w.sources(w.left, snapped)
	w.right.notify = func(ref sync.Ref) { // the right edit's webhook: first it is late
		w.right.notify = w.hook
		time.Sleep(500 * time.Millisecond)
		w.left.edit(left, "unmapped", "x")
		w.settle()
		snapped.snapshot = sync.Record{}
		w.hook(ref)
	}
}

func TestEditsOfDifferentFieldsBothStay(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.right.edit(right, "phone", "+57 300 000 0003")
		w.settle()
		w.wrote("L1 msisdn", "R1 fullname")
		w.agrees(1)
	})
}

func TestSameEditOnBothSidesIsAdopted(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.left.edit(left, "name", "Ana Gil")
		w.right.edit(right, "fullname", "Ana Gil")
		w.settle()
		w.wrote()
		w.agrees(1)
	})
}
