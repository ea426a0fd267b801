package birdtest

import (
	"net/http"
	"time"
)

// The contact part of the API. The caller holds s.mu.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts.

func (s *Server) contactRoutes() []route {
	return []route{
		{"GET contacts", s.listContacts},
		{"POST contacts", s.createContact},
		{"POST contacts/search", s.searchContacts},
		{"GET contacts/identifiers/*/*", func(request) reply { return forbidden.reply() }},
		{"PATCH contacts/identifiers/*/*", s.upsertContact},
		{"GET contacts/*", s.withContact(s.getContact)},
		{"PATCH contacts/*", s.withContact(s.patchContact)},
		{"DELETE contacts/*", s.withContact(s.deleteContact)},
		{"GET contacts/*/identifiers", s.withContact(s.listIdentifiers)},
		{"POST contacts/*/identifiers", s.withContact(s.addIdentifier)},
		{"GET contacts/*/events", s.withContact(s.listEvents)},
		{"GET contacts/*/lists", s.withContact(s.listsOfContact)},
		{"GET lists", s.listLists},
		{"GET lists/*/contacts", s.contactsOfList},
	}
}

// withContact finds the contact that the path names.
func (s *Server) withContact(handle func(request, *Contact) reply) func(request) reply {
	return func(r request) reply {
		c, ok := s.contacts[r.args[0]]
		if !ok || s.ghosts[c.ID] {
			return notFound.reply()
		}
		return handle(r, c)
	}
}

func (s *Server) listContacts(r request) reply { return s.listOf(r, s.order) }

// listOf answers one page of contacts, which must be in order.
func (s *Server) listOf(r request, contacts []*Contact) reply {
	return list(s, r, contacts, func(c *Contact) (int, time.Time) { return c.seq, c.CreatedAt }, s.wire)
}

func (s *Server) createContact(r request) reply {
	var in struct {
		DisplayName string         `json:"displayName"`
		Identifiers []Identifier   `json:"identifiers"`
		Attributes  map[string]any `json:"attributes"`
		ListIDs     []string       `json:"listIds"`
		AccountIDs  []string       `json:"accountIds"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if !within(in.DisplayName, 1, 150) {
		return invalid("displayName is missing or too long").reply()
	}
	if in.ListIDs != nil && len(in.ListIDs) == 0 {
		return invalid("listIds must not be empty").reply()
	}
	if in.Attributes == nil {
		in.Attributes = map[string]any{}
	}
	// The vendor's examples keep the display name only without a first name.
	if in.Attributes["firstName"] == nil && in.Attributes[displayNameKey] == nil {
		in.Attributes[displayNameKey] = in.DisplayName
	}
	return s.inserted(patch{Attributes: in.Attributes, AddIdentifiers: in.Identifiers, ListIDs: in.ListIDs, AccountIDs: in.AccountIDs})
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

// getContact answers a contact with its attributes; those that the call names
// are there even when they have no value.
func (s *Server) getContact(r request, c *Contact) reply {
	w := s.wire(c)
	for _, key := range r.query["attributes"] {
		if _, has := w.Attributes[key]; !has {
			w.Attributes[key] = nil
		}
	}
	return reply{http.StatusOK, w}
}

func (s *Server) patchContact(r request, c *Contact) reply {
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

func (s *Server) deleteContact(_ request, c *Contact) reply {
	s.remove(c)
	s.apiChanged(c, "contact.deleted")
	return reply{status: http.StatusNoContent}
}

// listEvents answers the log of events that tracking keeps: nothing was ever
// seen in it.
func (s *Server) listEvents(r request, _ *Contact) reply {
	return listPart(s, r, nil, func(any) time.Time { return time.Time{} }, func(e any) any { return e })
}

func (s *Server) searchContacts(r request) reply {
	var in struct {
		Identifier      *Identifier `json:"identifier"`
		PlatformAddress string      `json:"platformAddress"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	var c *Contact
	switch {
	case in.Identifier != nil:
		c = s.holder(*in.Identifier)
	case in.PlatformAddress != "":
		c = s.addressed(in.PlatformAddress)
	default:
		return invalid("identifier is missing").reply()
	}
	results := []wireContact{}
	if c != nil {
		results = append(results, s.wire(c))
	}
	return reply{http.StatusOK, map[string]any{"results": results}}
}

// addressed returns the contact that a platform reaches at the address.
func (s *Server) addressed(address string) *Contact {
	for _, key := range []string{phoneKey, emailKey} {
		if c := s.holder(Identifier{Key: key, Value: address}); c != nil {
			return c
		}
	}
	return nil
}
