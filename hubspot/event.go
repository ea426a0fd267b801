package hubspot

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// event is one entry of a webhook, in the form of a named subscription
// (contact.creation) or of a generic one (object.creation). Sources:
// https://developers.hubspot.com/docs/api/webhooks and
// https://developers.hubspot.com/changelog/public-beta-generic-webhook-subscriptions
type event struct {
	EventID          id              `json:"eventId"`
	PortalID         id              `json:"portalId"`
	OccurredAt       int64           `json:"occurredAt"`
	SubscriptionType string          `json:"subscriptionType"`
	EventType        string          `json:"eventType"` // older name of the same
	ObjectID         id              `json:"objectId"`
	ObjectTypeID     string          `json:"objectTypeId"` // generic only
	PropertyName     string          `json:"propertyName"`
	PropertyValue    json.RawMessage `json:"propertyValue"`
	IsSensitive      bool            `json:"isSensitive"`
	PrimaryObjectID  id              `json:"primaryObjectId"`
	MergedObjectIDs  []id            `json:"mergedObjectIds"`
	NewObjectID      id              `json:"newObjectId"`

	FromObjectID       id     `json:"fromObjectId"`
	ToObjectID         id     `json:"toObjectId"`
	AssociationType    string `json:"associationType"`  // named only, such as CONTACT_TO_DEAL
	FromObjectTypeID   string `json:"fromObjectTypeId"` // generic only
	ToObjectTypeID     string `json:"toObjectTypeId"`   // generic only
	AssociationTypeID  id     `json:"associationTypeId"`
	AssociationRemoved bool   `json:"associationRemoved"`
}

// redacted is what HubSpot writes in place of a sensitive property's value.
// Source: https://developers.hubspot.com/docs/api-reference/latest/crm/properties/sensitive-data
const redacted = `"REDACTED"`

// id is a number that may be too large for a float, or its text.
type id string

// UnmarshalJSON takes a whole number or a text of digits; null is "".
func (i *id) UnmarshalJSON(data []byte) error {
	s := strings.Trim(string(data), `"`)
	if s == "null" {
		return nil
	}
	if !validID(s) {
		return fmt.Errorf("an id is not a number of at most 19 digits")
	}
	*i = id(s)
	return nil
}

// An Outcome says what the handler of [NewReceiver] did with an event.
type Outcome string

// The outcomes. HubSpot is told 2xx for all of them, since it sends whatever
// is refused again for a day.
const (
	Enqueued  Outcome = "enqueued"  // it became one or more changes
	Ignored   Outcome = "ignored"   // known, and nothing that is wanted
	Unknown   Outcome = "unknown"   // of a type this release does not know
	Foreign   Outcome = "foreign"   // of another portal
	Malformed Outcome = "malformed" // not an event, or without what its type needs
)

// decodeEvent reads one entry of a webhook's array.
func decodeEvent(data json.RawMessage) (event, bool) {
	var e event
	if json.Unmarshal(data, &e) != nil {
		return event{}, false
	}
	return e, e.name() != ""
}

// name returns the event's type, such as "contact.creation".
func (e *event) name() string { return or(e.SubscriptionType, e.EventType) }

// The parts of an event's type after the dot that are treated specially.
const (
	verbCreation    = "creation"
	verbProperty    = "propertyChange"
	verbAssociation = "associationChange"
)

// recordVerbs are the events that make a record worth looking at.
var recordVerbs = map[string]bool{
	verbCreation: true, verbProperty: true, verbAssociation: true, "deletion": true, "restore": true,
	"merge": true, "privacyDeletion": true,
}

// otherObjects are the objects without a kind of which HubSpot sends events.
var otherObjects = map[string]bool{
	"company": true, "ticket": true, "line_item": true, "product": true, "conversation": true, "event": true,
}

// concern is one record that an event is about.
type concern struct {
	kind sync.Kind // "" when this adapter has no such records
	id   id
}

// changes returns what to look at after the event, of the kinds that are
// wanted.
func (e *event) changes(wanted map[sync.Kind]bool) ([]sync.Item, Outcome) {
	object, verb, _ := strings.Cut(e.name(), ".")
	kind := kindNamed(object)
	switch {
	case otherObjects[object]:
		return nil, Ignored
	case kind == "" && object != "object", !recordVerbs[verb]:
		return nil, Unknown
	case kind == "" && verb != verbAssociation:
		if kind = kindOfType(e.ObjectTypeID); kind == "" && e.ObjectTypeID == "" {
			return nil, Malformed
		}
	}
	concerns := e.records(kind)
	if verb == verbAssociation {
		concerns = e.ends(kind)
	}
	return e.look(concerns, wanted)
}

// look returns a change for each of the records whose kind is wanted.
func (e *event) look(concerns []concern, wanted map[sync.Kind]bool) ([]sync.Item, Outcome) {
	var items []sync.Item
	outcome := Ignored
	for _, c := range concerns {
		switch {
		case !wanted[c.kind]:
		case c.id == "":
			outcome = Malformed
		default:
			items = append(items, e.change(c))
		}
	}
	if len(items) > 0 {
		outcome = Enqueued
	}
	return items, outcome
}

// records returns the records of the kind that the event is about: after a
// merge the surviving one and all that it absorbed. Source:
// https://github.com/amp-labs/connectors/pull/3487
func (e *event) records(kind sync.Kind) []concern {
	var all []concern
	seen := map[id]bool{"": true}
	for _, i := range append([]id{e.NewObjectID, e.PrimaryObjectID, e.ObjectID}, e.MergedObjectIDs...) {
		if !seen[i] {
			seen[i] = true
			all = append(all, concern{kind, i})
		}
	}
	if len(all) == 0 {
		return []concern{{kind: kind}}
	}
	return all
}

// ends returns the two records that an association joins or joined. A named
// event tells their kinds by the association's name, a generic one by their
// types; kind is that of the former's subscription.
func (e *event) ends(kind sync.Kind) []concern {
	from, to, _ := strings.Cut(strings.ToLower(e.AssociationType), "_to_")
	return []concern{
		{or(or(kindOfType(e.FromObjectTypeID), kindNamed(from)), kind), e.FromObjectID},
		{or(kindOfType(e.ToObjectTypeID), kindNamed(to)), e.ToObjectID},
	}
}

// change builds the change for one record. HubSpot's eventId is not unique
// and its attemptNumber differs between deliveries of one event, so the ID is
// made of everything else.
func (e *event) change(about concern) sync.Change {
	c := sync.Change{
		ID: fmt.Sprintf("hubspot:webhook:%s:%s:%s:%s:%s:%d:%s",
			e.PortalID, e.name(), about.kind, about.id, e.detail(), e.OccurredAt, e.EventID),
		Ref:      sync.Ref{System: System, Kind: about.kind, ID: string(about.id)},
		Reason:   sync.ReasonWebhook,
		Priority: sync.Live,
		Witness:  e.witness(about.id),
	}
	if e.OccurredAt > 0 {
		c.OccurredAt = time.UnixMilli(e.OccurredAt).UTC()
	}
	return c
}

// detail tells apart the events of one type about one record.
func (e *event) detail() string {
	if e.FromObjectID == "" && e.ToObjectID == "" {
		return e.PropertyName
	}
	return fmt.Sprintf("%s>%s/%s%s/%t", e.FromObjectID, e.ToObjectID, e.AssociationType, e.AssociationTypeID, e.AssociationRemoved)
}

// witness returns what the event claims of a record. Only a creation and a
// change of a property whose value is told claim anything.
func (e *event) witness(i id) map[string]string {
	var v sync.Value
	switch _, verb, _ := strings.Cut(e.name(), "."); {
	case verb == verbCreation:
		return map[string]string{sync.IDField: sync.Text(string(i)).Digest()}
	case verb != verbProperty || e.PropertyName == "" || len(e.PropertyValue) == 0:
	case e.IsSensitive || string(e.PropertyValue) == redacted:
	case v.UnmarshalJSON(e.PropertyValue) == nil:
		return map[string]string{e.PropertyName: v.Digest()}
	}
	return nil
}

// kindNamed returns the kind by the name that events use for its records, in
// lower case, "" for none.
func kindNamed(name string) sync.Kind {
	if name == "meeting_event" {
		return Meeting
	}
	if kind := sync.Kind(name); objectTypes[kind] != nil {
		return kind
	}
	return ""
}

// kindOfType returns the kind by HubSpot's object type id, "" for none.
func kindOfType(id string) sync.Kind {
	for kind, t := range objectTypes {
		if t.id == id {
			return kind
		}
	}
	return ""
}
