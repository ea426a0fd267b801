package birdtest

import (
	"net/http"
	"slices"
	"time"
)

// The conversation part of the API. The caller holds s.mu.

func (s *Server) conversationRoutes() []route {
	return []route{
		{"GET conversations", s.listConversations},
		{"POST conversations", s.createConversation},
		{"GET conversations/*", s.in(s.getConversation)},
		{"PATCH conversations/*", s.in(s.patchConversation)},
		{"DELETE conversations/*", s.in(s.deleteConversation)},
	}
}

// in finds the conversation that a path names.
func (s *Server) in(handle func(*Conversation, request) reply) func(request) reply {
	return func(r request) reply {
		if v := s.conversations[r.args[0]]; v != nil {
			return handle(v, r)
		}
		return missing("conversation").reply()
	}
}

// listConversations knows the documented filter resource, and channelId and
// status, which work without being documented.
func (s *Server) listConversations(r request) reply {
	resource := r.query.Get("resource")
	if len(resource) > 60 {
		return invalid("resource must have at most 60 characters").reply()
	}
	return s.answerConversations(r, func(v *Conversation) bool {
		return fits(resource, v.resource) && fits(r.query.Get("status"), v.Status)
	})
}

// answerConversations answers a page of the conversations that a filter lets
// through and that are on the channel that the call asks for.
func (s *Server) answerConversations(r request, keep func(*Conversation) bool) reply {
	kept := []*Conversation{}
	for _, v := range s.threads {
		if keep(v) && fits(r.query.Get("channelId"), v.ChannelID) {
			kept = append(kept, v)
		}
	}
	return list(s, r, kept, func(v *Conversation) (int, time.Time) { return v.seq, v.CreatedAt }, s.wireConversation)
}

// fits reports whether a value is what was asked for, "" being anything.
func fits(asked, value string) bool { return asked == "" || asked == value }

func (s *Server) getConversation(v *Conversation, _ request) reply {
	return reply{http.StatusOK, s.wireConversation(v)}
}

func (s *Server) createConversation(r request) reply {
	var in struct {
		Name           string            `json:"name"`
		ChannelID      string            `json:"channelId"`
		Participants   []reference       `json:"participants"`
		InitialMessage *posting          `json:"initialMessage"`
		Attributes     map[string]string `json:"attributes"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	v := &Conversation{Name: in.Name, ChannelID: in.ChannelID, Attributes: in.Attributes, initiator: accessKey.ID}
	if bad := s.mayOpen(v, in.Participants, in.InitialMessage); bad != nil {
		return bad.reply()
	}
	var first *Message
	if p := in.InitialMessage; p != nil {
		first = &Message{Sender: accessKey, To: v.contacts(), Body: p.Body, Template: p.Template}
	}
	s.start(v, first)
	return reply{http.StatusCreated, s.wireConversation(v)}
}

// mayOpen checks a conversation that is to be created and lets the caller's
// access key and the participants join it.
func (s *Server) mayOpen(v *Conversation, refs []reference, first *posting) *refusal {
	switch {
	case v.Name == "":
		return invalid("name is missing")
	case v.ChannelID == "":
		return invalid("channelId is missing")
	case s.channel(v.ChannelID) == nil:
		return missing("channel")
	case len(refs) > featuredParticipants:
		return invalid("participants must have at most 5 items")
	}
	if first != nil {
		if bad := first.checkContent(); bad != nil {
			return bad
		}
	}
	v.join(accessKey)
	for _, ref := range refs {
		p, bad := s.resolve(ref)
		if bad != nil {
			return bad
		}
		v.join(p)
	}
	if o, _ := s.rival(v); o != nil {
		return &refusal{Status: http.StatusConflict, Code: "ContactAlreadyInConversation",
			Message: "the contact already has an active conversation on the channel", Details: map[string]any{"conversationId": o.ID}}
	}
	return nil
}

func (s *Server) patchConversation(v *Conversation, r request) reply {
	var in struct {
		Name          optional           `json:"name"`
		Description   optional           `json:"description"`
		Status        optional           `json:"status"`
		Visibility    optional           `json:"visibility"`
		Accessibility optional           `json:"accessibility"`
		Attributes    map[string]*string `json:"attributes"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	switch {
	case in.Visibility.set && !slices.Contains([]string{"public", "private"}, in.Visibility.value):
		return invalid("visibility is unknown").reply()
	case in.Accessibility.set && !slices.Contains([]string{"open", "invite-only", "request-to-join"}, in.Accessibility.value):
		return invalid("accessibility is unknown").reply()
	case in.Status.set:
		if bad := s.setStatus(v, in.Status.value); bad != nil {
			return bad.reply()
		}
	}
	in.Name.into(&v.Name)
	in.Description.into(&v.Description)
	in.Visibility.into(&v.Visibility)
	in.Accessibility.into(&v.Accessibility)
	s.setAttributes(v, in.Attributes)
	s.changed(v)
	return s.getConversation(v, r)
}

// setAttributes merges attributes into the conversation's, null removing one,
// or puts them in the place of all, as the workspace is set.
func (s *Server) setAttributes(v *Conversation, attributes map[string]*string) {
	if attributes != nil && s.opts.ReplaceConversationAttributes {
		clear(v.Attributes)
	}
	for key, value := range attributes {
		if value == nil {
			delete(v.Attributes, key)
		} else {
			v.Attributes[key] = *value
		}
	}
}

func (s *Server) deleteConversation(v *Conversation, _ request) reply {
	s.drop(v)
	return reply{status: http.StatusNoContent}
}

// rivalry refuses to reopen a conversation beside another one. It names the
// contact's address, as Bird's own text does: clients must not log it.
func (s *Server) rivalry(contactID, channelID string) *refusal {
	message := "another active conversation exists for contact"
	if c := s.contacts[contactID]; c != nil {
		if i, known := s.addressOn(c, s.channel(channelID)); known {
			message += " " + i.Value
		}
	}
	return &refusal{Status: http.StatusConflict, Code: "ResourceAlreadyExists", Message: message}
}
