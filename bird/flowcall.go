package bird

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// flowCall is one call of a Flow: the body, the mapped fields that are not
// empty, and the names of those that the body has at all.
type flowCall struct {
	*flowEvent
	object   map[string]any
	fields   map[string]any
	carried  map[string]bool
	occurred time.Time // zero if unknown
}

// decodeObject reads a body that is one JSON object.
func decodeObject(body []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // keeps every digit of ids and amounts
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil || d.More() {
		return nil, errors.New("not one object")
	}
	return object, nil
}

// newFlowCall reads the mapped fields of a body.
func newFlowCall(object map[string]any, event *flowEvent) *flowCall {
	c := &flowCall{flowEvent: event, object: object, fields: map[string]any{}, carried: map[string]bool{}}
	for name, places := range event.paths {
		for path := range strings.SplitSeq(places, "|") {
			raw, ok := lookup(object, path)
			c.carried[name] = c.carried[name] || ok && !unfilled(raw)
			if v := flat(raw); v != nil {
				c.fields[name] = v
				break
			}
		}
	}
	if v, ok := c.fields[FieldPhone]; ok {
		c.fields[FieldPhone] = phones(v)
	}
	return c
}

// lookup follows a path of names with dots between them. A name with a dot in
// it is found, too, where the whole rest of the path is a name.
func lookup(object map[string]any, path string) (any, bool) {
	if v, ok := object[path]; ok {
		return v, true
	}
	name, rest, nested := strings.Cut(path, ".")
	inner, isObject := object[name].(map[string]any)
	if !nested || !isObject {
		return nil, false
	}
	return lookup(inner, rest)
}

// unfilled reports whether v is a template's variable that was not filled in.
func unfilled(v any) bool {
	text, ok := v.(string)
	return ok && strings.HasPrefix(strings.TrimSpace(text), "{{")
}

// flat undoes what templates do to values: an array written as text becomes
// an array without its empty items, an array of one item that item, and an
// empty text or a template that was not filled in nothing.
func flat(v any) any {
	if text, ok := v.(string); ok {
		items, isArray := array(text)
		switch {
		case strings.TrimSpace(text) == "" || unfilled(text):
			return nil
		case isArray:
			return flat(items)
		}
	}
	items, ok := v.([]any)
	if !ok {
		return v
	}
	var filled []any
	for _, item := range items {
		if item = flat(item); item != nil {
			filled = append(filled, item)
		}
	}
	switch len(filled) {
	case 0:
		return nil
	case 1:
		return filled[0]
	}
	return filled
}

// array reads an array that is written as text.
func array(text string) (items []any, ok bool) {
	if !strings.HasPrefix(text, "[") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return items, d.Decode(&items) == nil && !d.More()
}

// text returns a field as text, of an array the first item.
func (c *flowCall) text(name string) string {
	v := c.fields[name]
	if items, ok := v.([]any); ok {
		v = items[0]
	}
	return textOf(v)
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// missing says of each required field that has no value where it is looked
// for, and what is wrong with the contact's id.
func (c *flowCall) missing() []string {
	var problems []string
	for _, name := range c.required {
		switch v := c.text(name); {
		case v == "":
			problems = append(problems, c.problem(name, "is missing or empty"))
		case name == flowContact && !idPattern.MatchString(v):
			problems = append(problems, c.problem(name, "is not a contact's id: it is a "+sync.Text(v).Shape()))
		}
	}
	return problems
}

// problem names a field, its event and its paths, and what is wrong.
func (c *flowCall) problem(name, what string) string {
	event := ""
	if c.name != "" {
		event = " of the event " + c.name
	}
	return fmt.Sprintf("the field %s%s (at %s) %s", name, event, strings.ReplaceAll(strconv.Quote(c.paths[name]), "|", `" or "`), what)
}

// items returns the change, and the fact unless it has no name. A fact whose
// time is not told happened now: the step runs when it happens.
func (c *flowCall) items(witness []string, now time.Time) []sync.Item {
	contact := ref(c.text(flowContact))
	items := []sync.Item{sync.Change{
		ID: c.changeID(now), Ref: contact, Reason: sync.ReasonWebhook,
		OccurredAt: c.occurred, Priority: sync.Live, Witness: c.witness(witness),
	}}
	if c.fact != "" {
		if c.occurred.IsZero() {
			c.occurred = now.UTC()
		}
		items = append(items, sync.Fact{
			ID: c.factID(), Type: c.fact, Subject: contact, OccurredAt: c.occurred, Data: c.data(),
		})
	}
	return items
}

// witness returns the digests of what the call claims of the named fields,
// nothing if it does not carry all of them. A deletion claims more than its
// fields say, and so may an event that only the customer knows.
func (c *flowCall) witness(names []string) map[string]string {
	if event := c.text(flowEventName); event != "contact.created" && event != "contact.updated" {
		return nil
	}
	claims := map[string]string{}
	for _, name := range names {
		if !c.carried[name] {
			return nil
		}
		claims[name] = c.value(name).Digest()
	}
	return claims
}

// value returns a field as the adapter would read it.
func (c *flowCall) value(name string) sync.Value {
	items, ok := c.fields[name].([]any)
	if !ok || placeOf(name, "").kind == identifierPlace {
		return sync.Text(c.text(name))
	}
	texts := make([]string, len(items))
	for i := range items {
		texts[i] = textOf(items[i])
	}
	return sync.List(texts...)
}

// identities are the facts that Bird tells of by itself, too, and the fields
// that their ids are made of, there and here.
var identities = map[string][]string{
	"conversation.started": {"conversation_id"},
	"conversation.closed":  {"conversation_id", "message_id"},
	"message.received":     {"message_id"},
	"message.sent":         {"message_id"},
	"message.failed":       {"message_id"},
	"escalation.triggered": {"conversation_id", "agent_id"},
}

// factID identifies the occurrence.
func (c *flowCall) factID() string {
	parts := []string{c.fact}
	for _, name := range identities[c.fact] {
		if v := c.text(name); v != "" {
			parts = append(parts, v)
		}
	}
	id := c.text(flowEventID)
	switch {
	case len(parts) > 1 && len(parts) == 1+len(identities[c.fact]):
		return itemID(parts...)
	case id != "":
		return itemID("flow-fact", c.fact, c.text(flowContact), id)
	}
	return itemID("flow-fact", c.fact, c.text("conversation_id"), c.digest())
}

// changeID tells edits apart. The event's name is part of it because a Flow
// may give several events the id of its one run. Without an id the moment of
// receipt is part of it: doing a change twice is harmless, missing one is not.
func (c *flowCall) changeID(now time.Time) string {
	if id := c.text(flowEventID); id != "" {
		return itemID("flow-change", c.text(flowEventName), c.text(flowContact), id)
	}
	return itemID("flow-change", c.text(flowEventName), c.digest(), strconv.FormatInt(now.UnixNano(), 36))
}

// digest identifies the content of the body, whatever the order of its keys.
func (c *flowCall) digest() string {
	body, _ := json.Marshal(c.object) // what was decoded from JSON encodes
	return digest(body)
}

// data returns the mapped fields but those that the fact holds elsewhere.
func (c *flowCall) data() map[string]any {
	data := maps.Clone(c.fields)
	for _, name := range []string{flowEventName, flowEventID, flowOccurredAt, flowDate, flowTime, sync.IDField} {
		delete(data, name)
	}
	return data
}
