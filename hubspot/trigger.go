package hubspot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"sync/atomic"
	"time"
	"unicode/utf16"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// CustomEvent is the kind of a custom behavioural event, by which a workflow
// is started. Such a record can only be written, and only once: by a
// [sync.Write] without an id, whose Key is "uuid", whose Related is the one
// contact or deal that it happened to, and whose Fields are
//
//   - "uuid", unique among the events of the name: of two with the same HubSpot
//     keeps the first, for a year, so that sending one again is harmless;
//   - "eventName", the whole name, such as pe33_tour_scheduled;
//   - "occurredAt", RFC 3339 or milliseconds since 1970, or nothing for now;
//   - any others as the event's properties, each at most 256 characters.
//
// HubSpot answers before it has looked at the event, so a [sync.Result] says
// only that it was taken. The account needs an Enterprise edition, and the
// token the scope analytics.behavioral_events.send. Source:
// https://developers.hubspot.com/docs/api-reference/latest/events/send-event-data/guide
const CustomEvent sync.Kind = "event"

// The fields of a custom event that are not properties of it.
const (
	eventUUID = "uuid"
	eventName = "eventName"
	eventTime = "occurredAt"
)

// Bounds of custom events. Source:
// https://developers.hubspot.com/docs/api-reference/latest/events/send-event-data/guide
const (
	maxEvents          = 500
	maxEventProperties = 50
	maxEventValue      = 256
)

var eventNameForm = regexp.MustCompile(`^pe\d+_[a-z][a-z0-9_]{0,49}$`)

// customEvent is an event as HubSpot reads it.
type customEvent struct {
	Name       string            `json:"eventName"`
	ObjectID   string            `json:"objectId"`
	OccurredAt string            `json:"occurredAt,omitempty"`
	Properties map[string]string `json:"properties"`
	UUID       string            `json:"uuid"`
}

func (e customEvent) key() string { return e.Name + " " + e.UUID }

// eventSender gathers events and sends them.
type eventSender struct {
	client *client
	batch  *microbatch.Batcher[customEvent, sync.Result]
	guide  atomic.Bool // the path of the guide is the right one
}

func newEventSender(a *Adapter) *eventSender {
	s := &eventSender{client: a.client}
	s.batch = gathered(a, microbatch.Config[customEvent, sync.Result]{Max: maxEvents, Admit: a.client.quota.leave(opSendEvents), Key: customEvent.key, Fold: true, Run: s.run})
	return s
}

// apply sends those of the writes that which names.
func (s *eventSender) apply(ctx context.Context, writes []sync.Write, which []int, results []sync.Result) {
	var events []customEvent
	var places []int
	for _, i := range which {
		e, err := newCustomEvent(&writes[i])
		if err != nil {
			results[i].Err = err
			continue
		}
		events, places = append(events, e), append(places, i)
	}
	got, errs := s.batch.Each(ctx, events...)
	for n, i := range places {
		results[i] = got[n]
		if errs[n] != nil {
			results[i] = events[n].result("", errs[n])
		}
	}
}

// result is the outcome of sending the event.
func (e customEvent) result(call string, err error) sync.Result {
	ref := sync.Ref{System: System, Kind: CustomEvent, ID: e.UUID}
	return sync.Result{Record: sync.Record{Ref: ref}, Call: call, Err: about(ref, err)}
}

// newCustomEvent turns a write of the kind CustomEvent into an event.
func newCustomEvent(w *sync.Write) (customEvent, error) {
	e := customEvent{Name: w.Fields[eventName].String(), UUID: w.Fields[eventUUID].String()}
	at := w.Fields[eventTime]
	timed := parseTime(at.String())
	switch {
	case w.Ref.ID != "" || w.Delete:
		return e, eventError("", "event.once", "an event that was sent can neither be changed nor taken back")
	case w.Key != eventUUID || e.UUID == "":
		return e, eventError(eventUUID, "write.key", "key the event by a uuid that is the same when it is sent again")
	case !eventNameForm.MatchString(e.Name):
		return e, eventError(eventName, "event.name", "give the whole name, such as pe33_tour_scheduled")
	case !at.Blank() && timed.IsZero():
		return e, eventError(eventTime, "time.form", "give RFC 3339 or milliseconds since 1970")
	case !isEventSubject(w.Related):
		return e, eventError("", "event.subject", "relate the event to the one contact or deal that it happened to")
	}
	e.ObjectID = w.Related[0].ID
	if !timed.IsZero() {
		e.OccurredAt = timed.Format("2006-01-02T15:04:05.000Z")
	}
	var err error
	e.Properties, err = eventProperties(w.Fields)
	return e, err
}

func isEventSubject(related []sync.Ref) bool {
	return len(related) == 1 && validID(related[0].ID) && (related[0].Kind == Contact || related[0].Kind == Deal)
}

// eventProperties are the fields that HubSpot keeps with the event.
func eventProperties(fields sync.Fields) (map[string]string, error) {
	properties := map[string]string{}
	for name, v := range fields {
		switch {
		case name == eventUUID || name == eventName || name == eventTime || name == sync.IDField || v.Null():
		case !propertyForm.MatchString(name):
			return nil, eventError(name, "property.name", "HubSpot's internal names have only lower-case letters, digits and underscores")
		case lengthOf(v.String()) > maxEventValue:
			return nil, eventError(name, "event.length", "a property of an event holds at most 256 characters; shorten it in the mapping")
		default:
			properties[name] = v.String()
		}
	}
	if len(properties) > maxEventProperties {
		return nil, eventError("", "event.properties", "an event has at most 50 properties")
	}
	return properties, nil
}

func eventError(field, rule, hint string) error {
	return &sync.Error{Op: opSendEvents.String(), Action: sync.Invalid, Ref: sync.Ref{System: System, Kind: CustomEvent},
		Field: field, Rule: rule, Hint: hint}
}

// lengthOf counts as Java does, in which HubSpot is written, to be on the safe
// side: a text that is too long is thrown away after the answer.
func lengthOf(s string) int { return len(utf16.Encode([]rune(s))) }

// run carries out a batch; its outcomes hold their own errors.
func (s *eventSender) run(ctx context.Context, events []customEvent) ([]sync.Result, error) {
	results := make([]sync.Result, len(events))
	s.send(ctx, events, results)
	return results, nil
}

// send sends the events. When HubSpot refuses them as a whole, the halves go
// by themselves: what is sent twice counts once.
func (s *eventSender) send(ctx context.Context, events []customEvent, results []sync.Result) {
	call, err := s.post(ctx, events)
	if refused(err) && len(events) > 1 {
		half := len(events) / 2
		s.send(ctx, events[:half], results[:half])
		s.send(ctx, events[half:], results[half:])
		return
	}
	for i := range events {
		results[i] = events[i].result(call, err)
	}
}

// post makes one call. Where HubSpot's specification and its guide name
// different paths, it tries the other after a 404 and remembers which works.
func (s *eventSender) post(ctx context.Context, events []customEvent) (call string, err error) {
	in := inputs[customEvent]{events}
	if s.guide.Load() {
		return s.client.call(ctx, opSendEventsGuide, target{}, in, nil)
	}
	call, err = s.client.call(ctx, opSendEvents, target{}, in, nil)
	if _, differs := pathTable[opSendEvents].odd[s.client.version]; !differs || !isNotFound(err) {
		return call, err
	}
	other, otherErr := s.client.call(ctx, opSendEventsGuide, target{}, in, nil)
	if isNotFound(otherErr) {
		return call, err
	}
	s.guide.Store(true)
	return other, otherErr
}

// TriggerValue returns a text for a property whose every change starts a
// workflow, in accounts without custom events: it differs from fact to fact,
// so that each is a change, and is the same for one fact, so that writing it
// again is none. It begins with the time, so that people can read it, and
// takes no more than 40 characters.
//
// In HubSpot let the workflow enrol records when the property has changed, and
// allow re-enrolment.
func TriggerValue(factID string, at time.Time) sync.Value {
	sum := sha256.Sum256([]byte(factID))
	return sync.Text(at.UTC().Format(time.RFC3339) + " " + hex.EncodeToString(sum[:6]))
}
