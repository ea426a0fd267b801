package birdtest

import (
	"maps"
	"slices"
)

// What contacts, AI employees and the people of the Inbox do. Every method
// tells the subscribers what Bird would.

// An Opening is how a conversation begins. Only the contact is needed.
type Opening struct {
	ContactID string
	ChannelID string // "" is [DefaultChannel]
	Name      string
	// Style is "default" for talks with customers, which "" means, else a use
	// inside the company such as "directMessage" or "resource".
	Style string
	// Resource is what a conversation of the style "resource" is about, such
	// as "task:" and an id.
	Resource   string
	Attributes map[string]string
}

// StartConversation opens a conversation with a contact on the default
// channel, as [Server.Open] does.
func (s *Server) StartConversation(contactID string) string {
	return s.Open(Opening{ContactID: contactID})
}

// Open opens a conversation, which fires conversation.created, and returns
// its id: that of the active one when the channel holds one at a time, "" when
// there is no such contact or channel.
func (s *Server) Open(o Opening) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	setDefault(&o.ChannelID, DefaultChannel)
	if s.contacts[o.ContactID] == nil || s.channel(o.ChannelID) == nil {
		return ""
	}
	return s.thread(o, nil).ID
}

// thread opens a conversation, with a message if first is not nil, unless the
// contact must stay in another one.
func (s *Server) thread(o Opening, first *Message) *Conversation {
	v := &Conversation{Name: o.Name, Style: o.Style, ChannelID: o.ChannelID, Attributes: maps.Clone(o.Attributes),
		initiator: o.ContactID, resource: o.Resource}
	v.join(contactParticipant(s.contacts[o.ContactID]))
	if other, _ := s.rival(v); other != nil {
		return other
	}
	s.start(v, first)
	return v
}

// A Saying is a message that somebody adds to a conversation.
type Saying struct {
	// From is who says it, and joins if need be; the zero value is the
	// contact who began.
	From Participant
	// Body is what is said, see [TextBody], [HTMLBody] and [FileBody].
	Body               map[string]any
	Draft              bool // seen in the Inbox only
	Reference, ReplyTo string
	// Typed messages come from the Inbox: their events lack the body.
	Typed bool
}

// Say adds a message and returns its id, "" when there is no such
// conversation or it is closed. What a contact says fires an inbound event,
// everything else four or five outbound ones, one for every status; a draft
// fires none. Either fires conversation.updated.
func (s *Server) Say(conversationID string, what Saying) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[conversationID]
	if v == nil || v.Status != active {
		return ""
	}
	return s.say(v, what)
}

func (s *Server) say(v *Conversation, what Saying) string {
	m := &Message{Sender: what.From, Body: what.Body, Draft: what.Draft, Reference: what.Reference, ReplyTo: what.ReplyTo, inbox: what.Typed}
	if m.Sender.ID == "" {
		m.Sender = s.customer(v)
	}
	if m.incoming() {
		m.Source = fromChannel
	} else {
		m.To = v.contacts()
	}
	if m.Sender.Type == "bot" {
		v.Attributes["llmbotIds"] = m.Sender.ID
	}
	s.post(v, m)
	return m.ID
}

// customer is the contact who began the conversation, else the first one who
// takes part.
func (s *Server) customer(v *Conversation) Participant {
	id := v.initiator
	if all := v.contacts(); s.contacts[id] == nil && len(all) > 0 {
		id = all[0]
	}
	if c := s.contacts[id]; c != nil {
		return contactParticipant(c)
	}
	return Participant{ID: id, Type: "contact", Status: active}
}

// ContactSays lets the contact of an active conversation write a text.
func (s *Server) ContactSays(conversationID, text string) string {
	return s.Say(conversationID, Saying{Body: TextBody(text)})
}

// ReceiveMessage is [Server.ContactSays].
func (s *Server) ReceiveMessage(conversationID, text string) string {
	return s.ContactSays(conversationID, text)
}

// BotSays lets the AI employee write a text. It takes part as a bot, and the
// attribute llmbotIds names it.
func (s *Server) BotSays(conversationID, text string) string {
	return s.Say(conversationID, Saying{From: assistant, Body: TextBody(text)})
}

// AgentSays lets [DefaultAgent] write a text. The first time the agent joins
// as a user: the conversation is handed over.
func (s *Server) AgentSays(conversationID, text string) string {
	return s.Say(conversationID, Saying{From: agentParticipant, Body: TextBody(text)})
}

// InboxSays is AgentSays with outbound events that lack the body, which those
// of messages typed in the Inbox do. The API has the text.
func (s *Server) InboxSays(conversationID, text string) string {
	return s.Say(conversationID, Saying{From: agentParticipant, Body: TextBody(text), Typed: true})
}

// ContactWrites lets a contact write on a channel. The message goes to the
// conversation that goes on there, else to a new one, or to none while
// conversations are off on the channel. It returns both ids, "" for none and
// when there is no such contact or channel.
func (s *Server) ContactWrites(channelID, contactID, text string) (conversationID, messageID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channel(channelID)
	if ch == nil || s.contacts[contactID] == nil {
		return "", ""
	}
	m := &Message{Sender: contactParticipant(s.contacts[contactID]), Body: TextBody(text), Source: fromChannel}
	s.deliverOn(ch, m, contactID)
	return m.ConversationID, m.ID
}

// current returns the contact's latest active conversation on a channel.
func (s *Server) current(channelID, contactID string) *Conversation {
	for _, v := range slices.Backward(s.threads) {
		if v.ChannelID == channelID && v.Status == active && v.find(contactID) >= 0 {
			return v
		}
	}
	return nil
}

// CloseConversation closes a conversation, which fires conversation.updated.
// It reports false when there is none.
func (s *Server) CloseConversation(id string) bool { return s.turn(id, closed) }

// ReopenConversation makes a conversation active again. It reports false when
// there is none, or when the contact has another active one on a channel that
// holds one at a time.
func (s *Server) ReopenConversation(id string) bool { return s.turn(id, active) }

func (s *Server) turn(id, status string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[id]
	if v == nil || s.setStatus(v, status) != nil {
		return false
	}
	s.changed(v)
	return true
}

// DeleteConversation removes a conversation, which fires conversation.deleted.
// It reports false when there is none.
func (s *Server) DeleteConversation(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[id]
	if v != nil {
		s.drop(v)
	}
	return v != nil
}

// Assign gives a conversation's feed item to an agent, "" to nobody. As in
// Bird, no webhook tells of it, only a Flow that asks for it. It reports false when there is no such
// conversation.
func (s *Server) Assign(conversationID, agentID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[conversationID]
	if v != nil {
		was := *v.item
		v.item.agentID = agentID
		s.moved(v, was)
	}
	return v != nil
}

// ContestFeedItem makes the next change of a conversation's feed item come
// too late: it is answered 409. It reports false when there is no such
// conversation.
func (s *Server) ContestFeedItem(conversationID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[conversationID]
	if v != nil {
		v.item.contested = true
	}
	return v != nil
}

// MessageStatus gives a message a later status, with the reason when it is a
// failure, and fires an outbound event. It reports false when there is no such
// message or the status does not follow the one it has.
func (s *Server) MessageStatus(messageID, status, reason string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[messageID]
	return m != nil && !m.Draft && s.advance(m, status, reason)
}

// SetOutcome decides the last status of messages from now on: "read", which
// is the default, "delivered", "sent", "sending_failed", "delivery_failed",
// "rejected" or "skipped"; "" keeps them at accepted.
func (s *Server) SetOutcome(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outcome = status
}

// Conversation returns a conversation as it is now.
func (s *Server) Conversation(id string) (Conversation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[id]
	if v == nil {
		return Conversation{}, false
	}
	return v.clone(), true
}

// Messages returns the messages of a conversation, oldest first.
func (s *Server) Messages(conversationID string) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[conversationID]
	if v == nil {
		return nil
	}
	all := make([]Message, len(v.messages))
	for i, m := range v.messages {
		all[i] = m.clone()
	}
	return all
}
