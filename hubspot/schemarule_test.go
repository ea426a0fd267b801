package hubspot

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

func TestSchemasThatAreRefused(t *testing.T) {
	many := Schema{Group: "ours"}
	for i := range maxUnique + 1 {
		many.Properties = append(many.Properties, Property{Kind: Deal, Name: fmt.Sprintf("key%d", i), Unique: true})
	}
	one := func(p Property) Schema {
		p.Kind = or(p.Kind, Deal)
		return Schema{Group: "ours", Properties: []Property{p}}
	}
	event := func(e EventDefinition) Schema { return Schema{Events: []EventDefinition{e}} }
	for name, c := range map[string]struct {
		schema      Schema
		field, rule string
	}{
		"a name of HubSpot's label":    {one(Property{Name: "AI agent"}), "deal.AI agent", "property.name"},
		"a name that begins with _":    {one(Property{Name: "_a"}), "deal._a", "property.name"},
		"no name":                      {one(Property{}), "deal.", "property.name"},
		"no group":                     {Schema{Properties: []Property{{Kind: Deal, Name: "a"}}}, "group", "group.name"},
		"an unknown kind":              {one(Property{Kind: "ticket", Name: "a"}), "ticket.a", "kind.known"},
		"an unknown type":              {one(Property{Name: "a", Type: "text"}), "deal.a", "property.type"},
		"a field type of another type": {one(Property{Name: "a", Type: "number", FieldType: "text"}), "deal.a", "property.field-type"},
		"an enumeration of nothing":    {one(Property{Name: "a", Type: "enumeration"}), "deal.a", "property.options"},
		"options of a text":            {one(Property{Name: "a", Options: []Option{{Value: "x"}}}), "deal.a", "property.options"},
		"the same option twice": {one(Property{Name: "a", Type: "enumeration", Options: []Option{{Value: "x"}, {Value: "x"}}}),
			"deal.a", "property.options"},
		"an option with a semicolon": {one(Property{Name: "a", Type: "enumeration", Options: []Option{{Value: "x;y"}}}), "deal.a", "property.options"},
		"a unique date":              {one(Property{Name: "a", Type: "date", Unique: true}), "deal.a", "property.unique"},
		"too many unique ones":       {many, "deal.key10", "property.unique"},
		"a property twice": {Schema{Group: "ours", Properties: []Property{{Kind: Deal, Name: "a"}, {Kind: Deal, Name: "a", Existing: true}}},
			"deal.a", "property.once"},
		"activities without a key":    {Schema{Group: "ours", Activities: []sync.Kind{Note}}, "activityKey", "property.name"},
		"a pipeline of contacts":      {Schema{Pipelines: []Pipeline{{Kind: Contact, ID: "a"}}}, "contact.a", "pipeline.kind"},
		"a pipeline without an id":    {Schema{Pipelines: []Pipeline{{Kind: Deal}}}, "deal.", "pipeline.id"},
		"an event with a full name":   {event(EventDefinition{Name: "Pe1-x", Label: "X", Kind: Contact}), "Pe1-x", "event.name"},
		"an event without a label":    {event(EventDefinition{Name: "x", Kind: Contact}), "x", "event.form"},
		"an event of a note":          {event(EventDefinition{Name: "x", Label: "X", Kind: Note}), "x", "event.form"},
		"an event with a long detail": {event(EventDefinition{Name: "x", Label: "X", Kind: Deal, Properties: []Property{{Name: strings.Repeat("n", 51)}}}), "x." + strings.Repeat("n", 51), "event.name"},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.schema.Validate()
			var e *sync.Error
			if !errors.As(err, &e) || e.Action != sync.Fatal || e.Field != c.field || e.Rule != c.rule || e.Hint == "" {
				t.Errorf("got %v, want %s by rule %s", err, c.field, c.rule)
			}
		})
	}
}

func TestSchemaErrorsAreAllTold(t *testing.T) {
	err := Schema{Properties: []Property{{Kind: Deal, Name: "A"}, {Kind: Deal, Name: "B"}}}.Validate()
	for _, part := range []string{"group", "deal.A", "deal.B"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
}

func TestParseSchema(t *testing.T) {
	for _, source := range []string{`{"propertys":[]}`, `{"group":1}`, `[]`, ``, `{} {}`, `{"group":"Ours","properties":[{"kind":"deal","name":"a"}]}`} {
		var e *sync.Error
		if _, err := ParseSchema([]byte(source)); !errors.As(err, &e) || e.Op != "hubspot: schema" {
			t.Errorf("%s: %v", source, err)
		}
	}
	s, err := ParseSchema([]byte(`{"group":"ours","properties":[{"kind":"deal","name":"a","type":"bool"}]}`))
	if err != nil || len(s.Properties) != 1 || s.Properties[0].FieldType != "" {
		t.Errorf("%+v, %v", s, err)
	}
	if p := s.complete().Properties[0]; p.FieldType != "booleancheckbox" || len(p.Options) != 2 || p.Label != "a" {
		t.Errorf("completed to %+v", p)
	}
}
