package hubspottest

import (
	"strconv"
	"strings"
)

// event is what happened to a contact; kind is the part of the subscription type after the dot.
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
func (privacyDeleted) kind() string  { return "privacyDeletion" }
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
	ObjectID         int64   `json:"objectId"`
	ObjectTypeID     string  `json:"objectTypeId,omitempty"`
	ChangeFlag       string  `json:"changeFlag,omitempty"`
	PropertyName     string  `json:"propertyName,omitempty"`
	PropertyValue    *string `json:"propertyValue,omitempty"`
	IsSensitive      *bool   `json:"isSensitive,omitempty"`
	PrimaryObjectID  int64   `json:"primaryObjectId,omitempty"`
	MergedObjectIDs  []int64 `json:"mergedObjectIds,omitempty"`
	NewObjectID      int64   `json:"newObjectId,omitempty"`
	PropertiesMoved  *int    `json:"numberOfPropertiesMoved,omitempty"`
	ChangeSource     string  `json:"changeSource,omitempty"`
	SourceID         string  `json:"sourceId,omitempty"`
}

// emit tells every subscription that wants the event. The lock is held.
func (s *Server) emit(by Actor, id int64, e event) {
	p := payload{
		EventID: s.rand.Int64N(1 << 32), PortalID: s.PortalID, AppID: s.AppID,
		OccurredAt: s.now().UnixMilli(), ObjectID: id, ChangeSource: by.Source, SourceID: by.ID,
	}
	e.fill(&p)
	s.hooks.publish(e.kind(), p)
}

// webhookValue is a property's value as webhooks carry it: times as epoch milliseconds.
func webhookValue(p *Property, value string) string {
	if t, ok := parseTime(value); ok && value != "" && (p.Type == "datetime" || p.Type == "date") {
		return strconv.FormatInt(t.UnixMilli(), 10)
	}
	return value
}

// Subscription asks for one kind of event.
type Subscription struct {
	// Type is contact.creation, contact.propertyChange, contact.deletion, contact.merge, contact.restore or
	// contact.privacyDeletion; with "object" in place of "contact" the generic form, which carries the object type id.
	Type string
	// Property narrows a propertyChange to one property, as the vendor requires; "" takes the changes of all.
	Property string
}

// PropertyChanges are the subscriptions to the changes of these properties.
func PropertyChanges(names ...string) []Subscription {
	subs := make([]Subscription, len(names))
	for i, n := range names {
		subs[i] = Subscription{"contact.propertyChange", n}
	}
	return subs
}

// everything is what a target without subscriptions gets.
func everything() []Subscription {
	var subs []Subscription
	for _, kind := range []string{"creation", "propertyChange", "deletion", "merge", "restore", "privacyDeletion"} {
		subs = append(subs, Subscription{Type: "contact." + kind})
	}
	return subs
}

// shape makes the payload the subscription gets, and says whether it wants the event at all.
func (sub Subscription) shape(kind string, p payload) (payload, bool) {
	object, wanted, _ := strings.Cut(sub.Type, ".")
	if wanted != kind || sub.Property != "" && sub.Property != p.PropertyName {
		return payload{}, false
	}
	p.SubscriptionType = sub.Type
	if object == "object" {
		p.ObjectTypeID = objectTypeID
		if p.PropertyName != "" {
			p.IsSensitive = new(bool)
		}
	}
	return p, true
}
