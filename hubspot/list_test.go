package hubspot_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// list walks through an inventory.
func (a account) list(kind sync.Kind) (ids []string) {
	a.Helper()
	var after sync.Cursor
	for {
		page, err := a.hs.List(a.Context(), kind, after)
		if err != nil {
			a.Fatal(err)
		}
		for _, r := range page.Records {
			ids = append(ids, r.ID)
		}
		after = page.Next
		if !page.More {
			return ids
		}
	}
}

// More records than a search has results, all of one moment.
func TestListWalksThroughEveryRecord(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		want := make([]string, 10_450)
		for n := range want {
			want[n] = a.sim.CreateObject("notes", samples[hubspot.Note])
		}
		a.sim.ArchiveObject("notes", want[17])
		want = slices.Delete(want, 17, 18)
		if got := a.list(hubspot.Note); !slices.Equal(got, want) {
			t.Errorf("%d ids, want %d", len(got), len(want))
		}
		if n, err := a.hs.Count(t.Context(), hubspot.Note); n != len(want) || err != nil {
			t.Errorf("counted %d, %v", n, err)
		}
		if got := a.list(hubspot.Deal); len(got) != 0 {
			t.Errorf("deals: %v", got)
		}
		if _, err := a.hs.List(t.Context(), hubspot.Note, "not-a-cursor"); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("got %v", err)
		}
	})
}

// The names of many properties do not fit into a search.
func TestListReadsWhatASearchCannotAskFor(t *testing.T) {
	names := make([]string, 80)
	for n := range names {
		names[n] = fmt.Sprintf("a_property_whose_name_is_rather_long_%03d", n)
	}
	opts := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: names}}}
	inAccount(t, hubspottest.Options{SearchLag: -1}, opts, func(t *testing.T, a account) {
		for _, name := range names {
			a.sim.DefineProperty(name, "string", "text", false)
		}
		for n := range 250 {
			a.sim.Create(map[string]string{"email": email(n), names[79]: fmt.Sprint(n)})
		}
		page, err := a.hs.List(t.Context(), hubspot.Contact, "")
		if err != nil || len(page.Records) != 200 || page.Records[199].Fields[names[79]].String() != "199" {
			t.Errorf("%d records, %v", len(page.Records), err)
		}
		if got := a.list(hubspot.Contact); len(got) != 250 {
			t.Errorf("%d records", len(got))
		}
	})
}

func TestEraseForgets(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		one, two := a.create(1), a.create(2)
		note := a.sim.CreateObject("notes", samples[hubspot.Note])
		errs, err := a.hs.Erase(t.Context(), hubspot.Contact, []string{one, "987654", "not-a-number", one})
		if err != nil || !slices.Equal(errs, []error{nil, nil, nil, nil}) {
			t.Errorf("got %v, %v", errs, err)
		}
		if errs, err := a.hs.Erase(t.Context(), hubspot.Note, []string{note, note, "x"}); err != nil || !slices.Equal(errs, []error{nil, nil, nil}) {
			t.Errorf("got %v, %v", errs, err)
		}
		recs := a.read(one, two)
		if !recs[0].Deleted || recs[1].Deleted || a.calls("/gdpr-delete") < 2 {
			t.Errorf("left %+v after %d calls", recs, a.calls("/gdpr-delete"))
		}
		a.sim.Faults().Add(hubspottest.ServerError(500))
		errs, err = a.hs.Erase(t.Context(), hubspot.Contact, []string{two})
		if err != nil || sync.ActionOf(errs[0]) != sync.Retry {
			t.Errorf("got %v, %v", errs, err)
		}
	})
}

// A 404 that does not say that the record is gone may be a gateway's or a wrong
// path's: no erasure is confirmed by it.
func TestEraseBelievesNoForeign404(t *testing.T) {
	for kind, path := range map[sync.Kind]string{hubspot.Contact: "/gdpr-delete", hubspot.Note: "/batch/archive"} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
			id := a.create(1)
			if kind != hubspot.Contact {
				id = a.sim.CreateObject("notes", samples[kind])
			}
			lift := a.sim.Faults().Add(hubspottest.Fault{Path: path, Status: 404, Body: `{"status":"error"}`})
			errs, err := a.hs.Erase(t.Context(), kind, []string{id, "987654"})
			var e *sync.Error
			if err != nil || !errors.As(errs[0], &e) || e.Rule != "path.exists" || e.Ref != ref(kind, id) || errs[1] != nil {
				t.Errorf("%s: got %v, %v", kind, errs, err)
			}
			alone := a.sim.Faults().Add(hubspottest.Fault{Path: "/batch/read", Status: 404, Body: `{"status":"error"}`})
			if errs, err = a.hs.Erase(t.Context(), kind, []string{"987654"}); err != nil || errs[0] == nil {
				t.Errorf("%s: nothing but 404: got %v, %v", kind, errs, err)
			}
			lift()
			alone()
			if errs, err = a.hs.Erase(t.Context(), kind, []string{id}); err != nil || errs[0] != nil {
				t.Errorf("%s afterwards: got %v, %v", kind, errs, err)
			}
		})
	}
}

func TestMergeFollowsTheSurvivor(t *testing.T) {
	for _, o := range []hubspottest.Options{{}, {MergeKeepsPrimaryID: true}} {
		inAccount(t, o, hubspot.Options{}, func(t *testing.T, a account) {
			one, two := ref(hubspot.Contact, a.create(1)), ref(hubspot.Contact, a.create(2))
			rec, err := a.hs.Merge(t.Context(), one, two)
			if err != nil || rec.Deleted || rec.Fields["email"].String() != email(1) || !slices.Contains(rec.Aliases, two.ID) {
				t.Fatalf("got %+v, %v", rec, err)
			}
			if old := a.read(two.ID)[0]; old.ID != rec.ID {
				t.Errorf("the old id leads to %s, not %s", old.ID, rec.ID)
			}
			for _, other := range []sync.Ref{one, ref(hubspot.Deal, two.ID), ref(hubspot.Contact, "x")} {
				if _, err := a.hs.Merge(t.Context(), one, other); sync.ActionOf(err) != sync.Invalid {
					t.Errorf("with %v: %v", other, err)
				}
			}
			if _, err := a.hs.Merge(t.Context(), rec.Ref, ref(hubspot.Contact, "987654")); err == nil {
				t.Error("merged with nobody")
			}
		})
	}
}

func TestOwnersAndPipelines(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		for n := range 150 {
			a.sim.AddOwner(hubspottest.Owner{ID: fmt.Sprint(1000 + n), Email: email(n), Archived: n == 7})
		}
		owners, err := a.hs.Owners(t.Context())
		if err != nil || len(owners) != len(a.sim.Owners())-1 || owners[3] != (hubspot.Owner{ID: "1003", Email: email(3)}) {
			t.Errorf("%d owners, %v", len(owners), err)
		}
		a.sim.AddPipeline(hubspottest.Pipeline{ID: "rent", Label: "Rent", DisplayOrder: -1,
			Stages: []hubspottest.Stage{{ID: "done", Label: "Done", DisplayOrder: 2, Metadata: map[string]string{"probability": "1.0"}},
				{ID: "open", Label: "Open", DisplayOrder: 1, Metadata: map[string]string{"probability": "0.25"}}}})
		got, err := a.hs.Pipelines(t.Context(), hubspot.Deal)
		if err != nil || len(got) != 2 || got[1].ID != "default" || len(got[1].Stages) != 7 {
			t.Fatalf("got %+v, %v", got, err)
		}
		want := hubspot.LivePipeline{ID: "rent", Label: "Rent", Stages: []hubspot.LiveStage{
			{ID: "open", Label: "Open", Probability: 0.25}, {ID: "done", Label: "Done", Closed: true, Probability: 1}}}
		if diff := cmp.Diff(want, got[0]); diff != "" {
			t.Error(diff)
		}
		if none, err := a.hs.Pipelines(t.Context(), hubspot.Note); err != nil || none != nil {
			t.Errorf("notes: %v, %v", none, err)
		}
	})
}

// Nor into that of a sweep, which then claims nothing of what it found.
func TestASweepAsksForNoMoreThanASearchTakes(t *testing.T) {
	names := []string{"firstname"}
	for n := range 80 {
		names = append(names, fmt.Sprintf("a_property_whose_name_is_rather_long_%03d", n))
	}
	opts := hubspot.Options{Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: names}}}
	inAccount(t, hubspottest.Options{SearchLag: -1}, opts, func(t *testing.T, a account) {
		id := a.create(1)
		page, err := a.hs.Changes(t.Context(), "")
		if err != nil || len(page.Changes) != 1 || page.Changes[0].Ref.ID != id || page.Changes[0].Witness != nil {
			t.Errorf("got %+v, %v", page, err)
		}
	})
}
