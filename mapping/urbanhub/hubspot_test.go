package urbanhub_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// Whatever the map of contacts reads or writes in HubSpot is in the schema,
// and the key of creations is unique.
func TestHubSpotSchemaHasWhatTheMapNeeds(t *testing.T) {
	var schema struct {
		Properties []struct {
			Kind, Name       string
			Unique, Existing bool
		}
	}
	if err := json.Unmarshal(urbanhub.HubSpotSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	flow, err := urbanhub.Contacts(urbanhub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{sync.IDField: true}
	var unique []string
	for _, p := range schema.Properties {
		if p.Kind == string(urbanhub.Contact) {
			has[p.Name] = true
			if p.Unique {
				unique = append(unique, p.Name)
			}
		}
	}
	for _, f := range flow.Fields {
		for _, name := range f.Right.Names() {
			if !has[name] {
				t.Errorf("the schema lacks %s, which the field %s needs", name, f.Name)
			}
		}
	}
	if !slices.Contains(unique, flow.Right.CreateKey) {
		t.Errorf("contacts are created by %q, unique are %q", flow.Right.CreateKey, unique)
	}
}

func TestHubSpotSchemaIsACopy(t *testing.T) {
	urbanhub.HubSpotSchema()[0] = 'x'
	if urbanhub.HubSpotSchema()[0] != '{' {
		t.Error("a caller changed the preset")
	}
}
