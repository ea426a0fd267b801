package hubspot_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// hides makes lists come back empty, n times: somebody creates what they list
// right after the look.
func (a account) hides(path string, n int) {
	a.sim.Faults().Add(hubspottest.Fault{Method: http.MethodGet, Path: path, Count: n, Status: http.StatusOK, Body: `{"results":[]}`})
}

// scored is a schema of one property of deals.
func scored() hubspot.Schema {
	return hubspot.Schema{Group: "dealinformation", Properties: []hubspot.Property{{Kind: hubspot.Deal, Name: "score", Type: "number"}}}
}

func TestSetupIsOvertaken(t *testing.T) {
	for typ, want := range map[string]hubspot.State{"number": hubspot.Exists, "string": hubspot.Failed} {
		inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
			a.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "score", Type: typ})
			a.hides("/crm/properties/2026-09/deals", 3) // properties, archived ones and groups
			report, err := a.setup(scored(), hubspot.SetupOptions{})
			if l := line(t, report, "property", "score"); l.State != want || (err == nil) != (want == hubspot.Exists) {
				t.Errorf("by a %s: %v\n%s", typ, err, report)
			}
			if l := line(t, report, "group", "dealinformation"); l.State != hubspot.Exists {
				t.Errorf("group: %+v", l)
			}
		})
	}
}

func TestSetupOfEventsIsOvertaken(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(booked(), hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		a.hides("/event-definitions", 1)
		report, err := a.setup(booked(), hubspot.SetupOptions{})
		if l := line(t, report, "event", "tour_booked"); err != nil || l.State != hubspot.Exists ||
			report.Capabilities.EventNames["tour_booked"] != "pe33333_tour_booked" {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

func TestSetupReadsEveryPageOfEvents(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(booked(), hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		a.sim.Faults().Add(hubspottest.Fault{Method: http.MethodGet, Path: "/event-definitions", Count: 1, Status: http.StatusOK,
			Body: `{"results":[{"name":"other","fullyQualifiedName":"pe33333_other","properties":[]}],"paging":{"next":{"after":"1"}}}`})
		a.sim.Log().Reset()
		report, err := a.setup(booked(), hubspot.SetupOptions{})
		if l := line(t, report, "event", "tour_booked"); err != nil || l.State != hubspot.Exists || a.writes() != 0 {
			t.Errorf("%v after %d writes: %+v", err, a.writes(), l)
		}
	})
}

// What does not need the account's details is set up without them.
func TestSetupWithoutTheAccount(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		f := hubspottest.MissingScopes("oauth")
		f.Path = "/account-info"
		a.sim.Faults().Add(f)
		report, err := a.setup(scored(), hubspot.SetupOptions{})
		if l := line(t, report, "account", ""); err == nil || l.State != hubspot.Person || !strings.Contains(l.Note, "oauth") {
			t.Errorf("%v: %+v", err, l)
		}
		if l := line(t, report, "property", "score"); l.State != hubspot.Created {
			t.Errorf("%+v", l)
		}
	})
}

// Nothing is tried in a group that could not be created.
func TestSetupWithoutTheGroup(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		f := hubspottest.MissingScopes("crm.schemas.deals.write")
		f.Method, f.Path = http.MethodPost, "/deals/groups"
		a.sim.Faults().Add(f)
		need := scored()
		need.Group = "ours"
		report, _ := a.setup(need, hubspot.SetupOptions{})
		if l := line(t, report, "property", "score"); l.State != hubspot.Person || a.writes() != 1 {
			t.Errorf("after %d writes: %+v", a.writes(), l)
		}
	})
}

// A creation whose answer is lost is found by the next run.
func TestSetupAfterALostAnswer(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		a.sim.Faults().Add(hubspottest.Fault{Method: http.MethodPost, Path: "/deals", Count: 1, DropAfter: true})
		report, err := a.setup(scored(), hubspot.SetupOptions{})
		var e *sync.Error
		if l := line(t, report, "property", "score"); l.State != hubspot.Failed || !errors.As(err, &e) || e.Action != sync.Retry {
			t.Errorf("%v: %+v", err, l)
		}
		report, err = a.setup(scored(), hubspot.SetupOptions{})
		if l := line(t, report, "property", "score"); err != nil || l.State != hubspot.Exists {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

func TestDescribeKnowsItsKinds(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.hs.Describe(t.Context(), "ticket"); sync.ActionOf(err) != sync.Fatal {
			t.Error(err)
		}
		a.sim.Down(true)
		if _, err := a.hs.Describe(t.Context(), hubspot.Note); sync.ActionOf(err) != sync.Retry {
			t.Error(err)
		}
	})
}
