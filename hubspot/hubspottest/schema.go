package hubspottest

import (
	"maps"
	"slices"
	"strings"
)

// objectTypeID is the vendor's id of the contact type.
const objectTypeID = "0-1"

// Property is the definition of a contact property, in the vendor's wire shape.
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide
type Property struct {
	Name           string       `json:"name"`
	Label          string       `json:"label"`
	Description    string       `json:"description"`
	GroupName      string       `json:"groupName"`
	Type           string       `json:"type"`      // string, number, bool, enumeration, date, datetime
	FieldType      string       `json:"fieldType"` // text, textarea, number, booleancheckbox, select, radio, checkbox, date, phonenumber …
	Options        []Option     `json:"options"`
	HasUniqueValue bool         `json:"hasUniqueValue"`
	Hidden         bool         `json:"hidden"`
	Calculated     bool         `json:"calculated"`
	HubspotDefined bool         `json:"hubspotDefined,omitempty"`
	FormField      bool         `json:"formField"`
	DisplayOrder   int          `json:"displayOrder"`
	Archived       bool         `json:"archived"`
	CreatedAt      string       `json:"createdAt,omitempty"`
	UpdatedAt      string       `json:"updatedAt,omitempty"`
	Modification   Modification `json:"modificationMetadata"`
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

// Group gathers properties in the user interface.
type Group struct {
	Name         string `json:"name"`
	Label        string `json:"label"`
	DisplayOrder int    `json:"displayOrder"`
	Archived     bool   `json:"archived"`
}

// schema holds the properties and groups of the contact type.
type schema struct {
	properties map[string]*Property
	groups     map[string]*Group
	unique     []string // names of properties with unique values, in order of definition
}

const maxUnique = 10 // unique properties per object type

func newSchema(custom []Property) *schema {
	s := &schema{properties: map[string]*Property{}, groups: map[string]*Group{}}
	s.groups["contactinformation"] = &Group{Name: "contactinformation", Label: "Contact information"}
	for _, p := range stockProperties() {
		s.properties[p.Name] = &p
	}
	for _, p := range custom {
		s.define(p)
	}
	return s
}

// define adds a custom property with the vendor's defaults.
func (s *schema) define(p Property) *Property {
	p.Label = or(p.Label, p.Name)
	p.GroupName = or(p.GroupName, "contactinformation")
	p.Type = or(p.Type, "string")
	p.FieldType = or(p.FieldType, defaultFieldType[p.Type])
	p.Modification = Modification{Archivable: true}
	if p.Options == nil {
		p.Options = []Option{}
	}
	s.properties[p.Name] = &p
	if p.HasUniqueValue && !slices.Contains(s.unique, p.Name) {
		s.unique = append(s.unique, p.Name)
	}
	return &p
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

// isKey reports whether the property identifies one contact. Email does so in its own way (see store).
func (s *schema) isKey(name string) bool {
	p, ok := s.properties[name]
	return ok && p.HasUniqueValue
}

// Names of properties that the simulator itself reads or writes.
const (
	propEmail       = "email"
	propMoreEmails  = "hs_additional_emails"
	propCreated     = "createdate"
	propModified    = "lastmodifieddate"
	propID          = "hs_object_id"
	propMergedIDs   = "hs_merged_object_ids"
	propLifecycle   = "lifecyclestage"
	propSource      = "hs_object_source"
	propSourceID    = "hs_object_source_id"
	propSearchPhone = "hs_searchable_calculated_phone_number"
	propSearchCell  = "hs_searchable_calculated_mobile_number"
)

// calculated maps the read-only phone properties to what they are computed from.
var calculated = map[string]string{propSearchPhone: "phone", propSearchCell: "mobilephone"}

// lifecycleStages in their only direction.
var lifecycleStages = []string{"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"}

var leadStatuses = []string{"NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"}

var analyticsSources = []string{"ORGANIC_SEARCH", "PAID_SEARCH", "EMAIL_MARKETING", "SOCIAL_MEDIA", "REFERRALS", "OTHER_CAMPAIGNS", "DIRECT_TRAFFIC", "OFFLINE", "PAID_SOCIAL"}

// stockProperties are the vendor's own contact properties that a sync meets.
func stockProperties() []Property {
	var all []Property
	add := func(readOnly bool, typ, fieldType string, options []string, names ...string) {
		for _, name := range names {
			all = append(all, Property{
				Name: name, Label: name, GroupName: "contactinformation", Type: typ, FieldType: fieldType,
				Options: optionsOf(options), HubspotDefined: true, FormField: !readOnly,
				Calculated:   calculated[name] != "",
				Modification: Modification{ReadOnlyDefinition: true, ReadOnlyValue: readOnly},
			})
		}
	}
	add(false, "string", "text", nil, propEmail, "firstname", "lastname", "company", "jobtitle", "website", "address", "city",
		"state", "zip", "country", "salutation", "message", "hubspot_owner_id", propMoreEmails)
	add(false, "string", "phonenumber", nil, "phone", "mobilephone")
	add(false, "enumeration", "radio", lifecycleStages, propLifecycle)
	add(false, "enumeration", "radio", leadStatuses, "hs_lead_status")
	add(true, "enumeration", "select", analyticsSources, "hs_analytics_source", "hs_latest_source")
	add(true, "datetime", "date", nil, propCreated, propModified)
	add(true, "number", "number", nil, propID)
	add(true, "string", "text", nil, propMergedIDs, "hs_calculated_merged_vids", propSource, propSourceID)
	add(true, "string", "calculation_equation", nil, propSearchPhone, propSearchCell)
	return all
}

func optionsOf(values []string) []Option {
	options := make([]Option, len(values))
	for i, v := range values {
		options[i] = Option{Label: strings.ReplaceAll(v, "_", " "), Value: v, DisplayOrder: i}
	}
	return options
}
