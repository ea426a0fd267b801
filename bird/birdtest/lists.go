package birdtest

import (
	"slices"
	"time"
)

// contactList is a list of contacts that a person made in Bird.
type contactList struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	CreatedAt string `json:"createdAt"`
	UpdatedAt string `json:"updatedAt"`

	seq int
	at  time.Time
}

// AddList makes a list of contacts and returns its id. Contacts come into it
// through the API.
func (s *Server) AddList(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &contactList{ID: s.uuid(), Name: name, seq: len(s.lists) + 1, at: s.now()}
	l.CreatedAt = l.at.Format(timeLayout)
	l.UpdatedAt = l.CreatedAt
	s.lists = append(s.lists, l)
	return l.ID
}

func (s *Server) listLists(r request) reply { return s.answerLists(r, s.lists) }

func (s *Server) answerLists(r request, lists []*contactList) reply {
	return list(s, r, lists, func(l *contactList) (int, time.Time) { return l.seq, l.at }, func(l *contactList) *contactList { return l })
}

func (s *Server) listsOfContact(r request, c *Contact) reply {
	return s.answerLists(r, slices.DeleteFunc(slices.Clone(s.lists), func(l *contactList) bool { return !slices.Contains(c.ListIDs, l.ID) }))
}

func (s *Server) contactsOfList(r request) reply {
	id := r.args[0]
	if !slices.ContainsFunc(s.lists, func(l *contactList) bool { return l.ID == id }) {
		return missing("list").reply()
	}
	var in []*Contact
	for _, c := range s.order {
		if slices.Contains(c.ListIDs, id) {
			in = append(in, c)
		}
	}
	return s.listOf(r, in)
}
