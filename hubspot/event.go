package hubspot

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// contactTypeID is HubSpot's object type of contacts, by which generic events
// tell them. Source:
// https://developers.hubspot.com/docs/api-reference/legacy/crm/understanding-the-crm
const contactTypeID = "0-1"

// event is one entry of a webhook. Source:
// https://developers.hubspot.com/docs/api/webhooks
type event struct {
	EventID          id              `json:"eventId"`
	PortalID         id              `json:"portalId"`
	OccurredAt       int64           `json:"occurredAt"`
	SubscriptionType string          `json:"subscriptionType"`
	EventType        string          `json:"eventType"` // older name of the same
	ObjectID         id              `json:"objectId"`
	ObjectTypeID     string          `json:"objectTypeId"`
	PropertyName     string          `json:"propertyName"`
	PropertyValue    json.RawMessage `json:"propertyValue"`
	PrimaryObjectID  id              `json:"primaryObjectId"`
	MergedObjectIDs  []id            `json:"mergedObjectIds"`
	NewObjectID      id              `json:"newObjectId"`
}

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
	Ignored   Outcome = "ignored"   // known, and nothing that is synced
	Unknown   Outcome = "unknown"   // of a type this release does not know
	Foreign   Outcome = "foreign"   // of another portal
	Malformed Outcome = "malformed" // not an event
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

// contactEvents are the events that make a contact worth looking at.
var contactEvents = map[string]bool{
	"creation": true, "propertyChange": true, "deletion": true, "restore": true,
	"merge": true, "privacyDeletion": true,
}

// knownObjects are the objects of which HubSpot sends events.
var knownObjects = map[string]bool{
	"contact": true, "company": true, "deal": true, "ticket": true, "line_item": true,
	"product": true, "object": true, "conversation": true, "event": true,
}

// changes returns what to look at after the event.
func (e *event) changes() ([]sync.Item, Outcome) {
	object, verb, _ := strings.Cut(e.name(), ".")
	contact := object == "contact" || object == "object" && e.ObjectTypeID == contactTypeID
	switch {
	case contact && contactEvents[verb]:
	case knownObjects[object] && (!contact || verb == "associationChange"):
		return nil, Ignored
	default:
		return nil, Unknown
	}
	ids := e.concerned()
	if len(ids) == 0 {
		return nil, Malformed
	}
	items := make([]sync.Item, len(ids))
	for i, id := range ids {
		items[i] = e.change(id)
	}
	return items, Enqueued
}

// concerned returns the contacts that the event is about: after a merge the
// surviving one and all that it absorbed. Source:
// https://github.com/amp-labs/connectors/pull/3487
func (e *event) concerned() []string {
	all := append([]id{e.NewObjectID, e.PrimaryObjectID, e.ObjectID}, e.MergedObjectIDs...)
	var ids []string
	seen := map[id]bool{"": true}
	for _, i := range all {
		if !seen[i] {
			seen[i] = true
			ids = append(ids, string(i))
		}
	}
	return ids
}

// change builds the change for one contact. HubSpot's eventId is not unique
// and its attemptNumber differs between deliveries of one event, so the ID is
// made of everything else.
func (e *event) change(id string) sync.Change {
	c := sync.Change{
		ID: fmt.Sprintf("hubspot:webhook:%s:%s:%s:%s:%d:%s",
			e.PortalID, e.name(), id, e.PropertyName, e.OccurredAt, e.EventID),
		Ref:      contactRef(id),
		Reason:   sync.ReasonWebhook,
		Priority: sync.Live,
	}
	if e.OccurredAt > 0 {
		c.OccurredAt = time.UnixMilli(e.OccurredAt).UTC()
	}
	var v sync.Value
	switch _, verb, _ := strings.Cut(e.name(), "."); {
	case verb == "creation":
		c.Witness = map[string]string{sync.IDField: sync.Text(id).Digest()}
	case verb == "propertyChange" && e.PropertyName != "" && len(e.PropertyValue) > 0 && v.UnmarshalJSON(e.PropertyValue) == nil:
		c.Witness = map[string]string{e.PropertyName: v.Digest()}
	}
	return c
}
