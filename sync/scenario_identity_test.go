package sync_test

import (
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func TestTheSamePersonArrivingOnBothSidesIsLinkedOnce(t *testing.T) {
	bubble(t, func(w *world) {
		left := w.left.create("email", "ana@example.com", "msisdn", "+57 300 000 0001")
		right := w.right.create("mail", "ANA@example.com", "fullname", "Ana")
		w.settle()
		if link := w.link(left); link.Right != right || link.Evidence != "mail" && link.Evidence != "email" {
			t.Errorf("link %s–%s by %q", link.Left, link.Right, link.Evidence)
		}
		w.wrote("L1 beta_id", "L1 name", "R1 alpha_id", "R1 phone")
		w.agrees(1)
		w.noDead()
	})
}

// The right side learns of the person after the match found nobody and before
// the create arrives.
func TestCreateConflictLinksTheRecordThatHoldsTheValue(t *testing.T) {
	bubble(t, func(w *world) {
		var right sync.Ref
		w.right.before = func(op string, _ sync.Ref) error {
			if op == "create" && right.Zero() {
				right = w.right.create("mail", "ana@example.com", "fullname", "Ana")
				w.takeHooks() // its webhook is lost
			}
			return nil
		}
		left := w.left.create("email", "ana@example.com")
		w.settle()
		if link := w.link(left); link.Right != right {
			t.Errorf("linked to %s, want %s", link.Right, right)
		}
		if n := len(w.right.living()); n != 1 {
			t.Errorf("%d records on the right, want 1", n)
		}
		w.agrees(1)
		w.noDead()
	})
}

// A system may refuse a create for a record that its search does not show.
func TestCreateConflictNeedsNoMatch(t *testing.T) {
	bubble(t, func(w *world) {
		right := w.right.create("mail", "ana@example.com")
		w.takeHooks()
		left := w.left.create("email", "ana@example.com", "name", "Ana")
		w.settle()
		if link := w.link(left); link.Right != right {
			t.Errorf("linked to %s, want %s", link.Right, right)
		}
		w.agrees(1)
		w.noDead()
	}, func(w *world) {
		w.cfg.Peers[rightSystem] = sync.Peer{Source: struct{ sync.Source }{w.right}, Sink: w.right}
	})
}

func TestTwoWaitingRecordsThatTurnOutTheSameAreJoined(t *testing.T) {
	bubble(t, func(w *world) {
		down := func(op string, _ sync.Ref) error {
			if op == "create" {
				return &sync.Error{Op: "fake", Action: sync.Retry, Rule: "down"}
			}
			return nil
		}
		w.left.before, w.right.before = down, down
		left := w.left.create("name", "Ana")
		right := w.right.create("phone", "+57 300 000 0001")
		w.once() // both creates fail, both links wait with one end
		w.left.before, w.right.before = nil, nil
		w.left.edit(left, "email", "ana@example.com")
		w.right.edit(right, "mail", "ana@example.com")
		w.settle()
		if link := w.link(left); link.Right != right || link.State != sync.Active {
			t.Errorf("link %s–%s %s", link.Left, link.Right, link.State)
		}
		w.holds(w.left, left, "msisdn", "+573000000001")
		w.agrees(1)
		w.noDead()
	})
}

func TestAmbiguousMatchIsHeldForAPerson(t *testing.T) {
	for _, c := range []struct {
		name  string
		setup func(w *world)
		names []string // what the dead letter must name
	}{
		{"two candidates", func(w *world) {
			w.right.unique = nil
			w.right.create("mail", "ana@example.com")
			w.right.create("mail", "ana@example.com")
			w.takeHooks()
		}, []string{"beta:contact:R1", "beta:contact:R2"}},
		{"candidate linked elsewhere", func(w *world) {
			w.left.unique = nil
			w.pair("email", "ana@example.com")
		}, []string{"beta:contact:R1", "alpha:contact:L1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				c.setup(w)
				w.left.create("email", "ana@example.com", "name", "Ana")
				w.settle()
				w.wrote()
				dead := w.dead()
				if len(dead) != 1 {
					t.Fatalf("%d dead letters, want 1", len(dead))
				}
				text := dead[0].History[0].Error
				for _, name := range append(c.names, "identity.ambiguous") {
					if !strings.Contains(text, name) {
						t.Errorf("the dead letter does not name %s: %s", name, text)
					}
				}
				if strings.Contains(text, "example.com") {
					t.Errorf("the dead letter reveals a value: %s", text)
				}
			})
		})
	}
}

func TestMergeMovesTheLink(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		before := w.link(left)
		other := w.right.create("mail", "other@example.com")
		w.takeHooks() // never synced
		merged := w.right.merge(right, other)
		w.settle()
		after := w.link(left)
		if after.ID != before.ID || after.Right != merged {
			t.Errorf("link %s to %s, want link %s to %s", after.ID, after.Right, before.ID, merged)
		}
		w.wrote("L1 beta_id")
		if got := len(w.entries(sync.EntryRelinked)); got != 1 {
			t.Errorf("%d relinked entries, want 1", got)
		}
		w.left.edit(left, "name", "Ana Gil")
		w.settle()
		w.holds(w.right, merged, "fullname", "Ana Gil")
		if n := len(w.left.living()); n != 1 {
			t.Errorf("%d left records, want 1", n)
		}
		w.agrees(1)
		w.noDead()
	})
}

func TestMergeOfTwoLinkedRecordsDetachesOne(t *testing.T) {
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		bubble(t, func(w *world) {
			left1, right1 := w.pair("email", "ana@example.com", "name", "Ana")
			left2, right2 := w.pair("email", "eva@example.com", "name", "Eva")
			merged := w.right.merge(right1, right2)
			hooks := w.takeHooks()
			for _, i := range order {
				w.enqueue(hooks[i])
				w.settle()
			}
			link1, link2 := w.link(left1), w.link(left2)
			if (link1.State == sync.Active) == (link2.State == sync.Active) {
				t.Fatalf("links are %s and %s, want one active", link1.State, link2.State)
			}
			kept, loose, values := left1, left2, "Eva"
			if link2.State == sync.Active {
				kept, loose, values = left2, left1, "Ana"
			}
			if w.link(kept).Right != merged {
				t.Errorf("%s is linked to %s, want %s", kept, w.link(kept).Right, merged)
			}
			w.holds(w.left, loose, "name", values)
			w.left.edit(loose, "name", "Somebody") // must not leak into the survivor
			w.settle()
			w.holds(w.right, merged, "fullname", "Ana")
			w.holds(w.left, kept, "name", "Ana")
			w.agrees(1)
			w.noDead()
		})
	}
}

// The far record's merge is noticed from the near side, before any webhook.
func TestMergeNoticedFromTheOtherSide(t *testing.T) {
	bubble(t, func(w *world) {
		left1, right1 := w.pair("email", "ana@example.com", "name", "Ana")
		left2, right2 := w.pair("email", "eva@example.com", "name", "Eva")
		merged := w.right.merge(right1, right2)
		w.takeHooks()
		w.left.edit(left1, "name", "Ana Luz")
		w.settle()
		w.left.edit(left2, "name", "Eva Gil")
		w.settle()
		if got := w.link(left1); got.State != sync.Active || got.Right != merged {
			t.Errorf("first link %s to %s, want active to %s", got.State, got.Right, merged)
		}
		if got := w.link(left2).State; got != sync.Detached {
			t.Errorf("second link is %s, want detached", got)
		}
		w.holds(w.right, merged, "fullname", "Ana Luz")
		w.holds(w.left, left2, "name", "Eva Gil")
		w.holds(w.left, left1, "name", "Ana Luz")
		w.noDead()
	})
}

// The merged record is seen first, keeps nothing of the linked one, and only
// its former ids tell who it is.
func TestMergedRecordIsKnownByItsFormerIDs(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("name", "Ana")
		other := w.right.create("fullname", "Ana Gil")
		w.takeHooks() // never synced
		merged := w.right.merge(other, right)
		hooks := w.takeHooks()
		for _, i := range []int{2, 1, 0} {
			w.enqueue(hooks[i])
			w.settle()
		}
		if got := w.link(left).Right; got != merged {
			t.Errorf("linked to %s, want %s", got, merged)
		}
		if n := len(w.left.living()); n != 1 {
			t.Errorf("%d left records, want 1", n)
		}
		w.holds(w.left, left, "name", "Ana Gil")
		w.agrees(1)
		w.noDead()
	})
}

// The system tells nobody of a merge and answers the old id like one that was
// deleted. Only the survivor, which now has the address, tells who it is.
func TestMergeThatNobodyTellsOf(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world, left sync.Ref){
		"nobody looked":        func(*world, sync.Ref) {},
		"the loss was noticed": func(w *world, left sync.Ref) { w.left.edit(left, "name", "Ana Gil"); w.settle() },
	} {
		bubble(t, func(w *world) {
			left, right := w.pair("email", "ana@example.com", "name", "Ana")
			survivor := w.right.create("fullname", "A.")
			w.right.remove(right, true)
			w.takeHooks()
			meanwhile(w, left)
			w.right.edit(survivor, "mail", "ana@example.com")
			w.settle()
			if got := w.link(left); got.State != sync.Active || got.Right != survivor {
				t.Errorf("%s: link %s to %s, want active to %s", name, got.State, got.Right, survivor)
			}
			w.left.edit(left, "name", "Ana María")
			w.settle()
			w.holds(w.right, survivor, "fullname", "Ana María")
			if n := len(w.left.living()); n != 1 {
				t.Errorf("%s: %d left records, want 1", name, n)
			}
			w.noDead()
		})
	}
}

func TestDeletedRecordIsDetachedAndRestored(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		w.right.remove(right, true)
		w.settle()
		if got := w.link(left).State; got != sync.Detached {
			t.Fatalf("link is %s, want detached", got)
		}
		w.left.edit(left, "name", "Ana Gil")
		w.settle()
		w.wrote() // neither deleted nor created anew
		if n := len(w.left.living()) + len(w.right.living()); n != 1 {
			t.Errorf("%d records live, want 1", n)
		}
		time.Sleep(time.Second)
		w.right.remove(right, false)
		w.settle()
		if got := w.link(left).State; got != sync.Active {
			t.Errorf("link is %s, want active again", got)
		}
		w.wrote("R1 fullname")
		if got := len(w.entries(sync.EntryDetached)) + len(w.entries(sync.EntryRestored)); got != 2 {
			t.Errorf("%d entries about it, want 2", got)
		}
		w.agrees(1)
		w.noDead()
	})
}

func TestRecordRestoredBeforeItsCounterpartExistedIsCreated(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.before = func(op string, _ sync.Ref) error {
			if op == "create" {
				return &sync.Error{Op: "fake", Action: sync.Retry, Rule: "down"}
			}
			return nil
		}
		left := w.left.create("name", "Ana")
		w.once()
		w.left.remove(left, true)
		w.settle()
		w.right.before = nil
		w.left.remove(left, false)
		w.settle()
		if n := len(w.right.living()); n != 1 {
			t.Errorf("%d records on the right, want 1", n)
		}
		w.agrees(1)
		w.noDead()
	})
}

// Another process wrote the far record after this one took its snapshot.
func TestStaleSnapshotNeverRevertsAnEdit(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		recs, err := w.right.Read(w.ctx, contact, []string{right.ID})
		if err != nil {
			t.Fatal(err)
		}
		w.left.edit(left, "name", "Ana Gil")
		w.settle()
		w.wrote("R1 fullname")
		w.sources(w.left, &frozen{historic{w.right}, recs[0]})
		w.look(left)
		w.settle()
		w.wrote()
		w.holds(w.left, left, "name", "Ana Gil")

		late := sync.Change{ID: "late", Ref: right, Witness: map[string]string{"fullname": sync.Text("Ana").Digest()}}
		w.enqueue(late) // the webhook of an older state, which the snapshot bears out
		w.settle()
		w.wrote()
		w.holds(w.left, left, "name", "Ana Gil")
	})
}
