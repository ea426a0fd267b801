package hubspottest

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// EventDefinition is a kind of custom behavioural event.
// https://developers.hubspot.com/docs/api-reference/latest/events/define-events/guide
type EventDefinition struct {
	// Name is the short name, FullName what events are sent under: pe<portal>_<name>.
	Name     string `json:"name"`
	FullName string `json:"fullyQualifiedName"`
	Label    string `json:"label"`
	// PrimaryObject is the type of record that events happen to: CONTACT or DEAL.
	PrimaryObject string          `json:"primaryObject"`
	Description   string          `json:"description,omitempty"`
	Properties    []EventProperty `json:"properties"`
}

// EventProperty is a property of a custom event.
type EventProperty struct {
	Name    string `json:"name"`
	Label   string `json:"label"`
	Type    string `json:"type"`
	Options []struct {
		Label string `json:"label"`
		Value string `json:"value"`
	} `json:"options,omitempty"`
}

// CustomEvent is an event that the account kept.
type CustomEvent struct {
	// Name is the full name of its definition, ObjectID the record it happened to.
	Name, ObjectID, UUID string
	OccurredAt           time.Time
	Properties           map[string]string
	// At is when it came.
	At time.Time
}

const (
	maxEvents          = 500
	maxEventProperties = 50
	maxEventValue      = 256
	eventMemory        = 365 * 24 * time.Hour // how long a uuid is remembered
)

// customEvents are the definitions, the events that were kept, and when each uuid was first seen.
type customEvents struct {
	definitions map[string]EventDefinition // by full name
	kept        []CustomEvent
	seen        map[eventKey]time.Time
}

type eventKey struct{ name, uuid string }

func newCustomEvents() *customEvents {
	return &customEvents{definitions: map[string]EventDefinition{}, seen: map[eventKey]time.Time{}}
}

// eventRoutes are the custom events. The vendor's specification and its guide name different paths for 2026-03.
// https://developers.hubspot.com/docs/api-reference/latest/events/send-event-data/guide
func (a *Account) eventRoutes(version string) []route {
	base := prefix("events", "custom", version)
	switch {
	case version == "v3", version == "2026-03" && !a.opts.EventsAsInGuide:
		base = "/events/" + version
	}
	return []route{
		{pattern: "POST " + base + "/event-definitions", handle: a.enterprise(a.createDefinition)},
		{pattern: "GET " + base + "/event-definitions", handle: a.enterprise(a.listDefinitions)},
		{pattern: "GET " + base + "/event-definitions/{name}", handle: a.enterprise(a.readDefinition)},
		{pattern: "DELETE " + base + "/event-definitions/{name}", handle: a.enterprise(a.deleteDefinition)},
		{pattern: "POST " + base + "/send", handle: a.enterprise(a.sendEvent), lane: unmetered},
		{pattern: "POST " + base + "/send/batch", handle: a.enterprise(a.sendEvents), lane: unmetered},
	}
}

// enterprise answers 403 in accounts of a lower edition.
func (a *Account) enterprise(h handler) handler {
	return func(q *request) response {
		if a.opts.NoCustomEvents {
			return failure(http.StatusForbidden, "FORBIDDEN", "This account does not have access to custom behavioral events.")
		}
		return h(q)
	}
}

var eventName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,49}$`)

func (a *Account) createDefinition(q *request) response {
	var in struct {
		EventDefinition
		PropertyDefinitions []EventProperty `json:"propertyDefinitions"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	d := in.EventDefinition
	d.Name, d.Properties = or(d.Name, snake(d.Label)), in.PropertyDefinitions
	d.FullName = a.fullName(d.Name)
	switch _, exists := a.events.definitions[d.FullName]; {
	case !eventName.MatchString(d.Name), a.subjects(d.PrimaryObject) == nil, len(d.Properties) > maxEventProperties:
		return invalid("The event definition is not valid: name, primaryObject or propertyDefinitions.").response()
	case exists:
		return failure(http.StatusConflict, "CONFLICT", fmt.Sprintf("Event definition %s already exists.", d.FullName))
	}
	a.events.definitions[d.FullName] = d
	return response{http.StatusCreated, d}
}

func (a *Account) fullName(name string) string { return fmt.Sprintf("pe%d_%s", a.PortalID, name) }

func snake(label string) string { return strings.ReplaceAll(strings.ToLower(label), " ", "_") }

// subjects are the records that events of a primary object happen to, nil when there are none.
func (a *Account) subjects(primaryObject string) *store {
	for t, st := range a.stores {
		if t.legacy == primaryObject && !t.activity {
			return st
		}
	}
	return nil
}

func (a *Account) listDefinitions(*request) response {
	all := []EventDefinition{}
	for _, name := range slices.Sorted(maps.Keys(a.events.definitions)) {
		all = append(all, a.events.definitions[name])
	}
	return ok(map[string]any{"total": len(all), "results": all})
}

func (a *Account) readDefinition(q *request) response {
	d, known := a.events.definitions[q.PathValue("name")]
	if !known {
		return resourceNotFound()
	}
	return ok(d)
}

func (a *Account) deleteDefinition(q *request) response {
	delete(a.events.definitions, q.PathValue("name"))
	return noContent()
}

// sentEvent is an event as a client sends it.
type sentEvent struct {
	Name       string `json:"eventName"`
	ObjectID   string `json:"objectId"`
	Email      string `json:"email"`
	OccurredAt any    `json:"occurredAt"`
	Properties values `json:"properties"`
	UUID       string `json:"uuid"`
}

func (a *Account) sendEvent(q *request) response {
	var in sentEvent
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	return a.take([]sentEvent{in})
}

func (a *Account) sendEvents(q *request) response {
	var in struct {
		Inputs []sentEvent `json:"inputs"`
	}
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	if n := len(in.Inputs); n == 0 || n > maxEvents {
		return tooMany(n, maxEvents).response()
	}
	return a.take(in.Inputs)
}

// take refuses the events as a whole when one breaks a rule that shows at once. The rest comes later and silently: events of
// nobody and those whose uuid is known are thrown away.
func (a *Account) take(events []sentEvent) response {
	for i := range events {
		if bad := a.checkEvent(&events[i]); bad != nil {
			return bad.response()
		}
	}
	for i := range events {
		a.keep(&events[i])
	}
	return noContent()
}

func (a *Account) checkEvent(e *sentEvent) *apiError {
	if _, known := a.events.definitions[e.Name]; !known {
		return invalid("No event definition %s.", e.Name)
	}
	if e.ObjectID == "" && e.Email == "" {
		return invalid("One of objectId, email and utk is required.")
	}
	if len(e.Properties) > maxEventProperties {
		return invalid("An event has at most %d properties.", maxEventProperties)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Properties)) {
		if len(utf16.Encode([]rune(e.Properties[name]))) > maxEventValue {
			return invalid("The value of %s is longer than %d characters.", name, maxEventValue)
		}
	}
	if _, ok := occurrence(e.OccurredAt); !ok {
		return invalid("occurredAt is not a time.")
	}
	return nil
}

// occurrence reads a time as text or epoch milliseconds; without one it is zero.
func occurrence(v any) (time.Time, bool) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, true
	case float64:
		return time.UnixMilli(int64(v)).UTC(), true
	case string:
		return parseTime(v)
	}
	return time.Time{}, false
}

func (a *Account) keep(e *sentEvent) {
	at := a.now()
	if e.UUID != "" {
		key := eventKey{e.Name, e.UUID}
		if first, seen := a.events.seen[key]; seen && at.Sub(first) < eventMemory {
			return
		}
		a.events.seen[key] = at
	}
	o := a.subject(e)
	if o == nil {
		return
	}
	occurred, _ := occurrence(e.OccurredAt)
	a.events.kept = append(a.events.kept, CustomEvent{Name: e.Name, ObjectID: o.key(), UUID: e.UUID,
		OccurredAt: or(occurred, at), Properties: e.Properties, At: at})
	a.enrol(o, "", e.Name)
}

// subject finds the record that an event happened to; an email is that of a contact.
func (a *Account) subject(e *sentEvent) *object {
	st := a.subjects(a.events.definitions[e.Name].PrimaryObject)
	if e.ObjectID != "" {
		return st.find(e.ObjectID, true)
	}
	return st.findBy(propEmail, e.Email)
}

// DefineEvent adds a definition of custom events of contacts, or of another primary object, and returns its full name.
func (a *Account) DefineEvent(name, primaryObject string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	d := EventDefinition{Name: name, FullName: a.fullName(name), Label: name, PrimaryObject: or(primaryObject, "CONTACT")}
	a.events.definitions[d.FullName] = d
	return d.FullName
}

// CustomEvents returns the custom events that the account kept, in the order they came.
func (a *Account) CustomEvents() []CustomEvent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.events.kept)
}
