package bird

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// The names under which a flowReceiver knows the fields that it uses itself.
const (
	flowEventName  = "event"
	flowEventID    = "event_id"
	flowOccurredAt = "occurred_at"
	flowContact    = "bird_contact_id"
	flowStarts     = "starts_at"
	flowEnds       = "ends_at"
	flowDate       = "tour_date"
	flowTime       = "tour_time"
	flowScore      = "score"
)

// A FlowMap says what the customer's bodies look like. Its zero value stands
// for the defaults, and what it holds is added to them; [LoadFlowMap] reads
// one from YAML.
//
// A path has dots between the names of nested objects, and bars between
// several places of which the first that is filled in counts:
// "tour.starts_at|starts_at". The defaults are
//
//	event, event_id, occurred_at, bird_contact_id, conversation_id,
//	conversation_status, msisdn, email, name, property_interest, external_id,
//	message_id and channel_id, each under its own name,
//
// and those of the events, which stand under their own names or in an object:
//
//	conversation.started     requires conversation_id
//	conversation.closed      requires conversation_id
//	message.received         requires message_id; text
//	message.sent             requires message_id; text
//	qualification.completed  score, budget, move_in in "qualification"
//	tour.scheduled           requires starts_at; ends_at, property in "tour";
//	                         instead of starts_at "date" and "time" in "tour",
//	                         or tour_date and tour_time
//	escalation.triggered     reason, team, agent_id in "escalation"
//
// These events are facts; contact.created, contact.updated and contact.deleted
// are changes. All events require event and bird_contact_id.
type FlowMap struct {
	// Paths says where fields are in every body: name to path. Names of the
	// customer's own are carried in the facts' data.
	Paths map[string]string `yaml:"paths"`
	// Events says what the values of event mean.
	Events map[string]FlowEvent `yaml:"events"`
}

// A FlowEvent is one event of a customer's Flows.
type FlowEvent struct {
	// Fact is the type of the fact that it is, such as "tour.scheduled",
	// whose default paths and required fields it then has. "" is the event's
	// own name if that is one of the defaults, and otherwise no fact.
	Fact string `yaml:"fact"`
	// Paths says where its fields are, as far as they are elsewhere than in
	// other bodies. The event itself cannot be among them.
	Paths map[string]string `yaml:"paths"`
	// Required are the fields without which a call is refused with 422; nil
	// means the default. The event and the contact always are.
	Required []string `yaml:"required"`
}

// commonFields are found in every body under their own names.
var commonFields = []string{flowEventName, flowEventID, flowOccurredAt, flowContact, "conversation_id", "conversation_status",
	"msisdn", "email", "name", "property_interest", "external_id", "message_id", "channel_id"}

// changeEvents are the default events that are no facts.
var changeEvents = []string{"contact.created", "contact.updated", "contact.deleted"}

// defaultFacts are the default events that are facts, by the facts' types.
var defaultFacts = map[string]FlowEvent{
	"conversation.started":    {Required: []string{"conversation_id"}},
	"conversation.closed":     {Required: []string{"conversation_id"}},
	"message.received":        {Required: []string{"message_id"}, Paths: map[string]string{"text": "text"}},
	"message.sent":            {Required: []string{"message_id"}, Paths: map[string]string{"text": "text"}},
	"qualification.completed": {Paths: within("qualification", flowScore, "qualified", "budget", "move_in")},
	"tour.scheduled":          {Required: []string{flowStarts}, Paths: tourPaths()},
	"escalation.triggered":    {Paths: within("escalation", "reason", "team", "agent_id")},
}

// within returns the paths of fields that are in an object or outside.
func within(object string, names ...string) map[string]string {
	paths := map[string]string{}
	for _, name := range names {
		paths[name] = object + "." + name + "|" + name
	}
	return paths
}

func tourPaths() map[string]string {
	paths := within("tour", flowStarts, flowEnds, "property")
	paths[flowDate] = "tour.date|" + flowDate
	paths[flowTime] = "tour.time|" + flowTime
	return paths
}

// flowEvent is an event with everything that its maps and the defaults say.
type flowEvent struct {
	name     string // "" for any that the map does not name
	fact     string // "" for none
	paths    map[string]string
	required []string
}

// resolve returns the events by name, and what goes for any other.
func (m *FlowMap) resolve(witness []string) (map[string]*flowEvent, *flowEvent) {
	shared := map[string]string{}
	for _, name := range slices.Concat(commonFields, witness) {
		shared[name] = name
	}
	maps.Copy(shared, m.Paths)
	if slices.Contains(witness, sync.IDField) && m.Paths[sync.IDField] == "" {
		shared[sync.IDField] = shared[flowContact]
	}
	events := map[string]*flowEvent{}
	for _, name := range changeEvents {
		events[name] = (FlowEvent{}).resolve(name, shared, m.Paths)
	}
	for name := range defaultFacts {
		events[name] = (FlowEvent{}).resolve(name, shared, m.Paths)
	}
	for name, e := range m.Events {
		events[name] = e.resolve(name, shared, m.Paths)
	}
	return events, (FlowEvent{}).resolve("", shared, m.Paths)
}

// resolve completes an event. Of several paths of one field the event's own
// counts most, then the customer's for all events, then the default of the
// fact.
func (e FlowEvent) resolve(name string, shared, own map[string]string) *flowEvent {
	full := &flowEvent{name: name, fact: e.factType(name), paths: maps.Clone(shared), required: e.Required}
	fact := defaultFacts[full.fact]
	maps.Copy(full.paths, fact.Paths)
	maps.Copy(full.paths, own)
	maps.Copy(full.paths, e.Paths)
	if full.required == nil {
		full.required = fact.Required
	}
	for _, always := range []string{flowContact, flowEventName} {
		if !slices.Contains(full.required, always) {
			full.required = append([]string{always}, full.required...)
		}
	}
	return full
}

func (e FlowEvent) factType(name string) string {
	if _, isDefault := defaultFacts[name]; isDefault && e.Fact == "" {
		return name
	}
	return e.Fact
}

// A mapProblem is something wrong with a map, at a place in it.
type mapProblem struct {
	at         []string // keys from the top
	rule, hint string
}

var factPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// check joins what is wrong with the map, as tell says it.
func (m *FlowMap) check(tell func(mapProblem) error) error {
	var errs []error
	for _, p := range m.problems() {
		errs = append(errs, tell(p))
	}
	return errors.Join(errs...)
}

// problems returns what is wrong with the map, in a fixed order.
func (m *FlowMap) problems() []mapProblem {
	found := pathProblems(m.Paths, []string{"paths"})
	events, _ := m.resolve(nil)
	for _, name := range slices.Sorted(maps.Keys(m.Events)) {
		e := m.Events[name]
		at := []string{"events", name}
		found = append(found, pathProblems(e.Paths, append(slices.Clip(at), "paths"))...)
		if name == "" {
			found = append(found, mapProblem{at, "flow.event", "name the event as the body's field event does"})
		}
		if e.Paths[flowEventName] != "" {
			found = append(found, mapProblem{append(slices.Clip(at), "paths", flowEventName), "flow.event",
				"say in the paths for all events where the event is; before it is read no event is known"})
		}
		if e.Fact != "" && !factPattern.MatchString(e.Fact) {
			found = append(found, mapProblem{append(slices.Clip(at), "fact"), "flow.fact",
				"name the fact with letters, digits, full stops, hyphens and underscores, at most 64"})
		}
		for _, field := range e.Required {
			if events[name].paths[field] == "" {
				found = append(found, mapProblem{append(slices.Clip(at), "required"), "flow.required",
					fmt.Sprintf("say under paths where the required field %q is", field)})
			}
		}
	}
	return found
}

func pathProblems(paths map[string]string, at []string) []mapProblem {
	var found []mapProblem
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		for place := range strings.SplitSeq(paths[name], "|") {
			if name == "" || place == "" || strings.HasPrefix(place, ".") || strings.HasSuffix(place, ".") || strings.Contains(place, "..") {
				found = append(found, mapProblem{append(slices.Clip(at), name), "flow.path",
					"write the names that lead to the field with full stops between them, such as tour.starts_at"})
				break
			}
		}
	}
	return found
}
