package hubspot_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
)

// watched is an account that is watched, with what was told of it.
type watched struct {
	account
	told []hubspot.Finding
}

// hours lets time pass, and then some for the check.
func (w *watched) hours(n int) {
	time.Sleep(time.Duration(n)*time.Hour + time.Minute)
	synctest.Wait()
}

// wants compares what is degraded of deals.
func (w *watched) wants(when string, want map[string]string) {
	w.Helper()
	got := w.hs.Degraded(hubspot.Deal)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("%s: %s", when, diff)
	}
}

// inWatched runs a test against an account that was set up and is watched.
func inWatched(t *testing.T, need hubspot.Schema, test func(t *testing.T, w *watched)) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if _, err := a.setup(need, hubspot.SetupOptions{}); err != nil {
			t.Fatal(err)
		}
		a.sim.Log().Reset()
		w := &watched{account: a}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- a.hs.Watch(ctx, need, hubspot.WatchOptions{OnChange: func(f hubspot.Finding) { w.told = append(w.told, f) }})
		}()
		synctest.Wait()
		w.wants("at first", nil)
		test(t, w)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestWatchMarksAndClears(t *testing.T) {
	need := urban(t)
	need.Properties = append(need.Properties, hubspot.Property{Kind: hubspot.Deal, Name: "mood", Type: "enumeration",
		Options: []hubspot.Option{{Value: "good"}, {Value: "bad"}}})
	inWatched(t, need, func(t *testing.T, w *watched) {
		const deals = "/crm/properties/2026-09/deals"
		w.as(http.MethodDelete, deals+"/ai_agent_type", "")
		w.as(http.MethodDelete, deals+"/qualification_score", "")
		w.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "qualification_score", Type: "string"})
		w.as(http.MethodPatch, deals+"/mood", `{"options":[{"label":"Good","value":"good"}]}`)
		w.sim.ArchiveStage("default", "decisionmakerstage")
		w.wants("before the check", nil)
		w.hours(1)
		w.wants("after an hour", map[string]string{"ai_agent_type": "property.active", "qualification_score": "property.type",
			"mood": "property.options", "dealstage": "stage.exists"})
		if len(w.told) != 4 {
			t.Errorf("told %+v", w.told)
		}

		w.hours(3)
		if len(w.told) != 4 {
			t.Errorf("told again: %+v", w.told[4:])
		}
		w.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "ai_agent_type", GroupName: "bird_sync"})
		w.sim.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Tour", Metadata: map[string]string{"probability": "0.7"}})
		w.hours(1)
		w.wants("after the mending", map[string]string{"qualification_score": "property.type", "mood": "property.options"})
		if n := len(w.told); n != 6 || w.told[4].Rule != "" || w.told[5].Rule != "" {
			t.Errorf("told %+v", w.told)
		}
	})
}

func TestWatchOnlyReads(t *testing.T) {
	inWatched(t, urban(t), func(t *testing.T, w *watched) {
		w.hours(2)
		if n := w.writes(); n != 0 || w.calls("") == 0 {
			t.Errorf("%d of %d calls were writes", n, w.calls(""))
		}
	})
}

func TestWatchLearnsNothingFromAFailedCheck(t *testing.T) {
	inWatched(t, urban(t), func(t *testing.T, w *watched) {
		w.as(http.MethodDelete, "/crm/properties/2026-09/deals/ai_agent_type", "")
		w.hours(1)
		bad := map[string]string{"ai_agent_type": "property.active"}
		w.wants("archived", bad)
		w.sim.DefinePropertyOn("deals", hubspottest.Property{Name: "ai_agent_type"})
		w.sim.Down(true)
		w.hours(2)
		w.wants("while HubSpot is down", bad)
		w.sim.Down(false)
		w.hours(1)
		w.wants("when HubSpot is back", nil)
	})
}

func TestWatchRefusesAnInvalidSchema(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		if err := a.hs.Watch(t.Context(), hubspot.Schema{Pipelines: []hubspot.Pipeline{{}}}, hubspot.WatchOptions{}); err == nil {
			t.Error("watched nonsense")
		}
	})
}

// HubSpot lists the properties that it alone sets like all others: what a
// write has learned of one is not forgotten with every check.
func TestWatchForgetsNoRefusalThatStands(t *testing.T) {
	need := urban(t)
	need.Properties = append(need.Properties, hubspot.Property{Kind: hubspot.Deal, Name: "hs_object_id", Existing: true})
	inWatched(t, need, func(t *testing.T, w *watched) {
		deal := write(w.sim.CreateObject("deals", samples[hubspot.Deal]), map[string]string{"hs_object_id": "7"})
		deal.Ref.Kind = hubspot.Deal
		if r := w.apply(deal)[0]; r.Err != nil || r.Dropped["hs_object_id"] != "READ_ONLY_VALUE" {
			t.Fatalf("got %+v", r)
		}
		w.hours(2)
		w.wants("after two checks", map[string]string{"hs_object_id": "READ_ONLY_VALUE"})
	})
}
