package sync_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

func (w *world) holds1() sync.Hold {
	w.Helper()
	holds, err := w.engine.Holds(w.ctx, "people", "", 0)
	if err != nil || len(holds) != 1 {
		w.Fatalf("holds %+v, %v; want one", holds, err)
	}
	return holds[0]
}

func (w *world) resolve(d sync.Resolution) {
	w.Helper()
	d.Flow, d.Actor = "people", "ops@example.com"
	if err := w.engine.Resolve(w.ctx, d); err != nil {
		w.Fatal(err)
	}
}

// twins makes two right records that match a new left one.
func (w *world) twins() (left, first, second sync.Ref) {
	w.right.unique = nil
	first = w.right.create("mail", "ana@example.com", "fullname", "Ana")
	second = w.right.create("mail", "ana@example.com", "phone", "+573000000001")
	w.takeHooks()
	left = w.left.create("email", "ana@example.com", "name", "Ana")
	w.settle()
	return left, first, second
}

func TestHoldIsResolvedByNamingThePair(t *testing.T) {
	bubble(t, func(w *world) {
		left, first, second := w.twins()
		h := w.holds1()
		want := sync.Hold{ID: h.ID, Flow: "people", Ref: left, By: "mail", Since: h.Since,
			Candidates: [2][]sync.Ref{{left}, {first, second}}}
		if diff := cmp.Diff(want, h); diff != "" || h.Since.IsZero() {
			t.Error(diff)
		}
		w.start() // another process
		w.resolve(sync.Resolution{Ref: left, With: second, Why: "she called"})
		w.once() // no wait
		if link := w.link(left); link.Right != second || link.State != sync.Active || link.Evidence != "resolved" {
			t.Errorf("link %+v", link)
		}
		w.holds(w.left, left, "msisdn", "+573000000001")
		w.settle()
		w.noDead()
		w.agrees(1)
		if holds, err := w.engine.Holds(w.ctx, "people", "", 0); len(holds) != 0 || err != nil {
			t.Errorf("still held: %+v, %v", holds, err)
		}
		entries := w.entries(sync.EntryResolved)
		if len(entries) != 1 || entries[0].Note != "ops@example.com: the same as beta:contact:R2, she called" || entries[0].Left != left {
			t.Errorf("audit %+v", entries)
		}
		w.resolve(sync.Resolution{Ref: left, With: second}) // again
		w.settle()
		if len(w.entries(sync.EntryResolved)) != 1 {
			t.Error("a repeated call is a second decision")
		}
	})
}

func TestHoldIsResolvedByNoneOfThem(t *testing.T) {
	bubble(t, func(w *world) {
		left, first, second := w.twins()
		w.resolve(sync.Resolution{Ref: left})
		w.settle()
		w.noDead()
		link := w.link(left)
		if link.State != sync.Active || link.Right == first || link.Right == second || link.Evidence != "created" {
			t.Errorf("link %+v, want a new record", link)
		}
		w.start() // the decision holds: the others are their own people
		w.left.unique = nil
		for _, ref := range []sync.Ref{first, second} {
			w.look(ref)
		}
		w.settle()
		if after := w.link(left); after.Right != link.Right {
			t.Errorf("link moved to %s", after.Right)
		}
	})
}

// The record that was ruled out holds the unique value: nothing can be
// created, and nobody is guessed at.
func TestRuledOutRecordIsNotLinkedByAConflict(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.unique = nil
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		second := w.left.create("email", "ana@example.com", "name", "Ana María")
		w.settle()
		if h := w.holds1(); !slices.Equal(h.Candidates[sync.Left], []sync.Ref{second, ana}) || !slices.Equal(h.Candidates[sync.Right], []sync.Ref{right}) {
			t.Errorf("candidates %v", h.Candidates)
		}
		w.resolve(sync.Resolution{Ref: second})
		w.settle()
		if link := w.link(ana); link.Right != right || link.State != sync.Active {
			t.Errorf("link %+v", link)
		}
		if dead := w.dead(); len(dead) != 1 || strings.Contains(dead[0].History[len(dead[0].History)-1].Error, "ambiguous") {
			t.Errorf("dead letters %+v, want the conflict", dead)
		}
	})
}

func TestHoldIsResolvedInFavourOfTheSecond(t *testing.T) {
	bubble(t, func(w *world) {
		w.left.unique = nil
		ana, right := w.pair("email", "ana@example.com", "name", "Ana")
		second := w.left.create("email", "ana@example.com", "name", "Ana María")
		w.settle()
		w.resolve(sync.Resolution{Ref: second, With: right})
		w.settle()
		if link := w.link(second); link.Right != right || link.State != sync.Active {
			t.Errorf("link %+v", link)
		}
		if link := w.link(ana); link.State != sync.Detached || !link.Right.Zero() {
			t.Errorf("link of before %+v", link)
		}
		if h := w.holds1(); h.Ref != ana { // it looked for its counterpart at once
			t.Errorf("held %s, want %s", h.Ref, ana)
		}
		w.agrees(1)
		w.left.edit(ana, "name", "Somebody") // must not leak
		w.settle()
		w.holds(w.right, right, "fullname", "Ana")
		if h := w.holds1(); h.Ref != ana {
			t.Errorf("held %s, want %s", h.Ref, ana)
		}
	})
}

func TestHoldsArePagedAndLeaveOutWhatSettledItself(t *testing.T) {
	bubble(t, func(w *world) {
		w.right.unique = nil
		var lefts, doubles []sync.Ref
		for i := range 7 {
			mail := fmt.Sprintf("p%d@example.com", i)
			w.right.create("mail", mail)
			doubles = append(doubles, w.right.create("mail", mail))
			w.takeHooks()
			lefts = append(lefts, w.left.create("email", mail))
			w.settle()
			time.Sleep(time.Second)
		}
		w.right.remove(doubles[3], true) // somebody cleans up
		w.takeHooks()
		w.look(lefts[3])
		w.settle()
		var got []sync.Ref
		for after, pages := "", 0; ; pages++ {
			holds, err := w.engine.Holds(w.ctx, "people", after, 2)
			if err != nil || pages > 10 {
				t.Fatal(pages, err)
			}
			if len(holds) == 0 {
				break
			}
			for _, h := range holds {
				got, after = append(got, h.Ref), h.ID
			}
		}
		if want := slices.Delete(slices.Clone(lefts), 3, 4); !slices.Equal(got, want) {
			t.Errorf("holds %v, want %v", got, want)
		}
	})
}

func TestResolutionsThatMakeNoSense(t *testing.T) {
	bubble(t, func(w *world) {
		left, _, _ := w.twins()
		other := w.right.create("mail", "eva@example.com")
		w.settle()
		for name, c := range map[string]struct {
			d    sync.Resolution
			want sync.Action
		}{
			"no actor":      {sync.Resolution{Flow: "people", Ref: left}, sync.Invalid},
			"no flow":       {sync.Resolution{Flow: "deals", Ref: left, Actor: "a"}, sync.Invalid},
			"no such kind":  {sync.Resolution{Flow: "people", Ref: sync.Ref{System: "x", Kind: "y", ID: "z"}, Actor: "a"}, sync.Invalid},
			"not held":      {sync.Resolution{Flow: "people", Ref: other, Actor: "a"}, sync.NotFound},
			"not candidate": {sync.Resolution{Flow: "people", Ref: left, With: other, Actor: "a"}, sync.Invalid},
		} {
			if err := w.engine.Resolve(w.ctx, c.d); sync.ActionOf(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// The audit lacks its last entry, a person's decision.
func TestAuditTellsOfADecisionThatIsMissing(t *testing.T) {
	bubble(t, func(w *world) {
		left, _, second := w.twins()
		w.resolve(sync.Resolution{Ref: left, With: second})
		w.cfg.Store = shortened{w.store, sync.EntryResolved}
		w.start()
		report, err := w.engine.VerifyAudit(w.ctx)
		if err != nil || len(report.Faults) != 1 || report.Faults[0].Rule != "chain.end" {
			t.Errorf("report %+v, %v", report, err)
		}
	})
}

// A shortened store hides the entries of a kind.
type shortened struct {
	sync.Store
	kind sync.EntryKind
}

func (s shortened) Entries(ctx context.Context, filter sync.AuditFilter) ([]sync.Entry, error) {
	page, err := s.Store.Entries(ctx, filter)
	return slices.DeleteFunc(page, func(n sync.Entry) bool { return n.Kind == s.kind }), err
}

// A person decides while the record is looked at once more.
func TestHoldIsResolvedDuringALook(t *testing.T) {
	bubble(t, func(w *world) {
		left, first, second := w.twins()
		store := &deciding{Store: w.store}
		w.cfg.Store = store
		w.start()
		w.look(left)
		store.decide = func() { w.resolve(sync.Resolution{Ref: left}) }
		w.settle()
		if link := w.link(left); link.State != sync.Active || link.Right == first || link.Right == second {
			t.Errorf("link %+v, want a new record", link)
		}
		if holds, err := w.engine.Holds(w.ctx, "people", "", 0); len(holds) != 0 || err != nil {
			t.Errorf("what was decided is asked again: %+v, %v", holds, err)
		}
		w.noDead()
	})
}

// A deciding store has something happen once after a hold was read.
type deciding struct {
	sync.Store
	decide func()
}

func (s *deciding) Link(ctx context.Context, flow string, ref sync.Ref) (sync.Link, error) {
	link, err := s.Store.Link(ctx, flow, ref)
	if do := s.decide; do != nil && strings.HasPrefix(flow, "ambiguous:") {
		s.decide = nil
		do()
	}
	return link, err
}
