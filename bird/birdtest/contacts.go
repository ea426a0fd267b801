package birdtest

import (
	"net/http"
	"slices"
)

// The contact part of the API. The caller holds s.mu.

func (s *Server) createContact(r request) reply {
	var in struct {
		DisplayName string         `json:"displayName"`
		Identifiers []Identifier   `json:"identifiers"`
		Attributes  map[string]any `json:"attributes"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if in.DisplayName == "" || len(in.DisplayName) > 150 {
		return invalid("displayName is missing or too long").reply()
	}
	if in.Attributes == nil {
		in.Attributes = map[string]any{}
	}
	// The vendor's examples keep the display name only without a first name.
	if in.Attributes["firstName"] == nil && in.Attributes[displayNameKey] == nil {
		in.Attributes[displayNameKey] = in.DisplayName
	}
	return s.inserted(patch{Attributes: in.Attributes, AddIdentifiers: in.Identifiers})
}

func (s *Server) inserted(p patch) reply {
	c, bad := s.insert(p)
	if bad != nil {
		return bad.reply()
	}
	s.count(nil, c)
	s.apiChanged(c, "contact.created")
	return reply{http.StatusCreated, s.wire(c)}
}

func (s *Server) getContact(r request) reply {
	c, ok := s.contacts[r.args[0]]
	if !ok {
		return notFound.reply()
	}
	return reply{http.StatusOK, s.wire(c)}
}

func (s *Server) patchContact(r request) reply {
	c, ok := s.contacts[r.args[0]]
	if !ok {
		return notFound.reply()
	}
	var p patch
	if bad := r.decode(&p); bad != nil {
		return bad.reply()
	}
	return s.patched(c, p)
}

func (s *Server) patched(before *Contact, p patch) reply {
	c, bad := s.change(before, p)
	if bad != nil {
		return bad.reply()
	}
	s.count(before, c)
	s.apiChanged(c, "contact.updated")
	return reply{http.StatusOK, s.wire(c)}
}

func (s *Server) deleteContact(r request) reply {
	c, ok := s.contacts[r.args[0]]
	if !ok {
		return notFound.reply()
	}
	s.remove(c)
	s.apiChanged(c, "contact.deleted")
	return reply{status: http.StatusNoContent}
}

// upsertContact updates the contact that the identifiers mean, or creates it.
func (s *Server) upsertContact(r request) reply {
	given := Identifier{Key: r.args[0], Value: r.args[1]}
	if bad := checkIdentifier(given); bad != nil {
		bad.Status = http.StatusBadRequest
		return bad.reply()
	}
	var p patch
	if bad := r.decode(&p); bad != nil {
		return bad.reply()
	}
	p.AddIdentifiers = slices.Insert(p.AddIdentifiers, 0, given)
	found := s.matches(p.AddIdentifiers)
	switch p.Strategy {
	case "", "strict_alias":
		if len(found) > 1 {
			return exists(p.AddIdentifiers[len(p.AddIdentifiers)-1]).reply()
		}
	case "first_alias":
		p.AddIdentifiers = slices.DeleteFunc(p.AddIdentifiers, func(i Identifier) bool {
			h := s.holder(i)
			return h != nil && h != found[0]
		})
	case "first":
		p.AddIdentifiers = p.AddIdentifiers[:1]
		if len(found) > 0 {
			p.AddIdentifiers = nil
		}
	default:
		return invalid("strategy is unknown").reply()
	}
	if len(found) == 0 {
		return s.inserted(p)
	}
	return s.patched(found[0], p)
}

// matches returns the contacts that hold the identifiers, each once, in the
// order of the identifiers.
func (s *Server) matches(identifiers []Identifier) []*Contact {
	var found []*Contact
	for _, i := range identifiers {
		if c := s.holder(i); c != nil && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}

func (s *Server) searchContacts(r request) reply {
	var in struct {
		Identifier *Identifier `json:"identifier"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if in.Identifier == nil {
		return invalid("identifier is missing").reply()
	}
	results := []wireContact{}
	if c := s.holder(*in.Identifier); c != nil {
		results = append(results, s.wire(c))
	}
	return reply{http.StatusOK, map[string]any{"results": results}}
}

func (s *Server) addIdentifier(r request) reply {
	c, ok := s.contacts[r.args[0]]
	if !ok {
		return notFound.reply()
	}
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
	return reply{http.StatusCreated, wireIdentifier(c.ID, added[len(added)-1])}
}

func wireIdentifier(contactID string, i Identifier) map[string]any {
	return map[string]any{"contactId": contactID, "key": i.Key, "value": i.Value, "properties": map[string]any{},
		"createdAt": i.CreatedAt.Format(timeLayout)}
}
