package hubspot_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// sweep reads pages until there is no more and notes every state reported. It
// fails when the stream does not end.
func (a account) sweep(from sync.Cursor, seen map[string]bool) (sync.Cursor, int) {
	a.Helper()
	n := 0
	for range 200 {
		page, err := a.hs.Changes(a.Context(), from)
		if err != nil {
			a.Fatal(err)
		}
		for _, c := range page.Changes {
			seen[c.ID] = true
		}
		n += len(page.Changes)
		from = page.Next
		if !page.More {
			return from, n
		}
	}
	a.Fatal("the stream does not end")
	return "", 0
}

// unseen returns a contact whose present state was not reported.
func (a account) unseen(seen map[string]bool) string {
	for id := range a.sim.Contacts() {
		r := a.read(id)[0]
		if !seen[fmt.Sprintf("hubspot:sweep:contact:%s:%d", id, r.UpdatedAt.UnixMilli())] {
			return id
		}
	}
	return ""
}

func TestChangesReportEachStateOnce(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		page, err := a.hs.Changes(t.Context(), "")
		if err != nil || len(page.Changes) != 1 || page.More {
			t.Fatalf("got %+v, %v", page, err)
		}
		c := page.Changes[0]
		if c.Ref != (sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: id}) || c.Reason != sync.ReasonSweep ||
			c.Priority != sync.Sweep || !c.OccurredAt.Equal(a.read(id)[0].UpdatedAt) {
			t.Errorf("got %+v", c)
		}
		again, err := a.hs.Changes(t.Context(), page.Next)
		if err != nil || len(again.Changes) != 1 || again.Changes[0].ID != c.ID {
			t.Errorf("within the lag the same state has the same ID: %+v, %v", again, err)
		}
		time.Sleep(time.Hour)
		third, _ := a.hs.Changes(t.Context(), again.Next)
		fourth, err := a.hs.Changes(t.Context(), third.Next)
		if err != nil || len(fourth.Changes) != 0 {
			t.Errorf("nothing changed: %+v, %v", fourth, err)
		}
		a.sim.Edit(id, map[string]string{"firstname": "Grace"})
		fifth, err := a.hs.Changes(t.Context(), fourth.Next)
		if err != nil || len(fifth.Changes) != 1 || fifth.Changes[0].ID == c.ID {
			t.Errorf("an edit has a new ID: %+v, %v", fifth, err)
		}
	})
}

func TestChangesSurviveManyEqualTimes(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		for n := range 150 { // before, at and after one millisecond
			a.sim.Create(map[string]string{"email": email(n)})
			time.Sleep(time.Millisecond)
		}
		for n := range 10_500 { // more than a search can page through
			a.sim.Create(map[string]string{"email": email(1000 + n)})
		}
		for n := range 350 {
			time.Sleep(time.Millisecond)
			a.sim.Create(map[string]string{"email": email(20_000 + n)})
		}
		time.Sleep(time.Hour)
		seen := map[string]bool{}
		next, n := a.sweep("", seen)
		if len(seen) != 11_000 || n > 11_300 {
			t.Errorf("reported %d states in %d changes", len(seen), n)
		}
		if _, n := a.sweep(next, seen); n != 0 {
			t.Errorf("%d reported again", n)
		}
	})
}

func TestChangesMissNothingWhileTheIndexLags(t *testing.T) {
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		lag := time.Duration(r.IntN(90)) * time.Second
		burst := 1 + r.IntN(60)
		inAccount(t, hubspottest.Options{SearchLag: lag + time.Nanosecond, Burst: -1, SearchPerSecond: -1},
			hubspot.Options{SearchPerSecond: 1000, RatePer10s: 100_000}, func(t *testing.T, a account) {
				seen := map[string]bool{}
				var at sync.Cursor
				n := 0
				for i := range 20 {
					for range burst {
						n++
						a.sim.Create(map[string]string{"email": email(n)})
						if n%3 == 0 {
							time.Sleep(time.Millisecond)
						}
					}
					for id := range a.sim.Contacts() {
						a.sim.Edit(id, map[string]string{"firstname": fmt.Sprint(i)})
						break
					}
					time.Sleep(time.Duration(r.IntN(60_000)) * time.Millisecond)
					// Crashes between two pages must not matter.
					page, err := a.hs.Changes(t.Context(), at)
					if err != nil {
						t.Fatal(err)
					}
					for _, c := range page.Changes {
						seen[c.ID] = true
					}
					at = page.Next
				}
				for range 3 {
					time.Sleep(2 * time.Minute)
					at, _ = a.sweep(at, seen)
				}
				if id := a.unseen(seen); id != "" {
					t.Errorf("the present state of %s was never reported", id)
				}
			})
	}
}

func TestACursorOfAnotherKindIsRefused(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		for _, c := range []sync.Cursor{"x", "1.", "1.2", "2.1.1", "1.1.1.", "1.9999999999999999.1", "1.1.1.x", `1.1.1"`} {
			if _, err := a.hs.Changes(t.Context(), c); sync.ActionOf(err) != sync.Fatal {
				t.Errorf("%q: %v", c, err)
			}
		}
	})
}
