package urbanhub_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

var (
	birdSchema = mapping.Schema{
		"external_id": {}, "msisdn": {}, "email": {}, "name": {}, "conversation_status": {}, "property_interest": {},
		"attributes.propertyInterest": {},
	}
	hubspotSchema = mapping.Schema{
		"custom_bird_contact_id": {}, "phone": {}, "email": {}, "firstname": {}, "lastname": {}, "ai_conversation_status": {},
		"urbanhub_property_interest": {}, "property_preferences": {}, "hs_analytics_source": {},
	}
)

func flowOf(t *testing.T, o urbanhub.Options) *sync.Flow {
	t.Helper()
	flow, err := urbanhub.Contacts(o)
	if err != nil {
		t.Fatal(err)
	}
	return flow
}

func TestYAMLIsTheBuilder(t *testing.T) {
	loaded, err := mapping.LoadSet("urbanhub.yaml", urbanhub.YAML())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(urbanhub.Set(urbanhub.Options{}), loaded); diff != "" {
		t.Errorf("builder and YAML differ (-builder +YAML):\n%s", diff)
	}
}

func TestRawNames(t *testing.T) {
	flow := flowOf(t, urbanhub.Options{})
	left := []string{"id", "external_id", "msisdn", "email", "name", "conversation_status", "property_interest", "attributes.propertyInterest"}
	right := []string{"custom_bird_contact_id", "id", "phone", "email", "firstname", "lastname", "ai_conversation_status",
		"urbanhub_property_interest", "property_preferences"}
	if diff := cmp.Diff(left, flow.Names(sync.Left)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(right, flow.Names(sync.Right)); diff != "" {
		t.Error(diff)
	}
	filtered := flowOf(t, urbanhub.Options{LeadSources: []string{"PAID_SEARCH"}})
	if names := filtered.Names(sync.Right); !slices.Contains(names, "hs_analytics_source") {
		t.Errorf("the lead source is not read: %v", names)
	}
}

func TestPresetIsSound(t *testing.T) {
	flow := flowOf(t, urbanhub.Options{LeadSources: []string{"PAID_SEARCH", `say "hi"`}, Region: "MX"})
	if err := mapping.Check(flow, birdSchema, hubspotSchema); err != nil {
		t.Error(err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	_, err := urbanhub.Contacts(urbanhub.Options{Region: "Colombia"})
	if err == nil || !strings.Contains(err.Error(), "phone.region") {
		t.Errorf("error %v", err)
	}
}

func TestIdentityLadder(t *testing.T) {
	var rungs []string
	for _, id := range flowOf(t, urbanhub.Options{}).Identity {
		rungs = append(rungs, id.Left.Names()[0]+"="+id.Right.Names()[0])
	}
	want := []string{"id=custom_bird_contact_id", "external_id=id", "email=email", "msisdn=phone"}
	if diff := cmp.Diff(want, rungs); diff != "" {
		t.Error(diff)
	}
}

// view makes a record of a side; none when it has no fields.
func view(s sync.Side, f sync.Fields) sync.View {
	if f == nil {
		return sync.View{}
	}
	system := [2]sync.System{urbanhub.Bird, urbanhub.HubSpot}[s]
	return sync.View{Exists: true, Record: sync.Record{Ref: sync.Ref{System: system, Kind: urbanhub.Contact, ID: f[sync.IDField].String()}, Fields: f}}
}

func fields(pairs ...string) sync.Fields {
	f := sync.Fields{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i]] = sync.Text(pairs[i+1])
	}
	return f
}

func TestContactsTravel(t *testing.T) {
	lead := fields("id", "b1", "msisdn", "+573001234567", "name", "Ana María Pérez", "conversation_status", "qualified", "property_interest", "north")
	person := fields("id", "512", "phone", "300 123 4567", "email", "Ana@Example.com", "property_preferences", "two rooms")
	for _, tt := range []struct {
		name          string
		options       urbanhub.Options
		bird, hub     sync.Fields
		toBird, toHub sync.Fields
	}{
		{name: "a new lead in Bird", bird: lead, toHub: fields("custom_bird_contact_id", "b1", "phone", "+573001234567",
			"firstname", "Ana", "lastname", "María Pérez", "ai_conversation_status", "qualified", "urbanhub_property_interest", "north")},
		{name: "a new contact in HubSpot", hub: person, toBird: fields("external_id", "512", "msisdn", "+573001234567",
			"email", "ana@example.com", "attributes.propertyInterest", "two rooms")},
		{name: "the two meet", bird: lead, hub: person,
			toHub: fields("custom_bird_contact_id", "b1", "firstname", "Ana", "lastname", "María Pérez",
				"ai_conversation_status", "qualified", "urbanhub_property_interest", "north"),
			toBird: fields("external_id", "512", "email", "ana@example.com", "attributes.propertyInterest", "two rooms")},
		{name: "neither email nor phone", bird: fields("id", "b1", "name", "Ana")},
		{name: "another lead source", options: urbanhub.Options{LeadSources: []string{"PAID_SEARCH"}}, hub: person},
		{name: "a chosen lead source", options: urbanhub.Options{LeadSources: []string{"A", "B"}, LeadSourceProperty: "lead_source"},
			hub: fields("id", "512", "email", "a@example.com", "lead_source", "B"), toBird: fields("external_id", "512", "email", "a@example.com")},
		{name: "no chosen property", options: urbanhub.Options{ChangedProperties: []string{"phone"}}, hub: fields("id", "512", "email", "a@example.com")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			planner, err := sync.NewPlanner(flowOf(t, tt.options))
			if err != nil {
				t.Fatal(err)
			}
			plan, err := planner.Plan(view(sync.Left, tt.bird), view(sync.Right, tt.hub), sync.Base{})
			if err != nil {
				t.Fatal(err)
			}
			equal := cmp.Comparer(func(a, b sync.Value) bool { return a == b })
			for s, want := range []sync.Fields{tt.toBird, tt.toHub} {
				if diff := cmp.Diff(want, plan.Writes[s], equal); diff != "" {
					t.Errorf("to the %s (-want +got):\n%s", sync.Side(s), diff)
				}
			}
		})
	}
}

func TestRepairsOfBirdPassTheFilter(t *testing.T) {
	bird := fields("id", "b1", "external_id", "512", "email", "a@example.com")
	hub := fields("id", "512", "custom_bird_contact_id", "b1", "email", "a@example.com")
	base := sync.Base{Left: sync.Shadow{Fields: bird.Clone()}, Right: sync.Shadow{Fields: hub.Clone()}}
	delete(bird, "email")
	bird["external_id"] = sync.Text("other")
	planner, err := sync.NewPlanner(flowOf(t, urbanhub.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := planner.Plan(view(sync.Left, bird), view(sync.Right, hub), base)
	if err != nil {
		t.Fatal(err)
	}
	want := fields("external_id", "512", "email", "a@example.com")
	if diff := cmp.Diff(want, plan.Writes[sync.Left], cmp.Comparer(func(a, b sync.Value) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestInvalidPhoneNamesFieldAndRule(t *testing.T) {
	planner, err := sync.NewPlanner(flowOf(t, urbanhub.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = planner.Plan(view(sync.Left, fields("id", "b1", "msisdn", "12345")), sync.View{}, sync.Base{})
	if sync.ActionOf(err) != sync.Invalid || !strings.Contains(err.Error(), "field phone") || !strings.Contains(err.Error(), "rule phone.e164") ||
		strings.Contains(err.Error(), "12345") {
		t.Errorf("error %v", err)
	}
}
