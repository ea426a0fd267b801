package birdtest

import (
	"slices"
	"strings"
)

// A Participant takes part in a conversation. Type is "contact", "user" (a
// person of the Inbox), "bot" (an AI employee), "flow" or "accessKey"; the ID
// of a contact is that of the contact. Status is "active", or "pending" while
// it waits to be let in.
// See https://docs.bird.com/api/conversations-api/api-reference/conversation-participants.
type Participant struct{ ID, Type, Status, DisplayName string }

// reference names a participant or a recipient, by id or by identifier.
type reference struct {
	Type            string `json:"type"`
	ID              string `json:"id"`
	IdentifierKey   string `json:"identifierKey"`
	IdentifierValue string `json:"identifierValue"`
}

// resolve finds whom a reference means. A contact that nobody knows yet is
// created from its identifier.
func (s *Server) resolve(ref reference) (Participant, *refusal) {
	switch ref.Type {
	case "contact":
		return s.resolveContact(ref)
	case "user":
		a := s.agent(ref.ID)
		if a == nil {
			return Participant{}, missing("agent")
		}
		return Participant{ID: a.ID, Type: "user", Status: "active", DisplayName: a.DisplayName}, nil
	case "flow", "accessKey", "bot":
		if ref.ID == "" {
			return Participant{}, invalid("id is missing")
		}
		return Participant{ID: ref.ID, Type: ref.Type, Status: "active", DisplayName: ref.Type}, nil
	}
	return Participant{}, invalid("participant type is unknown")
}

func (s *Server) resolveContact(ref reference) (Participant, *refusal) {
	c := s.contacts[ref.ID]
	if ref.ID == "" {
		c = s.holder(Identifier{Key: ref.IdentifierKey, Value: ref.IdentifierValue})
	}
	switch {
	case c == nil && ref.ID != "":
		return Participant{}, missing("contact")
	case c == nil:
		var bad *refusal
		c, bad = s.insert(patch{Attributes: map[string]any{displayNameKey: ref.IdentifierValue},
			AddIdentifiers: []Identifier{{Key: ref.IdentifierKey, Value: ref.IdentifierValue}}})
		if bad != nil {
			return Participant{}, bad
		}
		s.apiChanged(c, "contact.created")
	}
	return contactParticipant(c), nil
}

func contactParticipant(c *Contact) Participant {
	return Participant{ID: c.ID, Type: "contact", Status: "active", DisplayName: c.computedName()}
}

// find returns the place of a participant of the id, -1 when there is none.
func (v *Conversation) find(id string) int {
	return slices.IndexFunc(v.Participants, func(p Participant) bool { return p.ID == id })
}

// join lets somebody take part, once.
func (v *Conversation) join(p Participant) {
	if v.find(p.ID) < 0 {
		v.Participants = append(v.Participants, p)
	}
}

// contacts returns the ids of the contacts that take part.
func (v *Conversation) contacts() []string {
	var ids []string
	for _, p := range v.Participants {
		if p.Type == "contact" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// wireParticipant is a participant as the API answers it. Its identifier
// stands under contact or, in some of Bird's answers, on the top level.
type wireParticipant struct {
	ID              string       `json:"id"`
	Type            string       `json:"type"`
	Status          string       `json:"status"`
	DisplayName     string       `json:"displayName"`
	AvatarURL       string       `json:"avatarUrl"`
	Contact         *wireAddress `json:"contact,omitempty"`
	IdentifierKey   string       `json:"identifierKey,omitempty"`
	IdentifierValue string       `json:"identifierValue,omitempty"`
}

type wireAddress struct {
	IdentifierKey           string `json:"identifierKey"`
	IdentifierValue         string `json:"identifierValue"`
	PlatformAddress         string `json:"platformAddress"`
	PlatformAddressSelector string `json:"platformAddressSelector"`
}

// wireParticipant shows a participant of a conversation on a channel, nil for
// none. Contacts go by their present name.
func (s *Server) wireParticipant(p Participant, ch *channel) wireParticipant {
	w := wireParticipant{ID: p.ID, Type: p.Type, Status: p.Status, DisplayName: p.DisplayName}
	c := s.contacts[p.ID]
	if p.Type != "contact" || c == nil {
		return w
	}
	w.DisplayName = c.computedName()
	i, known := s.addressOn(c, ch)
	switch {
	case !known:
	case s.flatPeople:
		w.IdentifierKey, w.IdentifierValue = i.Key, i.Value
	default:
		w.Contact = &wireAddress{i.Key, i.Value, i.Value, "identifiers." + i.Key}
	}
	return w
}

// addressOn returns the identifier by which a contact is known on a channel,
// else the first one it has.
func (s *Server) addressOn(c *Contact, ch *channel) (Identifier, bool) {
	key := phoneKey
	if ch != nil {
		key = ch.manner().key
	}
	i := Identifier{Key: key}
	if value, ok := c.newest(key).(string); ok {
		i.Value = value
	} else if len(c.Identifiers) > 0 {
		i = Identifier{Key: c.Identifiers[0].Key, Value: c.Identifiers[0].Value}
	}
	if s.plainPhones && i.Key == phoneKey {
		i.Value = strings.TrimPrefix(i.Value, "+")
	}
	return i, i.Value != ""
}

// contactAddress is a contact as channel events name it.
func (s *Server) contactAddress(id string, ch *channel) map[string]any {
	a := map[string]any{"id": id}
	if c := s.contacts[id]; c != nil {
		if i, known := s.addressOn(c, ch); known {
			a["identifierKey"], a["identifierValue"] = i.Key, i.Value
		}
	}
	return a
}

// wireRecipient is a contact to whom a message went.
func (s *Server) wireRecipient(id string, ch *channel) map[string]any {
	r := s.contactAddress(id, ch)
	r["type"] = "to"
	if v, known := r["identifierValue"]; known {
		r["platformAddress"] = v
	}
	if c := s.contacts[id]; c != nil {
		r["contactAnnotation"] = map[string]any{"name": c.computedName()}
	}
	return r
}
