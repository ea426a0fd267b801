package urbanhub_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync"
)

// Whatever the map of contacts reads or writes in Bird is a field that every
// contact has, the identifier of the schema, or one of its attributes; and
// what is written is not Bird's own.
func TestBirdSchemaHasWhatTheMapNeeds(t *testing.T) {
	var schema struct {
		Identifier struct{ Key string }
		Attributes []struct {
			Key      string
			Builtin  bool
			ReadOnly *bool
		}
	}
	if err := json.Unmarshal(urbanhub.BirdSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	flow, err := urbanhub.Contacts(urbanhub.Options{})
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{sync.IDField: true, "msisdn": true, "email": true, schema.Identifier.Key: true}
	used := map[string]bool{}
	for _, d := range schema.Attributes {
		has[d.Key] = true
		if !d.Builtin && (d.ReadOnly == nil || *d.ReadOnly) {
			t.Errorf("the attribute %s cannot be written", d.Key)
		}
	}
	has["name"] = has["displayName"]
	for _, f := range flow.Fields {
		for _, name := range f.Left.Names() {
			key := strings.TrimPrefix(name, "attributes.")
			used[key] = true
			if !has[key] {
				t.Errorf("the schema lacks %s, which the field %s needs", name, f.Name)
			}
		}
	}
	for _, a := range urbanhub.Set(urbanhub.Options{}).Activities {
		for _, c := range a.Fields {
			if a.System != urbanhub.Bird || a.Kind != urbanhub.Contact {
				continue // conversations take any attribute without a definition
			}
			used[c.Name] = true
			if !has[c.Name] {
				t.Errorf("the schema lacks %s, which %s writes", c.Name, a.Name)
			}
		}
	}
	used["displayName"] = used["name"]
	for _, d := range schema.Attributes {
		if !used[d.Key] {
			t.Errorf("nothing needs the attribute %s", d.Key)
		}
	}
	if flow.Left.CreateKey != schema.Identifier.Key {
		t.Errorf("contacts are created by %q, the identifier is %q", flow.Left.CreateKey, schema.Identifier.Key)
	}
}

func TestBirdSchemaIsACopy(t *testing.T) {
	urbanhub.BirdSchema()[0] = 'x'
	if urbanhub.BirdSchema()[0] != '{' {
		t.Error("a caller changed the preset")
	}
}
