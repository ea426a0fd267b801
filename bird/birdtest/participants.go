package birdtest

import (
	"net/http"
	"slices"
	"time"
)

// The participants of conversations in the API. The caller holds s.mu.

func (s *Server) participantRoutes() []route {
	return []route{
		{"GET conversations/*/participants", s.in(s.listParticipants)},
		{"POST conversations/*/participants", s.in(s.addParticipant)},
		{"GET conversations/*/participants/*", s.in(s.member(s.getParticipant))},
		{"PATCH conversations/*/participants/*", s.in(s.member(s.patchParticipant))},
		{"DELETE conversations/*/participants/*", s.in(s.member(s.removeParticipant))},
		{"GET conversations/*/participants/*/*", s.in(s.member(s.getParticipant))},
		{"PATCH conversations/*/participants/*/*", s.in(s.member(s.patchParticipant))},
		{"DELETE conversations/*/participants/*/*", s.in(s.member(s.removeParticipant))},
		{"GET participants/*/conversations", s.conversationsOf},
		{"GET participants/*/*/conversations", s.conversationsOf},
	}
}

// person returns the id that a path names: itself, or that of the contact
// who holds the identifier; "" when nobody does.
func (s *Server) person(args []string) string {
	if len(args) == 1 {
		return args[0]
	}
	if c := s.holder(Identifier{Key: args[0], Value: args[1]}); c != nil {
		return c.ID
	}
	return ""
}

// member finds the participant that a path names, by place.
func (s *Server) member(handle func(*Conversation, int, request) reply) func(*Conversation, request) reply {
	return func(v *Conversation, r request) reply {
		if i := v.find(s.person(r.args[1:])); i >= 0 {
			return handle(v, i, r)
		}
		return missing("participant").reply()
	}
}

// listParticipants lists in the order of joining.
func (s *Server) listParticipants(v *Conversation, r request) reply {
	if r.query.Get("reverse") == "true" {
		r.query.Del("reverse")
	} else {
		r.query.Set("reverse", "true")
	}
	places := make([]int, len(v.Participants))
	for i := range places {
		places[i] = i
	}
	return list(s, r, places, func(i int) (int, time.Time) { return i + 1, v.CreatedAt },
		func(i int) wireParticipant { return s.wireMember(v, i) })
}

func (s *Server) wireMember(v *Conversation, i int) wireParticipant {
	return s.wireParticipant(v.Participants[i], s.channel(v.ChannelID))
}

func (s *Server) addParticipant(v *Conversation, r request) reply {
	var in reference
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	p, bad := s.resolve(in)
	if bad != nil {
		return bad.reply()
	}
	v.join(p)
	s.changed(v)
	return s.getParticipant(v, v.find(p.ID), r)
}

func (s *Server) getParticipant(v *Conversation, i int, _ request) reply {
	return reply{http.StatusOK, s.wireMember(v, i)}
}

func (s *Server) patchParticipant(v *Conversation, i int, r request) reply {
	var in struct {
		Status optional `json:"status"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if in.Status.set && in.Status.value != active && in.Status.value != "pending" {
		return invalid("status is unknown").reply()
	}
	in.Status.into(&v.Participants[i].Status)
	s.changed(v)
	return s.getParticipant(v, i, r)
}

func (s *Server) removeParticipant(v *Conversation, i int, _ request) reply {
	v.Participants = slices.Delete(v.Participants, i, i+1)
	s.changed(v)
	return reply{status: http.StatusNoContent}
}

// conversationsOf lists the conversations in which somebody takes part.
func (s *Server) conversationsOf(r request) reply {
	id := s.person(r.args)
	known := s.contacts[id] != nil
	for _, v := range s.threads {
		known = known || v.find(id) >= 0
	}
	if !known {
		return missing("participant").reply()
	}
	return s.answerConversations(r, func(v *Conversation) bool { return v.find(id) >= 0 })
}
