package birdtest

import (
	"maps"
	"slices"
	"time"
)

// A Conversation is a thread between participants on a channel.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-management.
type Conversation struct {
	ID, Name, Description string
	// Status is "active" or "closed", Style "default" for talks with
	// customers, else a use inside the company.
	Status, Style             string
	Visibility, Accessibility string
	ChannelID                 string // "" without one
	// Participants in the order in which they joined. The API features the
	// first five.
	Participants []Participant
	Attributes   map[string]string
	CreatedAt    time.Time
	UpdatedAt    time.Time

	seq       int
	initiator string
	resource  string
	messages  []*Message // oldest first
	item      *feedItem
}

const (
	active = "active"
	closed = "closed"

	featuredParticipants = 5
	previewLength        = 140
)

func (v *Conversation) clone() Conversation {
	c := *v
	c.Participants = slices.Clone(v.Participants)
	c.Attributes = maps.Clone(v.Attributes)
	return c
}

// start opens a conversation, with a message if first is not nil, and tells of
// both. The caller holds s.mu and has checked that it may be.
func (s *Server) start(v *Conversation, first *Message) {
	s.open(v)
	if first != nil && s.opts.CreatedWithMessage {
		s.enter(v, first)
		s.tell("conversation.created", v)
		s.spread(v, first)
		return
	}
	s.tell("conversation.created", v)
	if first != nil {
		s.post(v, first)
	}
}

// open gives a new conversation its id, its times and its feed item.
func (s *Server) open(v *Conversation) {
	s.lastSeq++
	v.ID, v.seq = s.uuid(), s.lastSeq
	setDefault(&v.Style, "default")
	setDefault(&v.Visibility, "public")
	setDefault(&v.Accessibility, "open")
	v.Status = active
	last := time.Time{}
	if n := len(s.threads); n > 0 {
		last = s.threads[n-1].CreatedAt
	}
	v.CreatedAt = s.after(last)
	v.UpdatedAt = v.CreatedAt
	if v.Attributes == nil {
		v.Attributes = map[string]string{}
	}
	s.conversations[v.ID] = v
	s.threads = append(s.threads, v)
	s.file(v)
}

// changed moves a conversation's time and tells of the change.
func (s *Server) changed(v *Conversation) {
	v.UpdatedAt = s.after(v.UpdatedAt)
	s.tell("conversation.updated", v)
}

// drop deletes a conversation with its messages.
func (s *Server) drop(v *Conversation) {
	for _, m := range v.messages {
		delete(s.messages, m.ID)
	}
	delete(s.conversations, v.ID)
	s.threads = slices.DeleteFunc(s.threads, func(o *Conversation) bool { return o == v })
	if ch := s.channel(v.ChannelID); ch != nil {
		ch.messages = slices.DeleteFunc(ch.messages, func(m *Message) bool { return m.ConversationID == v.ID })
	}
	s.tell("conversation.deleted", v)
}

// rival returns another active conversation of one of the contacts on a
// channel that holds one at a time, and that contact's id.
func (s *Server) rival(v *Conversation) (*Conversation, string) {
	ch := s.channel(v.ChannelID)
	if ch == nil || ch.manner().style != "direct" {
		return nil, ""
	}
	for _, o := range s.threads {
		if o == v || o.Status != active || o.ChannelID != v.ChannelID {
			continue
		}
		for _, id := range v.contacts() {
			if o.find(id) >= 0 {
				return o, id
			}
		}
	}
	return nil, ""
}

// setStatus closes or reopens a conversation, and its feed item with it
// unless they are apart. It does not tell.
func (s *Server) setStatus(v *Conversation, status string) *refusal {
	if status != active && status != closed {
		return invalid("status must be active or closed")
	}
	if status == active && v.Status != active {
		if o, contact := s.rival(v); o != nil {
			return s.rivalry(contact, v.ChannelID)
		}
	}
	v.Status = status
	if !s.opts.SeparateFeedItems {
		was := *v.item
		v.item.closed = status == closed
		s.moved(v, was)
	}
	return nil
}

// conversationOf returns the id of the contact's latest conversation.
func (s *Server) conversationOf(contactID string) string {
	for _, v := range slices.Backward(s.threads) {
		if v.find(contactID) >= 0 {
			return v.ID
		}
	}
	return ""
}

// repoint gives a contact's part in conversations to another one.
func (s *Server) repoint(loser, survivor string) {
	heir := contactParticipant(s.contacts[survivor])
	for _, v := range s.threads {
		if v.initiator == loser {
			v.initiator = survivor
		}
		if i := v.find(loser); i >= 0 && v.find(survivor) < 0 {
			v.Participants[i] = heir
		} else if i >= 0 {
			v.Participants = slices.Delete(v.Participants, i, i+1)
		}
	}
	for _, m := range s.messages {
		m.repoint(loser, heir)
	}
}

// wireConversation is a conversation as the API answers it.
type wireConversation struct {
	ID                      string            `json:"id"`
	Name                    string            `json:"name"`
	Description             string            `json:"description"`
	Status                  string            `json:"status"`
	Visibility              string            `json:"visibility"`
	Accessibility           string            `json:"accessibility"`
	Style                   string            `json:"style"`
	PlatformStyle           string            `json:"platformStyle,omitempty"`
	FeaturedParticipants    []wireParticipant `json:"featuredParticipants"`
	ActiveParticipantCount  int               `json:"activeParticipantCount"`
	PendingParticipantCount int               `json:"pendingParticipantCount"`
	InitiatingParticipant   *wireParticipant  `json:"initiatingParticipant,omitempty"`
	ChannelID               string            `json:"channelId,omitempty"`
	LastMessage             *wireLastMessage  `json:"lastMessage,omitempty"`
	LastMessageIncomingAt   string            `json:"lastMessageIncomingAt,omitempty"`
	LastMessageOutgoingAt   string            `json:"lastMessageOutgoingAt,omitempty"`
	HasDraft                bool              `json:"hasDraft"`
	Attributes              map[string]string `json:"attributes"`
	CreatedAt               string            `json:"createdAt"`
	UpdatedAt               string            `json:"updatedAt"`
}

func (s *Server) wireConversation(v *Conversation) wireConversation {
	ch := s.channel(v.ChannelID)
	w := wireConversation{
		ID: v.ID, Name: v.Name, Description: v.Description, Status: v.Status, Visibility: v.Visibility,
		Accessibility: v.Accessibility, Style: v.Style, ChannelID: v.ChannelID, Attributes: maps.Clone(v.Attributes),
		FeaturedParticipants: []wireParticipant{},
		CreatedAt:            v.CreatedAt.Format(timeLayout), UpdatedAt: v.UpdatedAt.Format(timeLayout),
	}
	if ch != nil {
		w.PlatformStyle = ch.manner().style
	}
	for i, p := range v.Participants {
		shown := s.wireParticipant(p, ch)
		if i < featuredParticipants {
			w.FeaturedParticipants = append(w.FeaturedParticipants, shown)
		}
		if p.ID == v.initiator {
			w.InitiatingParticipant = &shown
		}
		if p.Status == active {
			w.ActiveParticipantCount++
		} else {
			w.PendingParticipantCount++
		}
	}
	s.summarize(v, ch, &w)
	return w
}

// summarize fills in what a conversation tells of its messages.
func (s *Server) summarize(v *Conversation, ch *channel, w *wireConversation) {
	for _, m := range v.messages {
		at := m.CreatedAt.Format(timeLayout)
		switch {
		case m.Draft:
			w.HasDraft = true
			continue
		case m.incoming():
			w.LastMessageIncomingAt = at
		default:
			w.LastMessageOutgoingAt = at
		}
		w.LastMessage = s.wireLastMessage(m, ch)
	}
}
