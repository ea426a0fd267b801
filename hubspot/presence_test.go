package hubspot_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// An archived property is not a cleared one: before the reader can tell the
// two apart, the field is known to pause.
func TestArchivedPropertyIsNotTakenForACleared(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.read(id)
		if n := a.calls("/properties/"); n != 0 {
			t.Errorf("%d looks at the schema though HubSpot shows every property", n)
		}
		a.sim.ArchiveProperty("contacts", "color")
		for range 3 {
			a.read(id)
		}
		if rule := a.hs.Degraded(hubspot.Contact)["color"]; rule == "" {
			t.Error("the read did not tell that the property is gone")
		}
		if n := a.calls("/properties/"); n != 1 {
			t.Errorf("%d looks at the schema, want 1", n)
		}
		a.sim.DefineProperty("color", "enumeration", "select", false, "red", "blue")
		a.read(id)
		if d := a.hs.Degraded(hubspot.Contact); len(d) != 0 {
			t.Errorf("the property is back, yet degraded are %v", d)
		}
	})
}

// Where HubSpot leaves out what has no value, the schema's word holds a while.
func TestLeftOutPropertyIsLookedUpNowAndThen(t *testing.T) {
	inAccount(t, hubspottest.Options{}, hubspot.Options{}, func(t *testing.T, a account) {
		id := a.create(1)
		a.sim.Faults().Add(hubspottest.Fault{Path: "/batch/read", Status: 200,
			Body: `{"status":"COMPLETE","results":[{"id":"` + id + `","properties":{"email":"p1@example.com"}}]}`})
		for _, want := range []int{1, 1, 2} {
			a.read(id)
			if n := a.calls("/properties/"); n != want {
				t.Errorf("%d looks at the schema, want %d", n, want)
			}
			time.Sleep(6 * time.Minute)
		}
		if d := a.hs.Degraded(hubspot.Contact); len(d) != 0 {
			t.Errorf("a property without a value was taken for one that is gone: %v", d)
		}
	})
}

// A list tells the two apart like a read.
func TestAListTellsOfAnArchivedProperty(t *testing.T) {
	inAccount(t, hubspottest.Options{SearchLag: -1}, hubspot.Options{}, func(t *testing.T, a account) {
		a.create(1)
		a.sim.ArchiveProperty("contacts", "color")
		a.list(hubspot.Contact)
		if rule := a.hs.Degraded(hubspot.Contact)["color"]; rule == "" {
			t.Error("the list did not tell that the property is gone")
		}
	})
}
