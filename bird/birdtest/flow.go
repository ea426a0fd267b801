package birdtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// A Flow is a customer's automation, or an action of an AI employee, whose HTTP
// step calls an address. Nothing of it is signed the way webhooks are.
// See https://docs.bird.com/applications/automation/flows/concepts/triggers.
type Flow struct {
	// URL is what the step calls with POST.
	URL string
	// Events are those that run it: contact.created, contact.updated,
	// contact.deleted and those of [Server.RunFlow], which nil means all of;
	// conversation.created, conversation.updated, feed_item.assigned and
	// feed_item.closed run it only when they are named.
	Events []string
	// Bearer is the secret in the header Authorization; "" sends none.
	Bearer string
	// HMACKey is the secret of an HMAC-SHA256 of the body, which the header
	// SignatureHeader, or X-Signature, tells as sha256= and hexadecimal digits,
	// or Base64; "" sends none.
	HMACKey, SignatureHeader string
	Base64                   bool
	// Body is the template of the body; nil is one with the fields of
	// [Server.OnContactChange]. Texts may hold variables:
	//
	//	{{event}}, {{run.id}}, {{run.time}}
	//	{{arguments.X}}                     what RunFlow was given
	//	{{context.contact.id}}              also computedDisplayName,
	//	                                    featuredIdentifiers, identifierCount
	//	{{context.contact.attributes.X}}    an attribute; phonenumber and
	//	                                    emailaddress are arrays
	//	{{context.contact.identifiers.X}}   an identifier
	//	{{context.conversation.status}}     also id, name, description, style,
	//	                                    visibility, featuredParticipants, …
	//	{{context.feedItem.agentId}}        also id, teamId, closed
	//
	// What does not exist becomes an empty text. Arrays cannot be indexed.
	Body map[string]any
}

// AddFlow installs a Flow beside those that are there.
func (s *Server) AddFlow(f Flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.automations = append(s.automations, f)
}

// OnContactChange installs a Flow in the place of all others. It calls the
// address with the bearer secret whenever a contact is created, updated or
// deleted, with the events contact.created, contact.updated and
// contact.deleted; [Server.RunFlow] runs it with others. Its body has the fields
// event, event_id, occurred_at, bird_contact_id, msisdn, email, name,
// conversation_id, conversation_status, property_interest, external_id and
// attributes. An empty url removes all Flows. Bird's own merges run none.
func (s *Server) OnContactChange(url, bearer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.automations = nil
	if url != "" {
		s.automations = []Flow{{URL: url, Bearer: bearer}}
	}
}

// RunFlow runs the Flows with an event of the customer's own, such as
// "tour.scheduled", about a contact. The arguments are for the template; those
// of a Flow without one are added to its body and replace what is there. It
// reports false when there is no such contact.
func (s *Server) RunFlow(contactID, event string, arguments map[string]any) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.contacts[contactID]
	if ok {
		s.run(c, event, arguments)
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

// apiChanged runs the Flows after a change through the API.
func (s *Server) apiChanged(c *Contact, event string) {
	if !s.opts.QuietAPI {
		s.run(c, event, nil)
	}
}

// run makes one call of every Flow that the event runs. Every run has an id of
// its own, which its retries keep.
func (s *Server) run(c *Contact, event string, arguments map[string]any) {
	v := s.conversations[s.conversationOf(c.ID)]
	for _, f := range s.automations {
		if f.Events == nil || slices.Contains(f.Events, event) {
			s.call(f, s.body(f, c, v, event, arguments))
		}
	}
}

func (s *Server) call(f Flow, body map[string]any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic("birdtest: the body of a Flow does not encode as JSON: " + err.Error())
	}
	target, header := s.way(f.URL)
	f.authorise(header, data)
	s.flows.Send(simhttp.Delivery{URL: target, Prepare: func(simhttp.Attempt) (http.Header, []byte) {
		return header.Clone(), data
	}})
}

// authorise adds what the customer typed into the step's headers.
func (f *Flow) authorise(h http.Header, body []byte) {
	h.Set("Content-Type", "application/json")
	if f.Bearer != "" {
		h.Set("Authorization", "Bearer "+f.Bearer)
	}
	if f.HMACKey == "" {
		return
	}
	mac := hmac.New(sha256.New, []byte(f.HMACKey))
	mac.Write(body)
	text := hex.EncodeToString(mac.Sum(nil))
	if f.Base64 {
		text = base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	name := f.SignatureHeader
	setDefault(&name, "X-Signature")
	h.Set(name, "sha256="+text)
}

// body fills the Flow's template.
func (s *Server) body(f Flow, c *Contact, v *Conversation, event string, arguments map[string]any) map[string]any {
	values := s.variables(c, v, event, arguments)
	if f.Body != nil {
		return s.render(f.Body, values).(map[string]any)
	}
	body := s.render(s.usualBody(), values).(map[string]any)
	maps.Copy(body, arguments)
	return body
}
