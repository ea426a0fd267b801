package urbanhub_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// Whatever the preset reads or writes in HubSpot is in the schema or HubSpot's
// own, and the keys of creations are unique.
func TestHubSpotSchemaHasWhatTheMapsNeed(t *testing.T) {
	var schema struct {
		Properties []struct {
			Kind, Name       string
			Unique, Existing bool
		}
		ActivityKey struct{ Name string }
		Activities  []sync.Kind
		Pipelines   []struct {
			ID     string
			Stages []string
		}
	}
	if err := json.Unmarshal(urbanhub.HubSpotSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	has, unique := map[string]bool{}, map[string]bool{}
	for _, p := range schema.Properties {
		has[p.Kind+" "+p.Name] = true
		unique[p.Kind+" "+p.Name] = p.Unique
	}
	set := compiled(t, urbanhub.Options{UniqueActivities: map[sync.Kind]bool{urbanhub.Note: true}})
	for _, flow := range set.Flows {
		kind := string(flow.Right.Kind) + " "
		has[kind+sync.IDField] = true
		for _, name := range flow.Names(sync.Right) {
			if !has[kind+name] {
				t.Errorf("the schema lacks %s%s, which the flow %s needs", kind, name, flow.Name)
			}
		}
		if !unique[kind+flow.Right.CreateKey] {
			t.Errorf("%sis created by %s, which is not unique", kind, flow.Right.CreateKey)
		}
	}
	for _, a := range urbanhub.Set(urbanhub.Options{}).Activities {
		if a.System != urbanhub.HubSpot {
			continue
		}
		if !a.Update && (a.Key != schema.ActivityKey.Name || !slices.Contains(schema.Activities, a.Kind)) {
			t.Errorf("the schema lacks the key of %s", a.Name)
		}
		for _, c := range a.Fields {
			if !has[string(a.Kind)+" "+c.Name] && !strings.HasPrefix(c.Name, "hs_") {
				t.Errorf("the schema lacks %s of %s, which %s writes", c.Name, a.Kind, a.Name)
			}
		}
	}
	stage := stageField(t, urbanhub.Options{})
	written, have := slices.Sorted(slices.Values(stage.Policy.Order)), slices.Sorted(slices.Values(schema.Pipelines[0].Stages))
	if schema.Pipelines[0].ID != "default" || !slices.Equal(have, written) {
		t.Errorf("the schema has the stages %q, written are %q", have, written)
	}
}

func TestHubSpotSchemaIsACopy(t *testing.T) {
	urbanhub.HubSpotSchema()[0] = 'x'
	if urbanhub.HubSpotSchema()[0] != '{' {
		t.Error("a caller changed the preset")
	}
}
