package hubspottest

import (
	"strconv"
	"strings"
)

// event is what happened to a record; kind is the part of the subscription type after the dot.
type event interface {
	kind() string
	fill(*payload)
}

type (
	created         struct{}
	deleted         struct{}
	restored        struct{}
	privacyDeleted  struct{}
	propertyChanged struct{ name, value string }
	merged          struct {
		primary, other, survivor int64
		moved                    int
	}
)

func (created) kind() string         { return "creation" }
func (deleted) kind() string         { return "deletion" }
func (restored) kind() string        { return "restore" }
func (privacyDeleted) kind() string  { return privacyDeletion }
func (propertyChanged) kind() string { return "propertyChange" }
func (merged) kind() string          { return "merge" }

func (created) fill(p *payload)        { p.ChangeFlag = "CREATED" }
func (deleted) fill(p *payload)        { p.ChangeFlag = "DELETED" }
func (restored) fill(p *payload)       { p.ChangeFlag = "RESTORED" }
func (privacyDeleted) fill(p *payload) { p.ChangeSource, p.SourceID = "", "" }
func (e propertyChanged) fill(p *payload) {
	p.PropertyName, p.PropertyValue = e.name, &e.value
}
func (e merged) fill(p *payload) {
	p.PrimaryObjectID, p.MergedObjectIDs, p.NewObjectID, p.PropertiesMoved = e.primary, []int64{e.other}, e.survivor, &e.moved
}

// payload is one element of a webhook body.
// https://developers.hubspot.com/docs/api-reference/legacy/webhooks/guide
type payload struct {
	EventID          int64   `json:"eventId"`
	SubscriptionID   int64   `json:"subscriptionId"`
	PortalID         int64   `json:"portalId"`
	AppID            int64   `json:"appId"`
	OccurredAt       int64   `json:"occurredAt"`
	SubscriptionType string  `json:"subscriptionType"`
	AttemptNumber    int     `json:"attemptNumber"`
	ObjectID         int64   `json:"objectId,omitempty"`
	ObjectTypeID     string  `json:"objectTypeId,omitempty"`
	ChangeFlag       string  `json:"changeFlag,omitempty"`
	PropertyName     string  `json:"propertyName,omitempty"`
	PropertyValue    *string `json:"propertyValue,omitempty"`
	IsSensitive      *bool   `json:"isSensitive,omitempty"`
	PrimaryObjectID  int64   `json:"primaryObjectId,omitempty"`
	MergedObjectIDs  []int64 `json:"mergedObjectIds,omitempty"`
	NewObjectID      int64   `json:"newObjectId,omitempty"`
	PropertiesMoved  *int    `json:"numberOfPropertiesMoved,omitempty"`

	AssociationType    string `json:"associationType,omitempty"` // named events
	AssociationTypeID  int    `json:"associationTypeId,omitempty"`
	FromObjectID       int64  `json:"fromObjectId,omitempty"`
	FromObjectTypeID   string `json:"fromObjectTypeId,omitempty"`
	ToObjectID         int64  `json:"toObjectId,omitempty"`
	ToObjectTypeID     string `json:"toObjectTypeId,omitempty"`
	AssociationRemoved *bool  `json:"associationRemoved,omitempty"`
	IsPrimary          *bool  `json:"isPrimaryAssociation,omitempty"`

	ChangeSource string `json:"changeSource,omitempty"`
	SourceID     string `json:"sourceId,omitempty"`
}

// emit tells every subscription that wants the event. The lock is held.
func (a *Account) emit(by Actor, o *object, e event) {
	p := a.payload(by)
	p.ObjectID = o.id
	e.fill(&p)
	a.hooks.publish(o.typ, e.kind(), p)
	a.journalise(o, e.kind(), p)
	a.enrol(o, p.PropertyName, "")
}

// emitAssociation tells of an association that came or went, from either side. The lock is held.
func (a *Account) emitAssociation(by Actor, from, to *object, t *associationType, removed bool) {
	a.emitSide(by, from, to, t, removed)
	a.emitSide(by, to, from, t.inverse, removed)
}

func (a *Account) emitSide(by Actor, from, to *object, t *associationType, removed bool) {
	p := a.payload(by)
	p.FromObjectID, p.FromObjectTypeID = from.id, from.typ.id
	p.ToObjectID, p.ToObjectTypeID = to.id, to.typ.id
	p.AssociationType = from.typ.legacy + "_TO_" + to.typ.legacy
	p.AssociationTypeID = t.id
	p.AssociationRemoved, p.IsPrimary = &removed, &t.primary
	a.hooks.publish(from.typ, associationChange, p)
	a.journaliseLink(p)
}

const (
	associationChange = "associationChange"
	privacyDeletion   = "privacyDeletion"
)

// payload is what all events carry.
func (a *Account) payload(by Actor) payload {
	return payload{
		EventID: a.rand.Int64N(1 << 32), PortalID: a.PortalID, AppID: a.AppID,
		OccurredAt: a.now().UnixMilli(), ChangeSource: by.Source, SourceID: by.ID,
	}
}

// redacted stands for the values of sensitive properties.
// https://developers.hubspot.com/docs/api-reference/latest/crm/properties/sensitive-data
const redacted = "REDACTED"

// webhookValue is a property's value as webhooks carry it: times as epoch milliseconds.
func webhookValue(p *Property, value string) string {
	if p.DataSensitivity != "" {
		return redacted
	}
	if t, ok := parseTime(value); ok && value != "" && (p.Type == "datetime" || p.Type == "date") {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return value
}

// Subscription asks for one kind of event.
type Subscription struct {
	// Type is contact or deal, a dot, and creation, propertyChange, deletion, merge, restore, associationChange or (contact
	// only) privacyDeletion. With "object" in front it is the generic form, which carries the object type id and is the only
	// one that notes, tasks, meetings and communications have.
	Type string
	// Property narrows a propertyChange to one property, as the vendor requires; "" takes the changes of all.
	Property string
	// ObjectTypeID narrows a generic subscription to one type, such as "0-46", as the vendor requires; "" takes all types.
	ObjectTypeID string
}

// PropertyChanges are the subscriptions to the changes of these contact properties.
func PropertyChanges(names ...string) []Subscription {
	subs := make([]Subscription, len(names))
	for i, n := range names {
		subs[i] = Subscription{Type: "contact.propertyChange", Property: n}
	}
	return subs
}

// everything is what a target without subscriptions gets: named events of the types that have them, generic ones of the
// others.
func everything() []Subscription {
	var subs []Subscription
	for _, t := range objectTypes {
		for _, kind := range []string{"creation", "propertyChange", "deletion", "merge", "restore", associationChange, privacyDeletion} {
			switch {
			case kind == privacyDeletion && t.plural != "contacts":
			case t.named:
				subs = append(subs, Subscription{Type: t.singular + "." + kind})
			default:
				subs = append(subs, Subscription{Type: "object." + kind, ObjectTypeID: t.id})
			}
		}
	}
	return subs
}

// shape makes the payload the subscription gets, and says whether it wants the event at all.
func (sub Subscription) shape(t *objectType, kind string, p payload) (payload, bool) {
	subject, wanted, _ := strings.Cut(sub.Type, ".")
	if wanted != kind || sub.Property != "" && sub.Property != p.PropertyName {
		return payload{}, false
	}
	p.SubscriptionType = sub.Type
	if subject == "object" {
		return p.generic(t), sub.ObjectTypeID == "" || sub.ObjectTypeID == t.id
	}
	return p.named(), t.named && subject == t.singular
}

// generic is the payload in the form of "object" subscriptions.
func (p payload) generic(t *objectType) payload {
	p.AssociationType = ""
	if p.FromObjectID == 0 {
		p.ObjectTypeID = t.id
	}
	if p.PropertyName != "" {
		sensitive := *p.PropertyValue == redacted
		p.IsSensitive = &sensitive
	}
	return p
}

// named is the payload in the form of subscriptions under the type's own name.
func (p payload) named() payload {
	p.AssociationTypeID, p.FromObjectTypeID, p.ToObjectTypeID = 0, "", ""
	return p
}
