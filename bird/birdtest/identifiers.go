package birdtest

import (
	"net/http"
	"time"
)

// wireIdentifier is an identifier as its own part of the API answers it.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-contact-identifiers.
type wireIdentifier struct {
	ContactID  string         `json:"contactId"`
	Key        string         `json:"key"`
	Value      string         `json:"value"`
	Properties map[string]any `json:"properties"`
	CreatedAt  string         `json:"createdAt"`
}

func (c *Contact) wireIdentifier(i Identifier) wireIdentifier {
	w := wireIdentifier{c.ID, i.Key, i.Value, i.Properties, i.CreatedAt.Format(timeLayout)}
	if w.Properties == nil {
		w.Properties = map[string]any{}
	}
	return w
}

func (s *Server) listIdentifiers(r request, c *Contact) reply {
	return listPart(s, r, c.Identifiers, func(i Identifier) time.Time { return i.CreatedAt }, c.wireIdentifier)
}

func (s *Server) addIdentifier(r request, c *Contact) reply {
	var i Identifier
	if bad := r.decode(&i); bad != nil {
		return bad.reply()
	}
	if s.holder(i) != nil {
		return exists(i).reply()
	}
	answer := s.patched(c, patch{AddIdentifiers: []Identifier{i}})
	if answer.status != http.StatusOK {
		return answer
	}
	added := s.contacts[c.ID].Identifiers
	return reply{http.StatusCreated, c.wireIdentifier(added[len(added)-1])}
}
