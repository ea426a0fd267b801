package hubspot_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
		if !seen[stateID(id, r.UpdatedAt)] {
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

func TestASweepBeginsAtAMoment(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		a.create(1)
		time.Sleep(24 * time.Hour)
		start := time.Now()
		id := a.create(2)
		time.Sleep(2 * time.Hour)
		for name, feed := range map[string]sync.Feed{"sweep": a.hs, "delayed": a.hs.Delayed(0)} {
			page, err := feed.Changes(t.Context(), feed.(sync.Starter).Start(start))
			if err != nil || len(page.Changes) != 1 || page.Changes[0].Ref.ID != id {
				t.Errorf("%s: got %+v, %v", name, page, err)
			}
		}
	})
}

// An import gives a whole account one time, more than a search can page
// through. Each record is told exactly once, and those that are edited in the
// meantime once more.
func TestChangesSurviveManyEqualTimes(t *testing.T) {
	const records = 25_000
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		var ids []string
		for n := range records {
			ids = append(ids, a.sim.Create(map[string]string{"email": email(n)}))
		}
		time.Sleep(time.Hour)
		told, edited := map[string]int{}, map[string]bool{}
		var at sync.Cursor
		for pages, more := 0, true; more; pages++ {
			page, err := a.hs.Changes(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Changes {
				told[c.ID]++
			}
			at, more = page.Next, page.More
			if pages%25 == 0 { // one before, one behind and one at the present place
				for _, n := range []int{pages, records - 1 - pages, min(pages*200, records-1)} {
					a.sim.Edit(ids[n], map[string]string{"firstname": fmt.Sprint("Name", pages)})
					edited[ids[n]] = true
				}
			}
		}
		for i, r := range a.read(ids...) {
			id, states := ids[i], told[stateID(ids[i], r.UpdatedAt)]
			if states < 1 || states > 1 && !edited[id] {
				t.Fatalf("%s, edited %v, was told %d times in its present state", id, edited[id], states)
			}
		}
		time.Sleep(time.Hour)
		a.sweep(at, map[string]bool{})
		if len(told) > records+len(edited) {
			t.Errorf("told %d states of %d records and %d edits", len(told), records, len(edited))
		}
	})
}

// stateID is the ID of the change that tells of a contact's state.
func stateID(id string, modified time.Time) string {
	return fmt.Sprintf("hubspot:sweep:contact:%s:%d", id, modified.UnixMilli())
}

func TestASweepGoesThroughTheKindsInTurn(t *testing.T) {
	o := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {}, hubspot.Deal: {}, hubspot.Note: {NoSweep: true}}}
	inAccount(t, hubspottest.Options{SearchLag: -1}, o, func(t *testing.T, a account) {
		for n := range 450 {
			a.sim.Create(map[string]string{"email": email(n)})
			time.Sleep(time.Millisecond)
		}
		deal := a.sim.CreateObject("deals", map[string]string{"dealname": "Tower", "dealstage": "appointmentscheduled"})
		a.sim.CreateObject("notes", map[string]string{"hs_timestamp": "1790000000000", "hs_note_body": "met"})
		time.Sleep(time.Hour)
		var order []sync.Kind
		var at sync.Cursor
		contacts := map[string]bool{}
		for more := true; more; {
			page, err := a.hs.Changes(t.Context(), at)
			if err != nil || len(order) > 10 {
				t.Fatal(err, order)
			}
			for _, c := range page.Changes {
				switch c.Ref.Kind {
				case hubspot.Contact:
					contacts[c.Ref.ID] = true
				case hubspot.Deal:
					if c.Ref.ID != deal || c.Witness["dealname"] != sync.Text("Tower").Digest() {
						t.Errorf("got %+v", c)
					}
				}
			}
			if len(page.Changes) > 0 {
				order = append(order, page.Changes[0].Ref.Kind)
			}
			at, more = page.Next, page.More
		}
		want := []sync.Kind{hubspot.Contact, hubspot.Deal, hubspot.Contact, hubspot.Contact}
		if !slices.Equal(order, want) || len(contacts) != 450 {
			t.Errorf("%d contacts in pages of %v", len(contacts), order)
		}
		// The next walk asks once for each kind, and a new kind starts at its
		// beginning.
		before := a.calls("/search")
		if at, n := a.sweep(at, contacts); n != 0 || a.calls("/search")-before != 2 {
			t.Errorf("%d changes by %d searches up to %s", n, a.calls("/search")-before, at)
		}
		wider := o
		wider.Objects = map[sync.Kind]hubspot.Object{hubspot.Contact: {}, hubspot.Deal: {}, hubspot.Note: {}}
		wider.BaseURL, wider.HTTPClient = a.sim.URL, a.sim.Client()
		hs, err := hubspot.New(hubspot.Static(a.sim.Token), &wider)
		if err != nil {
			t.Fatal(err)
		}
		if _, n := (account{t, a.sim, hs}).sweep(at, contacts); n != 1 {
			t.Errorf("%d changes with a new kind, want its one note", n)
		}
	})
}

func TestWithNothingToSweepNothingIsAsked(t *testing.T) {
	o := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {NoSweep: true}}}
	inAccount(t, hubspottest.Options{}, o, func(t *testing.T, a account) {
		page, err := a.hs.Changes(t.Context(), "")
		if err != nil || page.More || a.calls("") != 0 {
			t.Errorf("got %+v, %v by %d calls", page, err, a.calls(""))
		}
	})
}

// The second net finds what the index showed later than the sweep allowed for,
// and tells each state once and by the ID that the sweep would use.
func TestADelayedSweepFindsWhatCameLate(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: 30 * time.Minute}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		state := stateID(id, a.read(id)[0].UpdatedAt)
		time.Sleep(10 * time.Minute)
		seen := map[string]bool{}
		at, _ := a.sweep("", seen)
		late := a.hs.Delayed(0)
		page, err := late.Changes(t.Context(), "")
		if err != nil || len(page.Changes) != 0 || page.More {
			t.Fatalf("too early: %+v, %v", page, err)
		}
		time.Sleep(25 * time.Minute)
		if a.sweep(at, seen); seen[state] {
			t.Fatal("the sweep was not to find it")
		}
		for range 3 {
			time.Sleep(15 * time.Minute)
			if page, err = late.Changes(t.Context(), page.Next); err != nil {
				t.Fatal(err)
			}
			for _, c := range page.Changes {
				if seen[c.ID] {
					t.Errorf("%s was told twice", c.ID)
				}
				seen[c.ID] = true
			}
		}
		if !seen[state] || len(seen) != 1 {
			t.Errorf("told %v, want %s", seen, state)
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
		for _, c := range []sync.Cursor{"x", "1.", "1.2", "2.1.1", "1.1.1.", "1.9999999999999999.1", "1.1.1.x", `1.1.1"`,
			"2", "2,Deal,", "2,,deal.1", "2,,deal.1.1,deal.1.1", "2,,deal.1.1.x", "3,,"} {
			if _, err := a.hs.Changes(t.Context(), c); sync.ActionOf(err) != sync.Fatal {
				t.Errorf("%q: %v", c, err)
			}
		}
	})
}
