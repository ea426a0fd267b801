package hubspottest

import "fmt"

// objectType is one CRM object type: how it is named, which properties it starts with, and what a new record needs.
// https://developers.hubspot.com/docs/api-reference/legacy/crm/understanding-the-crm
type objectType struct {
	plural   string // in paths
	singular string // in webhook types
	id       string // in paths and generic webhooks
	legacy   string // in the texts of errors
	created  string // the property with the time of creation
	modified string // the property with the time of the last change
	group    string // the property group of the stock properties
	firstID  int64
	named    bool       // has webhooks under its own name, besides the generic ones
	activity bool       // is an entry of the timeline
	shown    []string   // shown when no properties are asked for
	searched []string   // what the text query of search reads
	required []string   // needed by a new record
	fallback []fallback // what fills a new record's gaps
	bodies   []string   // read back as sanitised HTML
	silent   []string   // without propertyChange webhooks
	stock    []stock
}

// fallback fills an unset property of a new record from another one, or with a value.
type fallback struct{ property, from, value string }

// stock is a row of like properties that the vendor defines.
type stock struct {
	readOnly, unique bool
	typ, fieldType   string
	options, byName  []string
}

// objectTypes are the types served.
var objectTypes = []*objectType{
	{
		plural: "contacts", singular: "contact", id: "0-1", legacy: "CONTACT", named: true,
		created: "createdate", modified: "lastmodifieddate", group: "contactinformation", firstID: 106_314_000_001,
		shown:    []string{propEmail, "firstname", "lastname"},
		searched: []string{propEmail, "firstname", "lastname", "phone", "company", propSearchPhone},
		stock:    contactProperties,
	}, {
		plural: "deals", singular: "deal", id: "0-3", legacy: "DEAL", named: true,
		created: "createdate", modified: "hs_lastmodifieddate", group: "dealinformation", firstID: 64_058_000_001,
		shown:    []string{"dealname", "amount", "closedate", propPipeline, propStage},
		searched: []string{"dealname", propPipeline, propStage, "description", "dealtype"},
		required: []string{"dealname", propStage},
		fallback: []fallback{{property: propPipeline, value: defaultPipeline}},
		stock:    dealProperties,
	}, {
		plural: "communications", singular: "communication", id: "0-18", legacy: "COMMUNICATION", activity: true,
		created: "hs_createdate", modified: "hs_lastmodifieddate", group: "communication", firstID: 71_200_000_001,
		searched: []string{"hs_communication_body"},
		required: []string{propTimestamp, "hs_communication_channel_type", "hs_communication_logged_from"},
		silent:   []string{"hs_communication_body"},
		stock:    communicationProperties,
	}, {
		plural: "tasks", singular: "task", id: "0-27", legacy: "TASK", activity: true,
		created: "hs_createdate", modified: "hs_lastmodifieddate", group: "task", firstID: 72_300_000_001,
		searched: []string{"hs_task_body", "hs_task_subject"},
		required: []string{propTimestamp},
		bodies:   []string{"hs_task_body"},
		stock:    taskProperties,
	}, {
		plural: "notes", singular: "note", id: "0-46", legacy: "NOTE", activity: true,
		created: "hs_createdate", modified: "hs_lastmodifieddate", group: "note", firstID: 73_400_000_001,
		searched: []string{"hs_note_body"},
		required: []string{propTimestamp},
		bodies:   []string{"hs_note_body"},
		stock:    noteProperties,
	}, {
		plural: "meetings", singular: "meeting", id: "0-47", legacy: "MEETING_EVENT", activity: true,
		created: "hs_createdate", modified: "hs_lastmodifieddate", group: "meeting", firstID: 74_500_000_001,
		searched: []string{"hs_meeting_title", "hs_meeting_body"},
		required: []string{propTimestamp},
		fallback: []fallback{{property: propTimestamp, from: "hs_meeting_start_time"}},
		bodies:   []string{"hs_meeting_body", "hs_internal_meeting_notes"},
		stock:    meetingProperties,
	},
}

// typeNamed finds a type by its plural, its singular or its id; nil when there is none.
func typeNamed(name string) *objectType {
	for _, t := range objectTypes {
		if name == t.plural || name == t.singular || name == t.id {
			return t
		}
	}
	return nil
}

// in is the store of the records of a type, which the host application names. It panics when there is no such type.
func (a *Account) in(objectType string) *store {
	t := typeNamed(objectType)
	if t == nil {
		panic(fmt.Sprintf("hubspottest: no object type %q", objectType))
	}
	return a.stores[t]
}
