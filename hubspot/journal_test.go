package hubspot_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// reader is the journal of an app with the simulated account it is about.
type reader struct {
	*testing.T
	sim     *hubspottest.Server
	journal *hubspot.Journal
	at      sync.Cursor
}

var contactsAndDeals = map[sync.Kind]hubspot.Object{
	hubspot.Contact: {Properties: []string{"email", "firstname"}},
	hubspot.Deal:    {Properties: []string{"dealname", "dealstage"}},
}

// inJournal runs a test against a simulated journal in virtual time.
func inJournal(t *testing.T, o hubspottest.Options, test func(t *testing.T, r *reader)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := hubspottest.NewPipeServer(&o)
		defer sim.Close()
		r := &reader{T: t, sim: sim}
		r.journal = r.open(contactsAndDeals)
		test(t, r)
		if err := r.journal.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func (r *reader) open(objects map[sync.Kind]hubspot.Object) *hubspot.Journal {
	r.Helper()
	tokens := hubspot.ClientCredentials(hubspot.ClientCredentialsOptions{
		ClientID: r.sim.ClientID, ClientSecret: r.sim.ClientSecret, BaseURL: r.sim.URL, HTTPClient: r.sim.Client()})
	j, err := hubspot.NewJournal(tokens, &hubspot.JournalOptions{
		PortalID: r.sim.PortalID, Objects: objects, BaseURL: r.sim.URL, HTTPClient: r.sim.Client()})
	if err != nil {
		r.Fatal(err)
	}
	return j
}

// next reads to the end of the journal and returns the records to look at, and
// whether there was a gap.
func (r *reader) next() (refs []string, gap bool) {
	r.Helper()
	for range 50 {
		page, err := r.journal.Changes(r.Context(), r.at)
		if err != nil {
			r.Fatal(err)
		}
		for _, c := range page.Changes {
			refs = append(refs, string(c.Ref.Kind)+" "+c.Ref.ID)
		}
		r.at, gap = page.Next, gap || page.Gap
		if !page.More {
			slices.Sort(refs)
			return slices.Compact(refs), gap
		}
	}
	r.Fatal("the journal does not end")
	return nil, false
}

// want compares what there is to look at since the last time.
func (r *reader) want(what string, refs ...string) {
	r.Helper()
	got, gap := r.next()
	slices.Sort(refs)
	if diff := cmp.Diff(refs, got); diff != "" || gap {
		r.Errorf("%s: gap %v, (-want +got)\n%s", what, gap, diff)
	}
	time.Sleep(time.Second)
}

func (r *reader) subscriptions() int {
	r.Helper()
	n := 0
	for _, c := range r.sim.Log().Entries() {
		switch {
		case !strings.Contains(c.Path, "/subscriptions/"):
		case c.Method == http.MethodPost:
			n++
		case c.Method == http.MethodDelete:
			n--
		}
	}
	return n
}

func TestTheJournalTellsOfEverything(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		r.sim.Create(map[string]string{"email": email(1)})
		r.want("what was there before is for the sweep")
		ada := r.sim.Create(map[string]string{"email": email(2)})
		deal := r.sim.CreateObject("deals", map[string]string{"dealname": "Tower", "dealstage": "appointmentscheduled"})
		r.want("creations", "contact "+ada, "deal "+deal)
		r.sim.Edit(ada, map[string]string{"firstname": "Ada"})
		r.want("an edit", "contact "+ada)
		r.sim.Edit(ada, map[string]string{"lastname": "Lovelace"})
		r.want("an edit of what is not read")
		r.sim.Associate("contacts", ada, "deals", deal)
		r.want("an association", "contact "+ada, "deal "+deal)
		r.sim.Dissociate("contacts", ada, "deals", deal)
		r.want("its end", "contact "+ada, "deal "+deal)
		r.sim.Archive(ada)
		r.want("a deletion", "contact "+ada)
		r.sim.Restore(ada)
		r.want("a restoration", "contact "+ada)
		bea := r.sim.Create(map[string]string{"email": email(3)})
		r.want("another contact", "contact "+bea)
		both := r.sim.Merge(ada, bea)
		r.want("a merge", "contact "+bea, "contact "+both)
		r.sim.Erase(both)
		r.want("an erasure", "contact "+both)
		r.want("nothing")
	})
}

func TestJournalChangesClaimWhatTheyTell(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		r.next()
		id := r.sim.Create(map[string]string{"email": email(1)})
		page, err := r.journal.Changes(t.Context(), r.at)
		if err != nil || len(page.Changes) != 1 {
			t.Fatalf("got %+v, %v", page, err)
		}
		again, err := r.journal.Changes(t.Context(), r.at)
		if diff := cmp.Diff(page, again); err != nil || diff != "" {
			t.Errorf("reading again: %v (-first +again)\n%s", err, diff)
		}
		c := page.Changes[0]
		want := sync.Change{
			ID: c.ID, Ref: sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: id},
			Reason: sync.ReasonJournal, OccurredAt: time.Now().Truncate(time.Millisecond).UTC(), Priority: sync.Live,
			Witness: map[string]string{sync.IDField: sync.Text(id).Digest(), "email": sync.Text(email(1)).Digest()},
		}
		if diff := cmp.Diff(want, c); diff != "" || !strings.HasPrefix(c.ID, "hubspot:journal:contact:"+id+":") {
			t.Errorf("ID %s (-want +got)\n%s", c.ID, diff)
		}
		r.at = page.Next
		r.sim.Edit(id, map[string]string{"firstname": ""})
		r.sim.Edit(id, map[string]string{"firstname": "Ada"})
		r.sim.Edit(id, map[string]string{"firstname": ""})
		time.Sleep(time.Hour)
		page, err = r.journal.Changes(t.Context(), r.at)
		if err != nil || len(page.Changes) == 0 {
			t.Fatalf("got %+v, %v", page, err)
		}
		c = page.Changes[len(page.Changes)-1]
		if diff := cmp.Diff(map[string]string{"firstname": sync.Text("").Digest()}, c.Witness); diff != "" || c.Priority != sync.Sweep {
			t.Errorf("a value cleared an hour ago, %v (-want +got)\n%s", c.Priority, diff)
		}
	})
}

func TestSubscribingTwiceDoublesNothing(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		for range 3 {
			if err := r.journal.Subscribe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := r.subscriptions(); n != 4 { // two kinds, one pair of them, erasures
				t.Errorf("%d subscriptions, want 4", n)
			}
		}
		wider := r.open(map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: []string{"email", "firstname", "lastname"}}})
		for range 2 {
			if err := wider.Subscribe(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if n := r.subscriptions(); n != 4 {
			t.Errorf("%d subscriptions after one was replaced", n)
		}
		r.journal = wider
		r.next()
		id := r.sim.Create(map[string]string{"email": email(1), "lastname": "Lovelace"})
		page, err := wider.Changes(t.Context(), r.at)
		if err != nil || len(page.Changes) != 1 || page.Changes[0].Ref.ID != id || page.Changes[0].Witness["lastname"] == "" {
			t.Errorf("got %+v, %v", page, err)
		}
	})
}

// Files that appear before there was any to begin at are not passed over.
func TestAJournalMayBeginEmpty(t *testing.T) {
	o := hubspottest.Options{}
	o.App.JournalBatch = 1
	inJournal(t, o, func(t *testing.T, r *reader) {
		r.want("an empty journal")
		r.want("and still")
		a, b := r.sim.Create(map[string]string{"email": email(1)}), r.sim.Create(map[string]string{"email": email(2)})
		r.want("two files", "contact "+a, "contact "+b)
	})
}

func TestALostOffsetIsAGap(t *testing.T) {
	for _, status := range []int{400, 404, 410, 422} {
		o := hubspottest.Options{}
		o.App.JournalLost = status
		inJournal(t, o, func(t *testing.T, r *reader) {
			r.next()
			r.sim.Create(map[string]string{"email": email(1)})
			r.want("before", slices.Collect(func(yield func(string) bool) {
				for id := range r.sim.Contacts() {
					yield("contact " + id)
				}
			})...)
			time.Sleep(73 * time.Hour)
			id := r.sim.Create(map[string]string{"email": email(2)})
			if refs, gap := r.next(); !gap || len(refs) != 1 || refs[0] != "contact "+id {
				t.Errorf("%d: gap %v, %v", status, gap, refs)
			}
			r.want("once told, it is over")
		})
	}
}

func TestARefusalIsNoGap(t *testing.T) {
	for name, c := range map[string]struct {
		fault hubspottest.Fault
		want  sync.Action
	}{
		"scope": {hubspottest.MissingScopes("developer.webhooks_journal.read"), sync.Denied},
		"moved": {hubspottest.Moving(time.Hour), sync.RetryAt},
		"fault": {hubspottest.ServerError(503), sync.Retry},
	} {
		inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
			r.sim.Create(map[string]string{"email": email(1)})
			r.next()
			r.sim.Faults().Add(c.fault)
			if page, err := r.journal.Changes(t.Context(), r.at); sync.ActionOf(err) != c.want || page.Gap {
				t.Errorf("%s: gap %v, %v", name, page.Gap, err)
			}
		})
	}
}

// Who has no offset yet has none to lose: a refusal would otherwise be a gap,
// and a sweep of everything, each time.
func TestWithoutAnOffsetNothingIsLost(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		r.next()
		refused := hubspottest.ServerError(http.StatusNotFound)
		refused.Path = "/earliest"
		r.sim.Faults().Add(refused)
		if page, err := r.journal.Changes(t.Context(), r.at); err == nil {
			t.Errorf("got %+v", page)
		}
	})
}

func TestAnAddressThatExpiredIsAskedForAgain(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		r.next()
		id := r.sim.Create(map[string]string{"email": email(1)})
		refused := hubspottest.ServerError(http.StatusForbidden)
		refused.Path, refused.Count = "/webhooks-journal-files/", 1
		r.sim.Faults().Add(refused)
		r.want("after a refusal", "contact "+id)
		r.sim.Edit(id, map[string]string{"firstname": "Ada"})
		refused.Count = 2
		r.sim.Faults().Add(refused)
		if _, err := r.journal.Changes(t.Context(), r.at); sync.ActionOf(err) != sync.Retry || strings.Contains(fmt.Sprint(err), "signature") {
			t.Errorf("refused twice: %v", err)
		}
		r.want("nothing is lost by it", "contact "+id)
	})
}

// The token of an app ends as any other does.
func TestTheJournalOutlivesItsTokens(t *testing.T) {
	inJournal(t, hubspottest.Options{}, func(t *testing.T, r *reader) {
		for n := range 10 {
			r.next()
			id := r.sim.Create(map[string]string{"email": email(n)})
			r.want("a contact", "contact "+id)
			time.Sleep(17 * time.Minute)
		}
		r.sim.ExpireTokens()
		id := r.sim.Create(map[string]string{"email": email(100)})
		r.want("after its token was ended", "contact "+id)
		if n := r.sim.TokenRequests("client_credentials"); n < 4 || n > 11 {
			t.Errorf("%d tokens in three hours", n)
		}
	})
}

// Whatever goes wrong on the way, and however often a page is read again
// because its cursor was not stored: every last state is told.
func TestTheJournalPassesNothingOver(t *testing.T) {
	for seed := range uint64(5) {
		o := hubspottest.Options{Seed: seed}
		o.App.JournalBatch = 3
		inJournal(t, o, func(t *testing.T, r *reader) {
			random := rand.New(rand.NewPCG(seed, 7))
			told := map[string]time.Time{}
			for r.at == "" {
				if page, err := r.journal.Changes(t.Context(), ""); err == nil {
					r.at = page.Next
				}
			}
			for _, f := range []hubspottest.Fault{hubspottest.ServerError(503), hubspottest.CutBefore(), hubspottest.CutAfter(), {Truncate: true}} {
				f.Probability = 0.1
				r.sim.Faults().Add(f)
			}
			var ids []string
			more := true
			for step := 0; step < 200 || more; step++ {
				switch {
				case step > 200:
					r.sim.Faults().Clear()
				case len(ids) == 0 || random.IntN(2) == 0:
					ids = append(ids, r.sim.Create(map[string]string{"email": email(step)}))
				default:
					r.sim.Edit(ids[random.IntN(len(ids))], map[string]string{"firstname": fmt.Sprint("Name", step)})
				}
				time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
				page, err := r.journal.Changes(t.Context(), r.at)
				if page.Gap {
					t.Fatal("a gap where there is none")
				}
				for _, c := range page.Changes {
					if c.OccurredAt.After(told[c.Ref.ID]) {
						told[c.Ref.ID] = c.OccurredAt
					}
				}
				if more = err != nil || page.More; err == nil && random.IntN(4) > 0 {
					r.at = page.Next
				}
			}
			for _, id := range ids {
				history := r.sim.History(id, "firstname")
				if n := len(history); n > 0 && told[id].Before(history[n-1].At) || told[id].IsZero() {
					t.Errorf("seed %d: %s was told up to %v", seed, id, told[id])
				}
			}
		})
	}
}
