package hubspot

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// A Schema is what is needed of an account before its records can be synced:
// properties, pipelines with their stages, and custom events. It is plain
// data; its JSON form is read by [ParseSchema].
type Schema struct {
	// Group is the internal name of the property group that the created
	// properties belong to, GroupLabel what people read; the label is the
	// name unless given. Only what belongs to this group is ever edited.
	Group      string `json:"group,omitempty"`
	GroupLabel string `json:"groupLabel,omitempty"`
	// Properties are needed to be as they are here.
	Properties []Property `json:"properties,omitempty"`
	// ActivityKey is the text property that keeps the key of a fact on each
	// of the kinds in Activities. Its values are made unique where the
	// account allows that, which HubSpot does not document; the outcome is in
	// [Capabilities]. Only the name, the label and the description count.
	ActivityKey Property    `json:"activityKey,omitzero"`
	Activities  []sync.Kind `json:"activities,omitempty"`
	// Pipelines are needed to exist with these stages. They are never
	// created: their stages are a business's own decision.
	Pipelines []Pipeline `json:"pipelines,omitempty"`
	// Events are the custom events to be defined, where the account has them.
	Events []EventDefinition `json:"events,omitempty"`
}

// A Property is the definition of a property of one kind of record. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
type Property struct {
	Kind        sync.Kind `json:"kind,omitempty"`
	Name        string    `json:"name"` // the internal name, which never changes
	Label       string    `json:"label,omitempty"`
	Description string    `json:"description,omitempty"`
	// Type is string, number, bool, enumeration, date or datetime; "" is
	// string, or, for an Existing property, any type.
	Type string `json:"type,omitempty"`
	// FieldType is how people edit it, such as text, textarea, select or
	// checkbox (which allows several options); "" is the usual one of the type.
	FieldType string `json:"fieldType,omitempty"`
	// Options are those needed of an enumeration. It may have others.
	Options []Option `json:"options,omitempty"`
	// Unique makes HubSpot refuse a value that another record has, and lets
	// records be found by it. It is decided when the property is created.
	Unique bool `json:"unique,omitempty"`
	// Existing is a property that is not ours to create or edit, such as
	// HubSpot's own email.
	Existing bool `json:"existing,omitempty"`
	// ReadOnly is a property that only HubSpot sets. It is told by
	// [Adapter.Describe]; as a need it means that the property is only read.
	ReadOnly bool `json:"readOnly,omitempty"`
}

// An Option is a value of an enumeration and what people read in its place;
// the label is the value unless given.
type Option struct {
	Value string `json:"value"`
	Label string `json:"label,omitempty"`
}

// A Pipeline is a sequence of stages that deals move through. Both are named
// by their ids, not by their labels, which people change. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/pipelines/guide
type Pipeline struct {
	Kind   sync.Kind `json:"kind"`
	ID     string    `json:"id"`
	Stages []string  `json:"stages"`
}

// An EventDefinition defines a custom event. Source:
// https://developers.hubspot.com/docs/api-reference/latest/events/define-events/guide
type EventDefinition struct {
	Name        string    `json:"name"` // without the account's prefix "pe123_"
	Label       string    `json:"label"`
	Description string    `json:"description,omitempty"`
	Kind        sync.Kind `json:"kind"` // whose timeline it is on
	// Properties need a name, a label and a type, and an enumeration its
	// options.
	Properties []Property `json:"properties,omitempty"`
}

// ParseSchema reads a schema from JSON and makes sure that it is valid. Keys
// that are unknown are refused.
func ParseSchema(data []byte) (Schema, error) {
	var s Schema
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Schema{}, schemaError("", "schema.json", "mend the JSON", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Schema{}, schemaError("", "schema.json", "leave only one object in the JSON", nil)
	}
	return s, s.Validate()
}

func schemaError(field, rule, hint string, err error) error {
	return &sync.Error{Op: "hubspot: schema", Action: sync.Fatal, Field: field, Rule: rule, Hint: hint, Err: err}
}

// complete returns the schema with its defaults, and the activity key as a
// property of each of its kinds.
func (s Schema) complete() Schema {
	s.GroupLabel = or(s.GroupLabel, s.Group)
	s.Properties = slices.Clone(s.Properties)
	for _, kind := range s.Activities {
		key := s.ActivityKey
		key.Kind, key.Type, key.FieldType, key.Unique = kind, "", "", false
		s.Properties = append(s.Properties, key)
	}
	for i := range s.Properties {
		s.Properties[i] = s.Properties[i].complete()
	}
	s.Events = slices.Clone(s.Events)
	for i, e := range s.Events {
		e.Properties = slices.Clone(e.Properties)
		for n := range e.Properties {
			e.Properties[n] = e.Properties[n].complete()
		}
		s.Events[i] = e
	}
	return s
}

func (p Property) complete() Property {
	p.Label = or(p.Label, p.Name)
	p.Options = slices.Clone(p.Options)
	for i, o := range p.Options {
		p.Options[i].Label = or(o.Label, o.Value)
	}
	if p.Existing && p.Type == "" {
		return p
	}
	p.Type = or(p.Type, "string")
	if forms := fieldTypes[p.Type]; p.FieldType == "" && !p.Existing && len(forms) > 0 {
		p.FieldType = forms[0]
	}
	if p.Type == "bool" && len(p.Options) == 0 {
		p.Options = []Option{{"true", "Yes"}, {"false", "No"}}
	}
	return p
}

// isKey reports whether a property is the key of an activity.
func (s *Schema) isKey(p Property) bool {
	return p.Name == s.ActivityKey.Name && slices.Contains(s.Activities, p.Kind)
}

// kinds are the kinds whose properties or pipelines are needed, in the order
// in which they are first named.
func (s *Schema) kinds() []sync.Kind {
	var kinds []sync.Kind
	add := func(kind sync.Kind) {
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	for _, p := range s.Properties {
		add(p.Kind)
	}
	for _, p := range s.Pipelines {
		add(p.Kind)
	}
	return kinds
}

// of are the properties needed of a kind.
func (s *Schema) of(kind sync.Kind) []Property {
	return slices.DeleteFunc(slices.Clone(s.Properties), func(p Property) bool { return p.Kind != kind })
}
