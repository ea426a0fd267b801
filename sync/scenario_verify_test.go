package sync_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

func (w *world) verify() sync.Agreement {
	w.Helper()
	a, err := w.engine.Verify(w.ctx, w.flow.Name)
	if err != nil {
		w.Fatal(err)
	}
	return a
}

// A quota that is used up in the midst of it makes it last longer.
func TestVerifyWaitsForAKnownMoment(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.create("email", "ana@example.com", "name", "Ana")
		w.settle()
		start, calls, wait := time.Now(), 0, 10*time.Second
		w.right.before = func(string, sync.Ref) error {
			if calls++; calls <= 3 {
				return &sync.Error{Op: "fake", Action: sync.RetryAt, Rule: "quota", RetryAt: time.Now().Add(wait)}
			}
			return nil
		}
		w.agrees(1)
		if waited := time.Since(start); waited < 3*wait || waited > 4*wait {
			t.Errorf("waited %s", waited)
		}
		calls, wait = 0, time.Hour // until tomorrow, say
		if _, err := w.engine.Verify(w.ctx, w.flow.Name); sync.ActionOf(err) != sync.RetryAt {
			t.Errorf("got %v, want the error that names the moment", err)
		}
	})
}

func TestVerifyFindsEveryCorruptedFieldAndHealsIt(t *testing.T) {
	bubble(t, func(w *world) {
		for i := range 120 { // more than one page
			w.left.create("email", fmt.Sprintf("p%d@example.com", i), "name", "Ana", "msisdn", fmt.Sprint("+57300", i))
		}
		w.settle()
		w.agrees(120)
		w.left.takeWrites()
		w.right.takeWrites()
		var want []string
		for i, left := range w.left.living()[:37] {
			right := w.link(left).Right
			switch i % 3 {
			case 0:
				w.left.corrupt(left, "name", "wrong")
				want = append(want, left.ID+" name")
			case 1:
				w.right.corrupt(right, "fullname", "wrong", "phone", "+1")
				want = append(want, left.ID+" name", left.ID+" phone")
			default:
				w.right.corrupt(right, "mail", fmt.Sprintf("wrong%d@example.com", i))
				want = append(want, left.ID+" email")
			}
		}
		a := w.verify()
		var got []string
		for _, d := range a.Differences {
			got = append(got, d.Left.ID+" "+d.Field)
		}
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("differences (-want +got):\n%s", diff)
		}
		if a.Compared != 120*5 || a.Equal != 120*5-len(want) || a.Skipped != 0 || a.Ratio() >= 1 {
			t.Errorf("compared %d, equal %d, skipped %d, ratio %f", a.Compared, a.Equal, a.Skipped, a.Ratio())
		}
		w.settle()
		if writes := len(w.left.takeWrites()) + len(w.right.takeWrites()); writes != len(want) {
			t.Errorf("healed with %d writes, want %d", writes, len(want))
		}
		w.agrees(120)
	})
}

func TestVerifySkipsWhatMayDiffer(t *testing.T) {
	for _, c := range []struct {
		name  string
		alter func(w *world)
		act   func(w *world, left, right sync.Ref)
	}{
		{"held", func(w *world) { w.flow.Fields[3].Policy.Kind = sync.Review }, func(w *world, left, right sync.Ref) {
			w.left.edit(left, "name", "Left")
			w.right.edit(right, "fullname", "Right")
		}},
		{"filtered", func(w *world) {
			w.flow.Left.Leave = func(rec sync.Record, _ []string) (bool, string, error) {
				return rec.Fields["name"].String() == "Ana", "not Ana", nil
			}
		}, func(w *world, left, _ sync.Ref) { w.left.edit(left, "name", "Eva") }},
		{"kept", func(w *world) {
			w.flow.Fields[3].Direction = sync.ToRight
		}, func(w *world, _, right sync.Ref) { w.right.edit(right, "fullname", "Eva") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				left, right := w.pair("email", "ana@example.com", "name", "Ana")
				c.act(w, left, right)
				for _, when := range []string{"before the engine saw it", "after"} {
					a := w.verify()
					if a.Skipped != 1 || a.Compared != 4 || a.Equal != 4 || len(a.Differences) != 0 {
						t.Errorf("%s: %+v, want one field skipped", when, a)
					}
					w.settle()
				}
				w.wrote()
				w.noDead()
			}, c.alter)
		})
	}
}

func TestVerifyCountsTheMissingAndFollowsThem(t *testing.T) {
	bubble(t, func(w *world) {
		left1, right1 := w.pair("email", "ana@example.com", "name", "Ana")
		left2, right2 := w.pair("email", "eva@example.com", "name", "Eva")
		other := w.right.create("mail", "leo@example.com")
		w.right.remove(right1, true)
		merged := w.right.merge(right2, other)
		w.takeHooks() // nobody hears of it
		a := w.verify()
		if a.Pairs != 2 || a.Missing != 1 {
			t.Errorf("%+v, want one of 2 missing", a)
		}
		w.settle()
		if got := w.link(left1).State; got != sync.Detached {
			t.Errorf("the pair with a missing record is %s, want detached", got)
		}
		if got := w.link(left2).Right; got != merged {
			t.Errorf("the merged pair leads to %s, want %s", got, merged)
		}
		w.agrees(1)
		w.noDead()
	})
}

func TestVerifyOfNothing(t *testing.T) {
	bubble(t, func(w *world) {
		_, right := w.pair("email", "ana@example.com")
		w.right.remove(right, true)
		w.settle()
		w.left.calls["read"] = 0
		w.agrees(0) // only a detached pair is left
		if got := w.left.calls["read"]; got != 0 {
			t.Errorf("%d reads of no records", got)
		}
		_, err := w.engine.Verify(w.ctx, "nonesuch")
		var e *sync.Error
		if !errors.As(err, &e) || e.Action != sync.Invalid || e.Rule != "flow.known" {
			t.Errorf("got %v, want an error by rule flow.known", err)
		}
	})
}

// In shadow a verification lists what would be written without it. Nobody is
// asked to look at that, and it is not counted as disagreement.
func TestVerifyOfAShadowedFlow(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		open, _ := w.pair("email", "eva@example.com", "name", "Eva")
		for _, rollout := range []sync.Rollout{{Shadow: true}, {Allow: []sync.Ref{open}}} {
			w.flow.Rollout = rollout
			w.start()
			w.left.edit(left, "name", "Ana Gil")
			w.settle()
			a := w.verify()
			want := []sync.Difference{{Link: w.link(left).ID, Left: left, Right: right, Field: "name"}}
			if diff := cmp.Diff(want, a.KeptOut); diff != "" || len(a.Differences) != 0 || a.Skipped != 1 || a.Ratio() != 1 {
				t.Errorf("%+v %s", a, diff)
			}
			if n := w.stats().Waiting; n != 0 {
				t.Errorf("%d looks are asked for", n)
			}
		}
		w.flow.Rollout = sync.Rollout{}
		w.start()
		if a := w.verify(); len(a.Differences) != 1 || len(a.KeptOut) != 0 {
			t.Errorf("%+v", a)
		}
	})
}
