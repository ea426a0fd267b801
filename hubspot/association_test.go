package hubspot_test

import (
	"fmt"
	"slices"
	stdsync "sync"
	"testing"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

func ref(kind sync.Kind, id string) sync.Ref {
	return sync.Ref{System: hubspot.System, Kind: kind, ID: id}
}

func noteOn(related ...sync.Ref) sync.Write {
	w := of(hubspot.Note, write("", samples[hubspot.Note]))
	w.Related = related
	return w
}

func (a account) related(from sync.Ref, kind sync.Kind) []string {
	a.Helper()
	refs, err := a.hs.Related(a.Context(), from, kind)
	if err != nil {
		a.Fatal(err)
	}
	ids := make([]string, len(refs))
	for i, r := range refs {
		ids[i] = r.ID
		if r.Kind != kind || r.System != hubspot.System {
			a.Errorf("related %v", r)
		}
	}
	return ids
}

// Every association of the table is one that HubSpot takes, in both ways of
// making it.
func TestEveryKindIsAssociated(t *testing.T) {
	for kind := range samples {
		for _, other := range []sync.Kind{hubspot.Contact, hubspot.Deal} {
			if kind == other {
				continue
			}
			inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
				end := a.apply(of(other, write("", map[sync.Kind]map[string]string{
					hubspot.Contact: {"email": "end@example.com"}, hubspot.Deal: samples[hubspot.Deal]}[other])))[0].Record.Ref
				w := of(kind, write("", samples[kind]))
				w.Related = []sync.Ref{end}
				made := a.apply(w)[0]
				if made.Err != nil {
					t.Fatalf("%s with %s: %v", kind, other, made.Err)
				}
				later := a.apply(of(kind, write("", samplesAgain(kind))))[0].Record.Ref
				joined := a.apply(sync.Write{Ref: later, Related: []sync.Ref{end}})[0]
				if joined.Err != nil || joined.Record.Ref != later {
					t.Fatalf("%s with %s later: %+v", kind, other, joined)
				}
				want := []string{made.Record.ID, later.ID}
				if got := a.related(end, kind); !slices.Equal(got, want) {
					t.Errorf("%s of %s: %v, want %v", kind, other, got, want)
				}
				if got := a.related(later, other); !slices.Equal(got, []string{end.ID}) {
					t.Errorf("%s of %s: %v", other, kind, got)
				}
			})
		}
	}
}

// samplesAgain are the properties of a second record of the kind.
func samplesAgain(kind sync.Kind) map[string]string {
	if kind == hubspot.Contact {
		return map[string]string{"email": "second@example.com"}
	}
	return samples[kind]
}

func TestAMissingRelatedRecordIsNamedAndFailsAlone(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		contact, lost := ref(hubspot.Contact, a.create(1)), ref(hubspot.Contact, a.create(2))
		a.sim.Archive(lost.ID)
		res := a.apply(noteOn(contact), noteOn(contact, lost), noteOn(ref(hubspot.Deal, "987654")), noteOn())
		for i, want := range []sync.Ref{{}, lost, ref(hubspot.Deal, "987654"), {}} {
			switch {
			case want.Zero() && (res[i].Err != nil || !res[i].Created):
				t.Errorf("note %d: %+v", i, res[i])
			case !want.Zero():
				if e := failure(t, res[i]); e.Action != sync.NotFound || e.Ref != want {
					t.Errorf("note %d: %v, want %v", i, e, want)
				}
			}
		}
		if n := len(a.sim.Objects("notes")); n != 2 {
			t.Errorf("%d notes", n)
		}
	})
}

// Writes that share a batch share the call that associates them, too.
func TestAssociationsAreGathered(t *testing.T) {
	opts := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Deal: {Unique: []string{"conversation_id"}}}}
	inAccount(t, hubspottest.Options{}, opts, func(t *testing.T, a account) {
		a.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "conversation_id", Type: "string", FieldType: "text", HasUniqueValue: true})
		contact, lost := ref(hubspot.Contact, a.create(1)), ref(hubspot.Contact, "987654")
		var wg stdsync.WaitGroup
		for n := range 50 {
			w := of(hubspot.Deal, keyed("conversation_id", samples[hubspot.Deal]))
			w.Fields["conversation_id"] = sync.Text(fmt.Sprint("c-", n))
			w.Related = []sync.Ref{contact, contact}
			if n == 20 {
				w.Related = []sync.Ref{lost}
			}
			wg.Go(func() {
				r := a.apply(w)[0]
				if n != 20 && (r.Err != nil || !r.Created) {
					t.Errorf("deal %d: %+v", n, r)
				}
				if n == 20 {
					if e := failure(t, r); e.Action != sync.NotFound || e.Ref != lost {
						t.Errorf("deal %d: %v", n, e)
					}
				}
			})
		}
		wg.Wait()
		if got := a.related(contact, hubspot.Deal); len(got) != 49 {
			t.Errorf("%d deals of the contact", len(got))
		}
		if up, as := a.calls("/batch/upsert"), a.calls("/deals/contacts/batch/create"); up != 1 || as != 1 {
			t.Errorf("%d upserts, %d calls for associations", up, as)
		}
	})
}

func TestRelatedIsGatheredAndPaged(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		many, none := a.create(1), a.create(2)
		want := make([]string, 1200)
		for n := range want {
			want[n] = a.sim.CreateObject("notes", samples[hubspot.Note])
			a.sim.Associate("contacts", many, "notes", want[n])
		}
		var wg stdsync.WaitGroup
		for _, id := range []string{many, none, "987654", "not-a-number", many} {
			wg.Go(func() {
				got := a.related(ref(hubspot.Contact, id), hubspot.Note)
				if id == many && !slices.Equal(got, want) || id != many && len(got) > 0 {
					t.Errorf("%s: %d notes", id, len(got))
				}
			})
		}
		wg.Wait()
		if n := a.calls("/contacts/notes/batch/read"); n > 3 {
			t.Errorf("%d calls", n)
		}
	})
}

func TestEveryVersionWritesActivities(t *testing.T) {
	for _, v := range []string{"v3", "2026-03", "2026-09"} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{APIVersion: v}, func(t *testing.T, a account) {
			contact := ref(hubspot.Contact, a.create(1))
			note := a.apply(noteOn(contact))[0]
			plain := a.apply(noteOn())[0]
			joined := a.apply(sync.Write{Ref: plain.Record.Ref, Related: []sync.Ref{contact}})[0]
			if note.Err != nil || plain.Err != nil || joined.Err != nil {
				t.Fatalf("%s: %v, %v, %v", v, note.Err, plain.Err, joined.Err)
			}
			if got := a.related(contact, hubspot.Note); len(got) != 2 {
				t.Errorf("%s: %v", v, got)
			}
			if r := a.apply(sync.Write{Ref: note.Record.Ref, Delete: true})[0]; r.Err != nil {
				t.Errorf("%s: %v", v, r.Err)
			}
			if got := a.related(contact, hubspot.Note); len(got) != 1 {
				t.Errorf("%s: after the deletion: %v", v, got)
			}
			if owners, err := a.hs.Owners(t.Context()); err != nil || len(owners) == 0 {
				t.Errorf("%s: %v, %v", v, owners, err)
			}
			if p, err := a.hs.Pipelines(t.Context(), hubspot.Deal); err != nil || len(p) == 0 {
				t.Errorf("%s: %v, %v", v, p, err)
			}
		})
	}
}

func TestUnrelateRemovesWhatItNames(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		ada, eva := a.create(1), a.create(2)
		ref := func(kind sync.Kind, id string) sync.Ref { return sync.Ref{System: hubspot.System, Kind: kind, ID: id} }
		deal := ref(hubspot.Deal, a.sim.CreateObject("deals", samples[hubspot.Deal]))
		both := []sync.Ref{ref(hubspot.Contact, ada), ref(hubspot.Contact, eva)}
		if r := a.apply(sync.Write{Ref: deal, Related: both})[0]; r.Err != nil {
			t.Fatal(r.Err)
		}
		for range 2 { // the second time there is nothing left to remove
			if err := a.hs.Unrelate(t.Context(), deal, both[0]); err != nil {
				t.Fatal(err)
			}
		}
		left, err := a.hs.Related(t.Context(), deal, hubspot.Contact)
		if err != nil || len(left) != 1 || left[0].ID != eva {
			t.Errorf("left %v, %v", left, err)
		}
		for _, wrong := range []sync.Ref{ref(hubspot.Contact, "x"), ref("ticket", "1")} {
			if err := a.hs.Unrelate(t.Context(), deal, wrong); sync.ActionOf(err) != sync.Invalid {
				t.Errorf("%v: %v", wrong, err)
			}
		}
	})
}
