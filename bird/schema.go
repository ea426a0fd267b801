package bird

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A Schema is what is needed of a workspace before its records can be synced:
// attributes, webhooks, channels, and what only a person can set up. It is
// plain data; its JSON form is read by [ParseSchema].
type Schema struct {
	// Endpoint is where the webhooks go that have no endpoint of their own.
	Endpoint Endpoint `json:"endpoint,omitzero"`
	// Attributes are the definitions needed of contacts. The cardinality is
	// one, the type string and the display name the key unless given. One that
	// is Builtin is Bird's own, or somebody else's: it is only compared.
	Attributes []AttributeDefinition `json:"attributes,omitempty"`
	// Identifier keeps the other system's id of a contact.
	Identifier Identifier `json:"identifier,omitzero"`
	// Webhooks are the subscriptions needed.
	Webhooks []Webhook `json:"webhooks,omitempty"`
	// Channels are the ids of channels whose messages must make conversations;
	// those by which webhooks about conversations are filtered need it anyway.
	// While it is off, Bird sends no event of a channel's conversations.
	// See https://docs.bird.com/api/quickstarts/conversations.
	Channels []string `json:"channels,omitempty"`
	// ByHand is what a person sets up, because Bird has no call for it. The
	// report repeats it.
	ByHand []Task `json:"byHand,omitempty"`
}

// An Endpoint is what [NewReceiver] returns as Bird sees it.
type Endpoint struct {
	// URL is the receiver's public address, which Bird signs: https, with a
	// host name that has dots, and without a port.
	URL string `json:"url,omitempty"`
	// FormerURLs are addresses that it had before. Subscriptions that still
	// go there are ours and are moved.
	FormerURLs []string `json:"formerUrls,omitempty"`
	// SigningKey is what Bird signs with, at least 32 bytes, used as it is
	// typed. It has no place in the JSON.
	SigningKey Secret `json:"-"`
}

// A Webhook is a subscription to one event.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/create-a-webhook-subscription.
type Webhook struct {
	// Service is conversations, channels, numbers or payments; "" is the one
	// that the event's name tells.
	Service string `json:"service,omitempty"`
	Event   string `json:"event"` // such as conversation.updated or whatsapp.inbound
	// Filters must all match; none takes every event that no subscription
	// with filters takes.
	Filters []Filter `json:"filters,omitempty"`
	// Endpoint replaces that of the schema, part by part.
	Endpoint Endpoint `json:"endpoint,omitzero"`
}

// A Filter narrows a subscription to one value of a key, such as channelId.
type Filter struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// An Identifier is the custom identifier that keeps the other system's id of
// a contact. Bird has no call that declares one: it begins with the first
// contact that has it.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-contact-identifiers.
type Identifier struct {
	Key string `json:"key"` // the same as Options.ExternalIDKey
	// Mirror is the key of an attribute with the same value, which Flows can
	// read; "" is none. A field of the map fills it.
	Mirror string `json:"mirror,omitempty"`
}

// A Task is something that a person does once.
type Task struct {
	What string `json:"what"` // such as flow, ai action or firewall
	Name string `json:"name"`
	Note string `json:"note"` // what is to be done, and where it is described
}

// ParseSchema reads a schema from JSON and makes sure that it is valid as far
// as it goes: the endpoint may be filled in afterwards. Keys that are unknown
// are refused, and so is a signing key.
func ParseSchema(data []byte) (Schema, error) {
	var s Schema
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return Schema{}, schemaError("", "schema.json", "mend the JSON; signing keys are set in code", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Schema{}, schemaError("", "schema.json", "leave only one object in the JSON", nil)
	}
	return s, s.check(false, false)
}

func schemaError(field, rule, hint string, err error) error {
	return &sync.Error{Op: "bird: schema", Action: sync.Fatal, Field: field, Rule: rule, Hint: hint, Err: err}
}

// complete returns the schema with its defaults, the mirror of the identifier
// among the attributes, and every channel among the channels.
func (s Schema) complete() Schema {
	s.Attributes = slices.Clone(s.Attributes)
	if key := s.Identifier.Mirror; key != "" && !slices.ContainsFunc(s.Attributes, func(d AttributeDefinition) bool { return d.Key == key }) {
		s.Attributes = append(s.Attributes, AttributeDefinition{Key: key,
			Description: "The contact's id in the other system. Do not edit: it repeats the identifier " + s.Identifier.Key + "."})
	}
	for i := range s.Attributes {
		d := &s.Attributes[i]
		d.DisplayName, d.Cardinality = cmp.Or(d.DisplayName, d.Key), cmp.Or(d.Cardinality, "one")
		d.Type = cmp.Or(d.Type, string(StringAttribute))
	}
	s.Webhooks, s.Channels = slices.Clone(s.Webhooks), slices.Clone(s.Channels)
	for i, w := range s.Webhooks {
		s.Webhooks[i] = w.complete(s.Endpoint)
		if w.conversational() && !slices.Contains(s.Channels, w.filter("channelId")) {
			s.Channels = append(s.Channels, w.filter("channelId"))
		}
	}
	return s
}

func (w Webhook) complete(e Endpoint) Webhook {
	if w.Service == "" {
		w.Service = "channels"
		if strings.HasPrefix(w.Event, "conversation.") {
			w.Service = "conversations"
		}
	}
	w.Endpoint.URL = cmp.Or(w.Endpoint.URL, e.URL)
	w.Endpoint.SigningKey = cmp.Or(w.Endpoint.SigningKey, e.SigningKey)
	if w.Endpoint.FormerURLs == nil {
		w.Endpoint.FormerURLs = e.FormerURLs
	}
	return w
}

// conversational reports whether the webhook is about the conversations of
// one channel.
func (w Webhook) conversational() bool {
	return strings.HasPrefix(w.Event, "conversation.") && w.filter("channelId") != ""
}

// filter returns the value that a key is filtered by, "" for none.
func (w Webhook) filter(key string) string {
	for _, f := range w.Filters {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}

// name tells webhooks apart: the event, and what narrows it.
func (w Webhook) name() string {
	name := w.Event
	for _, f := range sorted(w.Filters) {
		name += " " + f.Key + "=" + f.Value
	}
	return name
}

// sorted returns filters in an order of their own: theirs means nothing.
func sorted(filters []Filter) []Filter {
	return slices.SortedFunc(slices.Values(filters), func(a, b Filter) int {
		return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Value, b.Value))
	})
}
