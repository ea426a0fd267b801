package birdtest

import (
	"encoding/json"
	"maps"
	"net/http"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// flow is the customer's Flow: where its HTTP step calls.
type flow struct{ url, bearer string }

// OnContactChange installs a Flow that calls the address with the bearer
// secret whenever a contact is created, updated or deleted, with the events
// contact.created, contact.updated and contact.deleted. An empty url removes
// it. Bird's own merges fire no Flow.
func (s *Server) OnContactChange(url, bearer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flow = flow{url, bearer}
}

// RunFlow lets the Flow call with an event of the customer's own, such as
// "tour.scheduled", about a contact. Extra is added to the body and replaces
// what the template gives. It reports false when there is no such contact.
func (s *Server) RunFlow(contactID, event string, extra map[string]any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.contacts[contactID]
	if ok {
		s.run(c, event, extra)
	}
	return ok
}

// SetChaos changes what the network does to Flow calls and webhooks.
func (s *Server) SetChaos(c Chaos) {
	s.flows.SetChaos(c)
	s.hooks.SetChaos(c)
}

// DropNext loses the next n Flow calls for good.
func (s *Server) DropNext(n int) { s.flows.DropNext(n) }

// FlowStats counts what became of the Flow calls.
func (s *Server) FlowStats() DeliveryStats { return s.flows.Stats() }

// apiChanged fires the Flow after a change through the API.
func (s *Server) apiChanged(c *Contact, event string) {
	if !s.opts.QuietAPI {
		s.run(c, event, nil)
	}
}

// run makes one call of the Flow. Every run has an id of its own, which its
// retries keep.
func (s *Server) run(c *Contact, event string, extra map[string]any) {
	if s.flow.url == "" {
		return
	}
	body := s.render(c, event)
	maps.Copy(body, extra)
	data, err := json.Marshal(body)
	if err != nil {
		panic("birdtest: the extra fields of a Flow do not encode as JSON: " + err.Error())
	}
	header := http.Header{"Content-Type": {"application/json"}, "Authorization": {"Bearer " + s.flow.bearer}}
	s.flows.Send(simhttp.Delivery{URL: s.flow.url, Prepare: func(simhttp.Attempt) (http.Header, []byte) {
		return header.Clone(), data
	}})
}

// render fills the template of the HTTP step. What a contact lacks becomes an
// empty text, as in every template.
func (s *Server) render(c *Contact, event string) map[string]any {
	text := func(v any) any {
		if v == nil {
			return ""
		}
		return v
	}
	return map[string]any{
		"event":               event,
		"event_id":            s.uuid(),
		"occurred_at":         c.UpdatedAt.Format(timeLayout),
		"bird_contact_id":     c.ID,
		"msisdn":              s.array(c.values(phoneKey)),
		"email":               s.array(c.values(emailKey)),
		"name":                c.computedName(),
		"conversation_id":     s.conversationOf(c.ID),
		"conversation_status": text(c.Attributes["conversation_status"]),
		"property_interest":   text(c.Attributes["property_interest"]),
		"external_id":         text(c.Field("external_id")),
		"attributes":          map[string]any{"propertyInterest": text(c.Attributes["propertyInterest"])},
	}
}

// array renders an array as one or, if so switched, as the text of one.
func (s *Server) array(items []any) any {
	switch {
	case len(items) == 0:
		return ""
	case !s.opts.ArraysAsText:
		return items
	}
	data, _ := json.Marshal(items)
	return string(data)
}
