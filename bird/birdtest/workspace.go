package birdtest

import (
	"fmt"
	"slices"
	"time"
)

// The methods of this file change the state; the caller holds s.mu.

// insert creates a contact, or refuses and changes nothing.
func (s *Server) insert(p patch) (*Contact, *refusal) {
	now := s.now()
	c := &Contact{
		ID:            s.uuid(),
		Attributes:    map[string]any{"initialReference": s.uuid(), "timezone": "America/Bogota"},
		CreatedAt:     now,
		seq:           s.lastSeq + 1,
		externalIDKey: s.opts.ExternalIDKey,
	}
	c, bad := s.change(c, p)
	if bad != nil {
		return nil, bad
	}
	s.lastSeq++
	s.order = append(s.order, c)
	return c, nil
}

// add gives an identifier to the contact unless another one holds it.
func (s *Server) add(c *Contact, i Identifier) *refusal {
	if bad := checkIdentifier(i); bad != nil {
		return bad
	}
	if holder, ok := s.holders[indexKey(i)]; ok && holder != c.ID {
		return exists(i)
	}
	if !slices.ContainsFunc(c.Identifiers, func(h Identifier) bool { return indexKey(h) == indexKey(i) }) {
		last := time.Time{}
		for _, h := range c.Identifiers {
			if h.CreatedAt.After(last) {
				last = h.CreatedAt
			}
		}
		c.Identifiers = append(c.Identifiers, Identifier{Key: i.Key, Value: i.Value, Properties: i.Properties, CreatedAt: s.after(last)})
	}
	return nil
}

// replace puts the new state of a contact in the place of the old one.
func (s *Server) replace(before, c *Contact) {
	for _, i := range before.Identifiers {
		delete(s.holders, indexKey(i))
	}
	for _, i := range c.Identifiers {
		s.holders[indexKey(i)] = c.ID
	}
	s.contacts[c.ID] = c
	if n, ok := s.position(c.seq); ok {
		s.order[n] = c
	}
}

// remove deletes a contact for good.
func (s *Server) remove(c *Contact) {
	for _, i := range c.Identifiers {
		delete(s.holders, indexKey(i))
	}
	delete(s.contacts, c.ID)
	if n, ok := s.position(c.seq); ok {
		s.order = slices.Delete(s.order, n, n+1)
	}
}

// position finds a contact's place in the order of creation.
func (s *Server) position(seq int) (int, bool) {
	return slices.BinarySearchFunc(s.order, seq, func(c *Contact, seq int) int { return c.seq - seq })
}

// holder returns the contact that holds the identifier, or nil.
func (s *Server) holder(i Identifier) *Contact { return s.contacts[s.holders[indexKey(i)]] }

// count adds the values that differ between two states to the contact's
// write counts. A nil before is a new contact.
func (s *Server) count(before, after *Contact) {
	old := map[string]any{}
	if before != nil {
		old = before.fields()
	}
	fresh := after.fields()
	counts := s.writes[after.ID]
	if counts == nil {
		counts = map[string]int{}
		s.writes[after.ID] = counts
	}
	for name, v := range fresh {
		if !equal(old[name], v) {
			counts[name]++
		}
	}
	for name := range old {
		if _, kept := fresh[name]; !kept {
			counts[name]++
		}
	}
}

// now is the workspace's time, to the millisecond as Bird tells it.
func (s *Server) now() time.Time { return s.clock.Now().Truncate(time.Millisecond) }

// after is now, but later than the moment given, so that two changes never
// have the same time, not even while a bubble's time stands still.
func (s *Server) after(t time.Time) time.Time {
	if now := s.now(); now.After(t) {
		return now
	}
	return t.Add(time.Millisecond)
}

// uuid returns the next id of the seeded sequence.
func (s *Server) uuid() string {
	a, b := s.rand.Uint64(), s.rand.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", a>>32, a>>16&0xffff, a&0xfff, 0x8000|b>>48&0x3fff, b&0xffffffffffff)
}
