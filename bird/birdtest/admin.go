package birdtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

// Create makes a contact as a person or a channel of Bird would, from fields
// under the names of [Contact.Field], and returns its id. It fires the Flow.
func (s *Server) Create(fields map[string]any) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, bad := s.insert(s.patchOf(nil, fields))
	if bad != nil {
		return "", bad
	}
	s.run(c, "contact.created", nil)
	return c.ID, nil
}

// CreateVisitor makes an anonymous contact, as a web chat does, and returns its
// id. It fires the Flow. With a phone or an e-mail it is anonymous no more.
func (s *Server) CreateVisitor() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, bad := s.insert(patch{AddIdentifiers: []Identifier{{Key: "visitorid", Value: s.uuid()}}})
	if bad != nil {
		panic("birdtest: " + bad.Code)
	}
	c.Anonymous = true
	s.run(c, "contact.created", nil)
	return c.ID
}

// Edit changes a contact as a person in Bird's Inbox or an AI employee would;
// nil clears a field. An identifier replaces all others of its kind. It fires
// the Flow.
func (s *Server) Edit(id string, fields map[string]any) error {
	return s.edit(id, fields, func(c *Contact) { s.run(c, "contact.updated", nil) })
}

// EditSilently changes a contact like Edit and tells nobody: only who walks
// the list of contacts finds it.
func (s *Server) EditSilently(id string, fields map[string]any) error {
	return s.edit(id, fields, func(*Contact) {})
}

func (s *Server) edit(id string, fields map[string]any, tell func(*Contact)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, ok := s.contacts[id]
	if !ok {
		return notFound
	}
	c, bad := s.change(before, s.patchOf(before, fields))
	if bad != nil {
		return bad
	}
	tell(c)
	return nil
}

// Fill makes n contacts with a name, a phone and an e-mail each, tells nobody,
// and returns their ids, oldest first. 100,000 take about a second.
func (s *Server) Fill(n int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, n)
	for i := range ids {
		s.filled++
		c, bad := s.insert(patch{
			Attributes: map[string]any{displayNameKey: fmt.Sprintf("Person %06d", s.filled)},
			AddIdentifiers: []Identifier{
				{Key: phoneKey, Value: fmt.Sprintf("+57300%07d", s.filled)},
				{Key: emailKey, Value: fmt.Sprintf("person%06d@example.com", s.filled)},
			},
		})
		if bad != nil {
			panic("birdtest: somebody holds what Fill gives: " + bad.Code)
		}
		ids[i] = c.ID
	}
	return ids
}

// SetMissing lets calls about one contact be answered 404 while lists and
// searches still show it.
func (s *Server) SetMissing(id string, missing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ghosts[id] = missing
}

// Delete removes a contact and fires the Flow.
func (s *Server) Delete(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.contacts[id]
	if !ok {
		return notFound
	}
	s.remove(c)
	s.run(c, "contact.deleted", nil)
	return nil
}

// Merge lets one contact vanish into another, which gets its identifiers, its
// conversations and those attributes that it lacks. As in Bird, nothing tells of it.
func (s *Server) Merge(loser, survivor string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, w := s.contacts[loser], s.contacts[survivor]
	if l == nil || w == nil || l == w {
		return notFound
	}
	merged := w.clone()
	merged.Identifiers = append(merged.Identifiers, l.Identifiers...)
	merged.ListIDs = members(w.ListIDs, nil, l.ListIDs, nil)
	merged.AccountIDs = members(w.AccountIDs, nil, l.AccountIDs, nil)
	for key, v := range l.Attributes {
		if _, has := merged.Attributes[key]; !has {
			merged.Attributes[key] = v
		}
	}
	merged.UpdatedAt = s.after(w.UpdatedAt)
	s.remove(l)
	s.replace(w, merged)
	s.repoint(loser, survivor)
	return nil
}

// patchOf turns fields into the change that gives them to the contact.
func (s *Server) patchOf(c *Contact, fields map[string]any) patch {
	p := patch{Attributes: map[string]any{}, inside: true}
	for _, name := range slices.Sorted(maps.Keys(fields)) { // so that the seed alone decides
		v := fields[name]
		key := identifierKey(name, s.opts.ExternalIDKey)
		if key == "" {
			p.Attributes[attributeKey(name)] = v
			continue
		}
		if c != nil {
			for _, old := range c.values(key) {
				p.RemoveIdentifiers = append(p.RemoveIdentifiers, Identifier{Key: key, Value: old.(string)})
			}
		}
		if value, ok := v.(string); ok && value != "" {
			p.AddIdentifiers = append(p.AddIdentifiers, Identifier{Key: key, Value: value})
		}
	}
	return p
}

// Contact returns a contact as it is now.
func (s *Server) Contact(id string) (Contact, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.contacts[id]
	if !ok {
		return Contact{}, false
	}
	return *c.clone(), true
}

// Contacts returns all contacts, oldest first.
func (s *Server) Contacts() []Contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Contact, len(s.order))
	for i, c := range s.order {
		all[i] = *c.clone()
	}
	return all
}

// WriteCount returns how often calls of the API gave a field of the contact
// another value, the first one included. Calls that changed nothing and the
// changes of the admin methods do not count.
func (s *Server) WriteCount(id, field string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes[id][countName(field)]
}

// Faults is the plan of what goes wrong with calls of the API.
func (s *Server) Faults() *Faults { return s.faults }

// Log is the record of the calls of the API.
func (s *Server) Log() *Log { return s.log }

// Down begins (true) or ends an outage in which every call is answered 503.
func (s *Server) Down(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// SetSkew sets how far the workspace's clock is ahead, behind when negative.
func (s *Server) SetSkew(d time.Duration) { s.clock.SetOffset(d) }

// SetPlainPhones leaves the "+" out of featured phones and of the phones of
// participants, as some of Bird's
// answers do.
func (s *Server) SetPlainPhones(plain bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plainPhones = plain
}

// SetFlatParticipants puts the identifiers of participants on their top level
// instead of under contact, as some of Bird's answers do.
func (s *Server) SetFlatParticipants(flat bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flatPeople = flat
}

// SetRepeatPageToken makes the lists answer every page token with
// the same token again.
func (s *Server) SetRepeatPageToken(repeat bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.repeatToken = repeat
}

// SetWebhookClient changes the client that delivers Flow calls and webhooks:
// that of the receiving server, when it is reached through pipes.
func (s *Server) SetWebhookClient(c *http.Client) {
	s.flows.SetClient(c)
	s.hooks.SetClient(c)
}

// WaitWebhooks returns when every Flow call and webhook so far has been
// delivered, dropped or given up and messages have their last status, or when
// ctx ends.
func (s *Server) WaitWebhooks(ctx context.Context) error {
	return errors.Join(s.settle(ctx), s.flows.Wait(ctx), s.hooks.Wait(ctx))
}
