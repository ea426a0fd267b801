package birdtest

import (
	"net/http"
	"slices"
	"time"
)

// The messages of conversations in the API. The caller holds s.mu.

func (s *Server) messageRoutes() []route {
	return []route{
		{"GET conversations/*/messages", s.in(s.listMessages)},
		{"POST conversations/*/messages", s.in(s.createMessage)},
		{"GET conversations/*/messages/*", s.in(s.getMessage)},
		{"PATCH conversations/*/messages/*", s.in(s.patchMessage)},
		{"DELETE conversations/*/messages/*", s.in(s.deleteMessage)},
	}
}

// posting is a message that is to be sent.
type posting struct {
	ParticipantType        string         `json:"participantType"`
	ParticipantID          string         `json:"participantId"`
	AddMissingParticipants bool           `json:"addMissingParticipants"`
	Recipients             []reference    `json:"recipients"`
	Body                   map[string]any `json:"body"`
	Template               map[string]any `json:"template"`
	Draft                  bool           `json:"draft"`
	Reference              string         `json:"reference"`
	ReplyToMessageID       string         `json:"replyToMessageId"`
}

func (p *posting) check(v *Conversation) *refusal {
	switch {
	case v.Status != active:
		return invalid("conversation is not active")
	case !slices.Contains([]string{"accessKey", "flow", "contact", "user"}, p.ParticipantType):
		return invalid("participantType is unknown")
	case p.ParticipantID == "":
		return invalid("participantId is missing")
	case p.ParticipantType == "contact" && !p.AddMissingParticipants && v.find(p.ParticipantID) < 0:
		return invalid("the contact does not take part in the conversation")
	case p.ReplyToMessageID != "" && v.message(p.ReplyToMessageID) == nil:
		return invalid("replyToMessageId is unknown")
	}
	return p.checkContent()
}

// checkContent wants a template, or a body with the content under the name
// of its type.
func (p *posting) checkContent() *refusal {
	if p.Body == nil && p.Template == nil {
		return invalid("body or template is missing")
	}
	kind, _ := p.Body["type"].(string)
	if _, ok := p.Body[kind].(map[string]any); p.Body != nil && !ok {
		return invalid("body does not fit its type")
	}
	return nil
}

// message returns a message of the conversation, nil when it has none of the
// id.
func (v *Conversation) message(id string) *Message {
	i := slices.IndexFunc(v.messages, func(m *Message) bool { return m.ID == id })
	if i < 0 {
		return nil
	}
	return v.messages[i]
}

// listMessages lists the newest first; dateFrom leaves out what is not newer.
func (s *Server) listMessages(v *Conversation, r request) reply {
	var from time.Time
	if text := r.query.Get("dateFrom"); text != "" {
		var err error
		if from, err = time.Parse(time.RFC3339, text); err != nil {
			return invalid("dateFrom is not a time").reply()
		}
	}
	start := slices.IndexFunc(v.messages, func(m *Message) bool { return m.CreatedAt.After(from) })
	if start < 0 {
		start = len(v.messages)
	}
	return list(s, r, v.messages[start:], messageKey, s.wireMessage)
}

func (s *Server) createMessage(v *Conversation, r request) reply {
	var in posting
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	if bad := in.check(v); bad != nil {
		return bad.reply()
	}
	sender, bad := s.resolve(reference{Type: in.ParticipantType, ID: in.ParticipantID})
	if bad != nil {
		return bad.reply()
	}
	if sender.ID == accessKey.ID {
		sender = accessKey
	}
	to, bad := s.recipients(v, &in)
	if bad != nil {
		return bad.reply()
	}
	m := &Message{Sender: sender, To: to, Body: in.Body, Template: in.Template, Draft: in.Draft,
		Reference: in.Reference, ReplyTo: in.ReplyToMessageID}
	s.post(v, m)
	return reply{http.StatusCreated, s.wireMessage(m)}
}

// recipients returns the contacts to whom a message goes: those that it
// names, which join if the call lets them, else all of the conversation.
func (s *Server) recipients(v *Conversation, in *posting) ([]string, *refusal) {
	if len(in.Recipients) == 0 {
		return v.contacts(), nil
	}
	var to []string
	for _, ref := range in.Recipients {
		ref.Type = "contact" // theirs is "to"
		p, bad := s.resolve(ref)
		if bad != nil {
			return nil, bad
		}
		if v.find(p.ID) < 0 && !in.AddMissingParticipants {
			return nil, invalid("a recipient does not take part in the conversation")
		}
		v.join(p)
		to = append(to, p.ID)
	}
	return to, nil
}

func (s *Server) getMessage(v *Conversation, r request) reply {
	m := v.message(r.args[1])
	if m == nil {
		return missing("message").reply()
	}
	return reply{http.StatusOK, s.wireMessage(m)}
}

// patchMessage changes a draft, or sends it.
func (s *Server) patchMessage(v *Conversation, r request) reply {
	var in struct {
		Body  map[string]any `json:"body"`
		Draft *bool          `json:"draft"`
	}
	if bad := r.decode(&in); bad != nil {
		return bad.reply()
	}
	m := v.message(r.args[1])
	switch {
	case m == nil:
		return missing("message").reply()
	case !m.Draft:
		return invalid("message is not a draft").reply()
	}
	if in.Body != nil {
		if bad := (&posting{Body: in.Body}).checkContent(); bad != nil {
			return bad.reply()
		}
		m.Body = in.Body
	}
	if in.Draft != nil && !*in.Draft {
		m.Draft = false
		s.dispatch(v, m)
	}
	s.changed(v)
	return s.getMessage(v, r)
}

func (s *Server) deleteMessage(v *Conversation, r request) reply {
	m := v.message(r.args[1])
	if m == nil {
		return missing("message").reply()
	}
	gone := func(o *Message) bool { return o == m }
	v.messages = slices.DeleteFunc(v.messages, gone)
	if ch := s.channel(v.ChannelID); ch != nil {
		ch.messages = slices.DeleteFunc(ch.messages, gone)
	}
	delete(s.messages, m.ID)
	s.changed(v)
	return reply{status: http.StatusNoContent}
}
