package hubspottest

import (
	"maps"
	"slices"
)

// Property is the definition of a property, in the vendor's wire shape.
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
type Property struct {
	Name           string   `json:"name"`
	Label          string   `json:"label"`
	Description    string   `json:"description"`
	GroupName      string   `json:"groupName"`
	Type           string   `json:"type"`      // string, number, bool, enumeration, date, datetime
	FieldType      string   `json:"fieldType"` // text, textarea, number, booleancheckbox, select, radio, checkbox, date, phonenumber …
	Options        []Option `json:"options"`
	HasUniqueValue bool     `json:"hasUniqueValue"`
	Hidden         bool     `json:"hidden"`
	Calculated     bool     `json:"calculated"`
	HubspotDefined bool     `json:"hubspotDefined,omitempty"`
	FormField      bool     `json:"formField"`
	DisplayOrder   int      `json:"displayOrder"`
	// DataSensitivity is "", sensitive or highly_sensitive; webhooks do not show the values of the last two.
	DataSensitivity string       `json:"dataSensitivity,omitempty"`
	Archived        bool         `json:"archived"`
	CreatedAt       string       `json:"createdAt,omitempty"`
	UpdatedAt       string       `json:"updatedAt,omitempty"`
	Modification    Modification `json:"modificationMetadata"`
}

// Option is one allowed value of an enumeration.
type Option struct {
	Label        string `json:"label"`
	Value        string `json:"value"`
	DisplayOrder int    `json:"displayOrder"`
	Hidden       bool   `json:"hidden"`
}

// Modification says what of a property may be changed.
type Modification struct {
	Archivable         bool `json:"archivable"`
	ReadOnlyDefinition bool `json:"readOnlyDefinition"`
	ReadOnlyValue      bool `json:"readOnlyValue"`
	ReadOnlyOptions    bool `json:"readOnlyOptions,omitempty"`
}

// schema holds the properties and groups of one object type.
type schema struct {
	defaultGroup string
	properties   map[string]*Property
	groups       map[string]*Group
	unique       []string // names of properties with unique values, in order of definition
}

const maxUnique = 10 // unique properties per object type

func newSchema(typ *objectType) *schema {
	s := &schema{defaultGroup: typ.group, properties: map[string]*Property{}, groups: map[string]*Group{}}
	s.groups[typ.group] = &Group{Name: typ.group, Label: typ.plural}
	for _, row := range slices.Concat(typ.stock, typ.common()) {
		for _, p := range row.properties(typ.group) {
			s.properties[p.Name] = &p
		}
	}
	return s
}

// define adds a custom property with the vendor's defaults.
func (s *schema) define(p Property) *Property {
	p.Label = or(p.Label, p.Name)
	p.GroupName = or(p.GroupName, s.defaultGroup)
	p.Type = or(p.Type, "string")
	p.FieldType = or(p.FieldType, defaultFieldType[p.Type])
	p.Modification = Modification{Archivable: true}
	if p.Options == nil {
		p.Options = []Option{}
	}
	s.release(p.Name)
	s.properties[p.Name] = &p
	if p.HasUniqueValue {
		s.unique = append(s.unique, p.Name)
	}
	return &p
}

// archive takes a property out of use and frees its place among the unique ones.
func (s *schema) archive(p *Property) {
	p.Archived = true
	s.release(p.Name)
}

func (s *schema) release(unique string) {
	s.unique = slices.DeleteFunc(s.unique, func(name string) bool { return name == unique })
}

var defaultFieldType = map[string]string{
	"string": "text", "number": "number", "bool": "booleancheckbox", "enumeration": "select", "date": "date", "datetime": "date",
}

func (s *schema) sorted() []*Property {
	var all []*Property
	for _, name := range slices.Sorted(maps.Keys(s.properties)) {
		all = append(all, s.properties[name])
	}
	return all
}

// has reports whether a property is in use.
func (s *schema) has(name string) bool {
	p, ok := s.properties[name]
	return ok && !p.Archived
}

// isKey reports whether the property identifies one record. Email does so in its own way (see store).
func (s *schema) isKey(name string) bool {
	p, ok := s.properties[name]
	return ok && p.HasUniqueValue && !p.Archived
}
