package urbanhub

import (
	_ "embed"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// Names of the systems and the kind in the flow and in every [sync.Ref].
const (
	Bird    sync.System = "bird"
	HubSpot sync.System = "hubspot"
	Contact sync.Kind   = "contact"
)

// The names of the flows.
const (
	contactFlow = "urbanhub-contacts"
	dealFlow    = "urbanhub-deals"
)

//go:embed urbanhub.yaml
var source []byte

// YAML returns the [Set] for the zero [Options], to be changed and loaded with
// [mapping.LoadSet].
func YAML() []byte { return append([]byte(nil), source...) }

// Options adapt the map to an agency. The zero value works.
type Options struct {
	// Region is the ISO 3166 country of phone numbers without a country code;
	// "" is CO.
	Region string
	// LeadSources are the values of LeadSourceProperty whose contacts may go
	// from HubSpot to Bird; none lets all go.
	LeadSources []string
	// LeadSourceProperty is the HubSpot property that tells a contact's
	// source; "" is HubSpot's own hs_analytics_source.
	LeadSourceProperty string
	// ChangedProperties are the HubSpot properties whose change lets a contact
	// go to Bird; none means those that Bird receives. A contact without any
	// change, which only repairs Bird, always may.
	ChangedProperties []string

	// Pipeline is the id of the deals' pipeline; "" is HubSpot's own, default.
	Pipeline string
	// Stages are the ids of deal stages by AI stage, where they are others
	// than those of the package's table.
	Stages map[string]string
	// PeoplesStages are the AI stages of deal stages that only people choose,
	// by their ids; nil stands for those of HubSpot's stock pipeline:
	// presentationscheduled is tour_scheduled, decisionmakerboughtin is
	// tour_completed. A deal in a stage that is in neither table goes to the
	// dead letters.
	PeoplesStages map[string]string

	// UniqueActivities says of which kinds of activities HubSpot keeps the
	// key unique: UniqueActivities of hubspot.Capabilities.
	UniqueActivities map[sync.Kind]bool
	// Communications has messages logged as communications instead of notes:
	// as SMS where that is the platform, else as WhatsApp. HubSpot has no
	// others, so choose it only where customers write by these.
	Communications bool
	// Owner is the id of the HubSpot owner of the activities, or a template
	// of it as [mapping.Content].Text; "" gives them none.
	Owner string
	// Zone is the IANA name of the time zone in which bodies tell times; "" is
	// UTC.
	Zone string
	// Bodies are HTML templates, as [mapping.Content].HTML, for the bodies of
	// activities by the fact's type; where there is none it is the set's
	// shared template body.
	Bodies map[string]string
	// CustomEvent is the full name, such as pe33_ai_status, of the custom
	// event that is sent for each change of the AI status, "" for none. It
	// has the properties from_status and to_status.
	CustomEvent string
	// WorkflowMessages has Bird send what HubSpot workflows ask for, by a custom
	// workflow action whose facts are of the type MessageRequested.
	WorkflowMessages bool
}

// Contacts returns the flow of contacts.
func Contacts(o Options) (*sync.Flow, error) {
	spec := ContactSpec(o)
	return spec.Flow()
}

// ContactSpec returns the map of contacts as data, for hosts that extend it.
func ContactSpec(o Options) *mapping.Spec {
	if o.Region == "" {
		o.Region = "CO"
	}
	return &mapping.Spec{
		Name: contactFlow,
		Left: mapping.End{System: Bird, Kind: Contact, CreateKey: "external_id", Leave: []mapping.When{
			{Expr: `record.email != "" || record.msisdn != ""`, Why: "has neither email nor phone"},
		}},
		Right:     mapping.End{System: HubSpot, Kind: Contact, CreateKey: "custom_bird_contact_id", Leave: filters(o)},
		Fields:    contactFields(o),
		Identity:  []string{"bird_contact_id", "hubspot_id", "email", "phone"},
		FirstSync: sync.Policy{Kind: sync.PreferUnlessBlank, Owner: sync.Right},
	}
}

func contactFields(o Options) []mapping.Field {
	return []mapping.Field{
		mapping.ID("bird_contact_id", sync.IDField, "custom_bird_contact_id").
			To(sync.Right).WithPolicy(sync.Own, sync.Left),
		mapping.ID("hubspot_id", "external_id", sync.IDField).
			To(sync.Left).WithPolicy(sync.Own, sync.Right),
		mapping.Phone("phone", "msisdn", "phone", o.Region).
			WithPolicy(sync.LastWriteWins, sync.Right).WithKeepBlank(),
		mapping.Email("email", "email", "email").
			WithPolicy(sync.LastWriteWins, sync.Right).WithKeepBlank(),
		mapping.Name("name", mapping.At("name"), mapping.At("firstname", "lastname")).
			To(sync.Right).WithKeepBlank(),
		mapping.Text("conversation_status", "conversation_status", "ai_conversation_status").
			To(sync.Right).WithKeepBlank(),
		mapping.Text("property_interest", "property_interest", "urbanhub_property_interest").
			To(sync.Right).WithKeepBlank(),
		mapping.Text("property_preferences", "attributes.propertyInterest", "property_preferences").
			To(sync.Left).WithKeepBlank(),
	}
}

// received are the HubSpot properties that Bird receives.
var received = []string{sync.IDField, "phone", "email", "property_preferences"}

// filters are the conditions under which a contact leaves HubSpot.
func filters(o Options) []mapping.When {
	if o.LeadSourceProperty == "" {
		o.LeadSourceProperty = "hs_analytics_source"
	}
	if len(o.ChangedProperties) == 0 {
		o.ChangedProperties = received
	}
	var out []mapping.When
	if len(o.LeadSources) > 0 {
		out = append(out, mapping.When{
			Expr: "record[" + quote(o.LeadSourceProperty) + "] in " + quotes(o.LeadSources),
			Why:  "lead source is not among the chosen ones",
		})
	}
	return append(out, mapping.When{
		Expr: "len(changed) == 0 || any(changed, # in " + quotes(o.ChangedProperties) + ")",
		Why:  "no property that Bird receives has changed",
	})
}

// quotes writes a list of texts in the expr language.
func quotes(items []string) string {
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// quote writes a text in the expr language, whose escapes are Go's.
func quote(s string) string { return strconv.QuoteToASCII(s) }
