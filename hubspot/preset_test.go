package hubspot_test

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// HubSpot takes every deal and activity of the preset as it is, whole.
func TestHubSpotTakesWhatThePresetWrites(t *testing.T) {
	inFresh(t, hubspottest.Options{}, func(t *testing.T, a account) {
		report, err := a.setup(urban(t), hubspot.SetupOptions{})
		if err != nil {
			t.Fatalf("%v\n%s", err, report)
		}
		contact := sync.Ref{System: hubspot.System, Kind: hubspot.Contact, ID: a.sim.Create(map[string]string{"email": "ada@example.com"})}
		for _, communications := range []bool{false, true} {
			set := must(urbanhub.Set(urbanhub.Options{UniqueActivities: report.Capabilities.UniqueActivities, Communications: communications}).Compile())
			for _, w := range append(activityWrites(t, set, contact), dealWrite(t, set, contact)) {
				if res := must(a.hs.Apply(t.Context(), []sync.Write{w}))[0]; res.Err != nil || len(res.Dropped) > 0 {
					t.Errorf("%s: %v, dropped %v", w.Ref.Kind, res.Err, res.Dropped)
				}
			}
		}
		for kind, want := range map[sync.Kind]int{hubspot.Note: 3, hubspot.Communication: 1, hubspot.Task: 1, hubspot.Meeting: 1, hubspot.Deal: 1} {
			if got := must(a.hs.Related(t.Context(), contact, kind)); len(got) != want {
				t.Errorf("%d of kind %s, want %d", len(got), kind, want)
			}
		}
	})
}

// activityWrites are what a fact of every type is recorded as.
func activityWrites(t *testing.T, set *mapping.Compiled, contact sync.Ref) []sync.Write {
	var out []sync.Write
	for _, activity := range set.Activities {
		if activity.System != hubspot.System {
			continue
		}
		f := sync.Fact{ID: activity.Fact, Type: activity.Fact, OccurredAt: time.Now(), Data: map[string]any{"starts_at": "2026-01-25T15:00:00Z",
			"property": "402", "text": "rooms < 3?", "platform": "sms", "from": "new", "to": "qualified", "score": 85.0}}
		fields, err := activity.Render(f)
		if err != nil {
			t.Fatal(err)
		}
		w := sync.Write{Ref: contact, Fields: fields}
		if !activity.Update {
			fields[activity.Key] = sync.Text(sync.FactKey(f))
			w = sync.Write{Ref: sync.Ref{System: activity.System, Kind: activity.Kind}, Key: activity.Key, Fields: fields, Related: []sync.Ref{contact}}
		}
		out = append(out, w)
	}
	return out
}

// dealWrite is the creation of a deal.
func dealWrite(t *testing.T, set *mapping.Compiled, contact sync.Ref) sync.Write {
	flow := set.Flows[1]
	talk := sync.Record{Ref: sync.Ref{System: flow.Left.System, Kind: flow.Left.Kind, ID: "c1"}, Fields: sync.Fields{}}
	for name, v := range map[string]string{"id": "c1", "contact_id": "b1", "attributes.ai_stage": "tour_completed", "attributes.qualification_score": "85",
		"attributes.ai_agent_type": "leasing", "attributes.property_interest": "north", "attributes.tour_scheduled_date": "2026-01-25T10:00:00-05:00",
		"attributes.last_ai_interaction": "2026-01-20T13:04:05Z"} {
		talk.Fields[name] = sync.Text(v)
	}
	plan, err := must(sync.NewPlanner(flow)).Plan(sync.View{Exists: true, Record: talk}, sync.View{}, sync.Base{})
	if err != nil {
		t.Fatal(err)
	}
	return sync.Write{Ref: sync.Ref{System: flow.Right.System, Kind: flow.Right.Kind}, Key: flow.Right.CreateKey,
		Fields: plan.Writes[sync.Right], Related: []sync.Ref{contact}}
}
