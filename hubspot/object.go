package hubspot

import (
	"fmt"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// The kinds of records that the adapter knows.
const (
	// Contact is the kind of a contact, HubSpot's object type 0-1.
	Contact sync.Kind = "contact"
	// Deal is the kind of a deal, 0-3.
	Deal sync.Kind = "deal"
	// Note is the kind of a note, 0-46.
	Note sync.Kind = "note"
	// Task is the kind of a task, 0-27.
	Task sync.Kind = "task"
	// Meeting is the kind of a meeting, 0-47.
	Meeting sync.Kind = "meeting"
	// Communication is the kind of a logged WhatsApp, SMS or LinkedIn
	// message, 0-18.
	Communication sync.Kind = "communication"
)

// An objectType is what HubSpot lays down for the records of one kind.
type objectType struct {
	kind   sync.Kind
	plural string // in paths
	id     string // HubSpot's object type
	// modified and created are the properties with the times of the last
	// change and of the creation.
	modified, created string
	// defaults are read when the options name nothing, unique are the keys
	// then, and always is read besides, for the adapter itself.
	defaults, unique, always []string
	// required must be given when a record is created.
	required []string
	// associations hold the type of an unlabelled association with the
	// records of another kind.
	associations map[sync.Kind]int
}

// objectTypes are the kinds. Sources:
// https://developers.hubspot.com/docs/api-reference/legacy/crm/understanding-the-crm
// and, for associations,
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide#association-type-id-values
var objectTypes = map[sync.Kind]*objectType{
	Contact: {
		kind: Contact, plural: "contacts", id: "0-1", modified: propModified, created: "createdate",
		defaults:     []string{propEmail, "firstname", "lastname", "phone"},
		unique:       []string{"custom_bird_contact_id"},
		always:       []string{propMerged, propEmail, propMoreEmails, "phone", "mobilephone"},
		associations: map[sync.Kind]int{Deal: 4, Note: 201, Task: 203, Meeting: 199, Communication: 82},
	},
	Deal: {
		kind: Deal, plural: "deals", id: "0-3", modified: propChanged, created: "createdate",
		defaults:     []string{"dealname", "pipeline", "dealstage", "amount", "closedate"},
		always:       []string{propMerged},
		required:     []string{"dealname", "dealstage"},
		associations: map[sync.Kind]int{Contact: 3, Note: 213, Task: 215, Meeting: 211, Communication: 86},
	},
	Note: {
		kind: Note, plural: "notes", id: "0-46", modified: propChanged, created: "hs_createdate",
		defaults:     []string{"hs_timestamp", "hs_note_body"},
		required:     []string{"hs_timestamp"},
		associations: map[sync.Kind]int{Contact: 202, Deal: 214},
	},
	Task: {
		kind: Task, plural: "tasks", id: "0-27", modified: propChanged, created: "hs_createdate",
		defaults:     []string{"hs_timestamp", "hs_task_subject", "hs_task_body", "hs_task_status"},
		required:     []string{"hs_timestamp"},
		associations: map[sync.Kind]int{Contact: 204, Deal: 216},
	},
	Meeting: {
		kind: Meeting, plural: "meetings", id: "0-47", modified: propChanged, created: "hs_createdate",
		defaults:     []string{"hs_timestamp", "hs_meeting_title", "hs_meeting_body", "hs_meeting_start_time", "hs_meeting_end_time"},
		associations: map[sync.Kind]int{Contact: 200, Deal: 212},
	},
	Communication: {
		kind: Communication, plural: "communications", id: "0-18", modified: propChanged, created: "hs_createdate",
		defaults:     []string{"hs_timestamp", "hs_communication_channel_type", "hs_communication_body"},
		required:     []string{"hs_timestamp", "hs_communication_channel_type", "hs_communication_logged_from"},
		associations: map[sync.Kind]int{Contact: 81, Deal: 85},
	},
}

// target aims at the records of the type.
func (t *objectType) target() target { return target{object: t.plural} }

// toward aims at what joins them with the records of another kind.
func (t *objectType) toward(kind sync.Kind) target {
	return target{object: t.plural, to: objectTypes[kind].plural}
}

// ref is the reference of a record of the type.
func (t *objectType) ref(id string) sync.Ref { return sync.Ref{System: System, Kind: t.kind, ID: id} }

// kindOf returns the kind of which a path has the records, "" for none.
func kindOf(plural string) sync.Kind {
	for kind, t := range objectTypes {
		if t.plural == plural {
			return kind
		}
	}
	return ""
}

// kindError refuses a kind that the adapter does not know.
func kindError(op string, kind sync.Kind) error {
	if objectTypes[kind] != nil {
		return nil
	}
	return &sync.Error{Op: op, Action: sync.Fatal, Rule: "kind.known",
		Hint: fmt.Sprintf("this adapter does not know the kind %q", kind)}
}

// missing returns the first of the required properties that a new record
// lacks.
func (t *objectType) missing(f sync.Fields) string {
	at := slices.IndexFunc(t.required, func(n string) bool { return f[n].Blank() })
	if at < 0 {
		return ""
	}
	return t.required[at]
}
