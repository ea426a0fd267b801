package hubspot_test

import (
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// booked is a schema of one custom event.
func booked() hubspot.Schema {
	return hubspot.Schema{Events: []hubspot.EventDefinition{{Name: "tour_booked", Label: "Tour booked", Kind: hubspot.Contact,
		Properties: []hubspot.Property{{Name: "place"}, {Name: "size", Type: "number"}}}}}
}

func TestSetupDefinesEvents(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		dry, err := a.setup(booked(), hubspot.SetupOptions{DryRun: true})
		if err != nil || line(t, dry, "event", "tour_booked").State != hubspot.WouldCreate || a.writes() != 0 {
			t.Errorf("%v\n%s", err, dry)
		}
		want := hubspot.Capabilities{UniqueActivities: map[sync.Kind]bool{}, CustomEvents: true,
			EventNames: map[string]string{"tour_booked": "pe33333_tour_booked"}}
		for _, state := range []hubspot.State{hubspot.Created, hubspot.Exists} {
			report, err := a.setup(booked(), hubspot.SetupOptions{})
			if err != nil || line(t, report, "event", "tour_booked").State != state || a.writes() != 1 {
				t.Errorf("%v after %d writes\n%s", err, a.writes(), report)
			}
			if diff := cmp.Diff(want, report.Capabilities); diff != "" {
				t.Error(diff)
			}
		}
		wider := booked()
		wider.Events[0].Properties = append(wider.Events[0].Properties, hubspot.Property{Name: "guide"})
		report, err := a.setup(wider, hubspot.SetupOptions{})
		if l := line(t, report, "event", "tour_booked"); err == nil || l.State != hubspot.Person || report.Capabilities.CustomEvents {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

func TestSetupWithoutCustomEvents(t *testing.T) {
	inFresh(t, hubspottest.Options{NoCustomEvents: true}, func(t *testing.T, a account) {
		report, err := a.setup(booked(), hubspot.SetupOptions{})
		if l := line(t, report, "events", "1"); err != nil || l.State != hubspot.Unavailable || report.Capabilities.CustomEvents {
			t.Errorf("%v: %+v", err, l)
		}
	})
}

// The specification and the guide name different paths for 2026-03.
func TestSetupFindsThePathOfEvents(t *testing.T) {
	for _, asInGuide := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			sim := hubspottest.NewPipeServer(&hubspottest.Options{EventsAsInGuide: asInGuide})
			defer sim.Close()
			hs, err := hubspot.New(hubspot.Static(sim.Token), &hubspot.Options{BaseURL: sim.URL, HTTPClient: sim.Client(), APIVersion: "2026-03"})
			if err != nil {
				t.Fatal(err)
			}
			report, err := hs.Setup(t.Context(), booked(), hubspot.SetupOptions{})
			if err != nil || !report.Capabilities.CustomEvents {
				t.Errorf("as in the guide %v: %v\n%s", asInGuide, err, report)
			}
		})
	}
}
