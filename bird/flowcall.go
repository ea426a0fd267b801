package bird

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// flowCall is one call of a Flow: the raw body, the mapped fields that are not
// empty, and the names of those that the body has at all.
type flowCall struct {
	body    []byte
	fields  map[string]any
	carried map[string]bool
}

// parse reads the mapped fields of a body.
func (f *FlowReceiver) parse(body []byte) (*flowCall, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // keeps every digit of ids and amounts
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return nil, err
	}
	if object == nil || d.More() {
		return nil, errors.New("not one object")
	}
	call := &flowCall{body, map[string]any{}, map[string]bool{}}
	for name, path := range f.paths {
		raw, ok := lookup(object, path)
		call.carried[name] = ok && !unfilled(raw)
		if v := flat(raw); v != nil {
			call.fields[name] = v
		}
	}
	return call, nil
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
// an array, an array of one item that item, and an empty text or a template
// that was not filled in nothing.
func flat(v any) any {
	if text, ok := v.(string); ok {
		var items []any
		switch {
		case strings.TrimSpace(text) == "" || unfilled(text):
			return nil
		case strings.HasPrefix(text, "[") && json.Unmarshal([]byte(text), &items) == nil:
			return flat(items)
		}
	}
	items, ok := v.([]any)
	switch {
	case !ok:
		return v
	case len(items) == 0:
		return nil
	case len(items) == 1:
		return flat(items[0])
	}
	return items
}

// text returns a field as text, of an array the first item.
func (c *flowCall) text(name string) string {
	v := c.fields[name]
	if items, ok := v.([]any); ok {
		v = items[0]
	}
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// lacks says what is wrong with a required field, "" if nothing is.
func (c *flowCall) lacks(name string) string {
	switch v := c.text(name); {
	case v == "":
		return "is missing or empty"
	case name == flowContact && !idPattern.MatchString(v):
		return "is not a contact's id: it is a " + sync.Text(v).Shape()
	}
	return ""
}

// items returns the change, and the fact unless it has no name.
func (c *flowCall) items(fact string, witness []string, now time.Time) []sync.Item {
	contact := ref(c.text(flowContact))
	occurred, _ := time.Parse(time.RFC3339, c.text(flowOccurredAt)) // zero if unknown
	items := []sync.Item{sync.Change{
		ID: c.changeID(now), Ref: contact, Reason: sync.ReasonWebhook,
		OccurredAt: occurred, Priority: sync.Live, Witness: c.witness(witness),
	}}
	if fact != "" {
		items = append(items, sync.Fact{
			ID: c.factID(fact), Type: fact, Subject: contact, OccurredAt: occurred, Data: c.data(),
		})
	}
	return items
}

// witness returns the digests of what the call claims of the named fields,
// nothing if it does not carry all of them. A deletion claims more than its
// fields say, and so may an event that only the customer knows.
func (c *flowCall) witness(names []string) map[string]string {
	if event := c.text(flowEvent); event != "contact.created" && event != "contact.updated" {
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
		one := flowCall{fields: map[string]any{name: items[i]}}
		texts[i] = one.text(name)
	}
	return sync.List(texts...)
}

// changeID tells edits apart. The event's name is part of it because a Flow
// may give several events the id of its one run. Without an id the moment of
// receipt is part of it: doing a change twice is harmless, missing one is not.
func (c *flowCall) changeID(now time.Time) string {
	if id := c.text(flowEventID); id != "" {
		return itemID("flow-change", c.text(flowEvent), c.text(flowContact), id)
	}
	return itemID("flow-change", c.text(flowEvent), digest(c.body), strconv.FormatInt(now.UnixNano(), 36))
}

// factID identifies the occurrence.
func (c *flowCall) factID(fact string) string {
	conversation, id := c.text(flowConversation), c.text(flowEventID)
	switch {
	case fact == "conversation.started" && conversation != "":
		return startedID(conversation)
	case id != "":
		return itemID("flow-fact", fact, c.text(flowContact), id)
	}
	return itemID("flow-fact", fact, conversation, digest(c.body))
}

// data returns the mapped fields but those that the fact holds elsewhere.
func (c *flowCall) data() map[string]any {
	data := maps.Clone(c.fields)
	for _, name := range []string{flowEvent, flowEventID, flowOccurredAt, sync.IDField} {
		delete(data, name)
	}
	return data
}
