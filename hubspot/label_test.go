package hubspot_test

import (
	"slices"
	stdsync "sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// label makes a label from contacts to deals.
func (a account) label(name string) hubspot.Label {
	id, _ := a.sim.DefineLabel("contacts", "deals", "l_"+name, name, "has "+name)
	return hubspot.Label{Category: "USER_DEFINED", TypeID: id, Name: name}
}

// labels are the names of what joins a record with the only other of a kind.
func (a account) labels(of sync.Ref, kind sync.Kind) []string {
	a.Helper()
	found, err := a.hs.Associations(a.Context(), of, kind)
	if err != nil || len(found) != 1 || found[0].From != of || found[0].To.Kind != kind {
		a.Fatalf("associations %v, %v", found, err)
	}
	var names []string
	for _, l := range found[0].Labels {
		names = append(names, l.Name)
	}
	slices.Sort(names)
	return names
}

func (a account) deal() sync.Ref {
	return ref(hubspot.Deal, a.sim.CreateObject("deals", samples[hubspot.Deal]))
}

func TestEveryVersionGivesAndTakesLabels(t *testing.T) {
	for _, v := range []string{"v3", "2026-03", "2026-09"} {
		inAccount(t, hubspottest.Options{}, hubspot.Options{APIVersion: v}, func(t *testing.T, a account) {
			contact, deal := ref(hubspot.Contact, a.create(1)), a.deal()
			tenant, agent := a.label("tenant"), a.label("agent")
			offered, err := a.hs.Labels(t.Context(), hubspot.Contact, hubspot.Deal)
			if err != nil || !slices.Contains(offered, tenant) || !slices.Contains(offered, agent) || len(offered) != 3 {
				t.Fatalf("%s: labels %v, %v", v, offered, err)
			}
			one := hubspot.Association{From: contact, To: deal, Labels: []hubspot.Label{tenant}}
			both := hubspot.Association{From: contact, To: deal, Labels: []hubspot.Label{tenant, agent}}
			for i, err := range a.hs.Relate(t.Context(), hubspot.Association{From: contact, To: deal}, both, one) {
				if err != nil {
					t.Fatalf("%s: association %d: %v", v, i, err)
				}
			}
			if got := a.labels(contact, hubspot.Deal); !slices.Equal(got, []string{"", "agent", "tenant"}) {
				t.Errorf("%s: %q", v, got)
			}
			if got := a.labels(deal, hubspot.Contact); !slices.Equal(got, []string{"", "has agent", "has tenant"}) {
				t.Errorf("%s: the other way round %q", v, got)
			}
			for range 2 { // the second time there is nothing left to take away
				if errs := a.hs.Unlabel(t.Context(), one); errs[0] != nil {
					t.Fatal(v, errs[0])
				}
			}
			if got := a.labels(contact, hubspot.Deal); !slices.Equal(got, []string{"", "agent"}) {
				t.Errorf("%s: after the removal %q", v, got)
			}
		})
	}
}

// Calls for associations are shared, and each association has its own outcome.
func TestRelateIsGatheredAndFailsAlone(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		tenant := a.label("tenant")
		contact := ref(hubspot.Contact, a.create(1))
		lost := ref(hubspot.Deal, "987654")
		all := make([]hubspot.Association, 300)
		for i := range all {
			all[i] = hubspot.Association{From: contact, To: a.deal(), Labels: []hubspot.Label{tenant}}
		}
		all[7].To = lost
		all[8].Labels = []hubspot.Label{{Category: "USER_DEFINED", TypeID: 4242}}
		all[9].To = ref("ticket", "1")
		all[10].From = ref(hubspot.Contact, "x")
		all[11].Labels = []hubspot.Label{{TypeID: 3}}
		want := map[int]sync.Action{7: sync.NotFound, 8: sync.Invalid, 9: sync.Invalid, 10: sync.Invalid, 11: sync.Invalid}
		errs := make([]error, len(all))
		var wg stdsync.WaitGroup
		for i := 0; i < len(all); i += 100 {
			wg.Go(func() { copy(errs[i:], a.hs.Relate(t.Context(), all[i:i+100]...)) })
		}
		wg.Wait()
		for i, err := range errs {
			if action, bad := want[i]; bad != (err != nil) || bad && sync.ActionOf(err) != action {
				t.Errorf("association %d: %v", i, err)
			}
		}
		if e := failure(t, sync.Result{Err: errs[7]}); e.Ref != lost {
			t.Errorf("the error is about %v", e.Ref)
		}
		if got := a.related(contact, hubspot.Deal); len(got) != len(all)-len(want) {
			t.Errorf("%d deals", len(got))
		}
		if n := a.calls("/contacts/deals/batch/create"); n != 1 {
			t.Errorf("%d calls", n)
		}
		for i, err := range a.hs.Unlabel(t.Context(), all...) {
			if (err != nil) != (i >= 8 && i <= 11) { // what is gone has no label left
				t.Errorf("association %d: %v", i, err)
			}
		}
		// 297 good ones in calls of 100, and the search for the bad label.
		if n := a.calls("/contacts/deals/batch/labels/archive"); n > 3+9 {
			t.Errorf("%d calls to take labels away", n)
		}
		if err := a.hs.Unlabel(t.Context(), hubspot.Association{From: contact, To: all[0].To})[0]; sync.ActionOf(err) != sync.Invalid {
			t.Errorf("no label to take away: %v", err)
		}
	})
}

// A caller may change what it was told, though others share the answer.
func TestAssociationsAreTheCallersOwn(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		contact, deal := ref(hubspot.Contact, a.create(1)), a.deal()
		if errs := a.hs.Relate(t.Context(), hubspot.Association{From: contact, To: deal, Labels: []hubspot.Label{a.label("tenant")}}); errs[0] != nil {
			t.Fatal(errs[0])
		}
		got := make([][]hubspot.Association, 2)
		var wg stdsync.WaitGroup
		for i := range got {
			wg.Go(func() { got[i], _ = a.hs.Associations(t.Context(), contact, hubspot.Deal) })
		}
		wg.Wait()
		if diff := cmp.Diff(got[0], got[1]); diff != "" || len(got[0]) != 1 || a.calls("/contacts/deals/batch/read") != 1 {
			t.Fatal(diff, got)
		}
		got[0][0].Labels[0] = hubspot.Label{}
		if got[1][0].Labels[0] == (hubspot.Label{}) {
			t.Error("both have the same labels in memory")
		}
	})
}

func TestLabelsOfAnUnknownKind(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		for _, ends := range [][2]sync.Kind{{"ticket", hubspot.Deal}, {hubspot.Deal, "ticket"}} {
			if _, err := a.hs.Labels(t.Context(), ends[0], ends[1]); sync.ActionOf(err) != sync.Fatal || a.calls("") != 0 {
				t.Errorf("%v: %v", ends, err)
			}
		}
	})
}
