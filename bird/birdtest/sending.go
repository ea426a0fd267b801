package birdtest

import (
	"slices"
	"time"
)

// How messages enter conversations and go their way. Unless exported, the
// caller of a function holds s.mu.

// ranks order the statuses of a message. Those of failure are the last.
var ranks = map[string]int{"accepted": 1, "processing": 2, "sent": 3, "delivered": 4, "read": 5,
	"sending_failed": failed, "delivery_failed": failed, "rejected": failed, "skipped": failed}

const failed = 6

// follows reports whether a message may go from one status to the next. What
// was delivered cannot fail.
func follows(next, now string) bool {
	return ranks[next] > ranks[now] && (ranks[next] != failed || ranks[now] < ranks["delivered"])
}

// ways are the statuses after "accepted" by the last one of them.
var ways = map[string][]string{
	"read":            {"processing", "sent", "delivered", "read"},
	"delivered":       {"processing", "sent", "delivered"},
	"sent":            {"processing", "sent"},
	"sending_failed":  {"processing", "sending_failed"},
	"delivery_failed": {"processing", "sent", "delivery_failed"},
	"rejected":        {"rejected"},
	"skipped":         {"skipped"},
}

// post puts a message into a conversation and lets it go its way.
func (s *Server) post(v *Conversation, m *Message) {
	s.enter(v, m)
	s.spread(v, m)
}

// enter puts a message into a conversation, spread tells of it.
func (s *Server) enter(v *Conversation, m *Message) {
	s.number(m, v.UpdatedAt)
	m.ConversationID, m.channelID = v.ID, v.ChannelID
	v.join(m.Sender)
	v.messages = append(v.messages, m)
	v.UpdatedAt = m.CreatedAt
}

func (s *Server) spread(v *Conversation, m *Message) {
	if !m.Draft {
		s.dispatch(v, m)
	}
	s.tell("conversation.updated", v)
}

// number gives a new message its id, its time and its first status.
func (s *Server) number(m *Message, last time.Time) {
	s.lastSeq++
	m.ID, m.seq = s.uuid(), s.lastSeq
	m.CreatedAt = s.after(last)
	m.UpdatedAt = m.CreatedAt
	setDefault(&m.Source, fromConversation)
	setDefault(&m.Status, "accepted")
	if m.incoming() {
		m.Status = "delivered"
	}
	s.messages[m.ID] = m
}

// dispatch hands a message of a conversation to its channel. What the API says
// in a contact's name does not pass through one.
func (s *Server) dispatch(v *Conversation, m *Message) {
	if ch := s.channel(v.ChannelID); ch != nil && (!m.incoming() || m.Source == fromChannel) {
		s.release(ch, m)
	}
}

// release puts a message on a channel, which then tells of it. What goes to a
// contact gets one status after the other.
func (s *Server) release(ch *channel, m *Message) {
	ch.messages = append(ch.messages, m)
	s.tellMessage(ch, m)
	if m.incoming() {
		return
	}
	for i, status := range ways[s.outcome] {
		s.later(time.Duration(i+1)*max(s.opts.StatusDelay, 0), func() { s.advance(m, status, "") })
	}
}

// advance moves a message forward to a status and tells of it. It reports
// whether it did.
func (s *Server) advance(m *Message, status, reason string) bool {
	if s.messages[m.ID] != m || !follows(status, m.Status) {
		return false
	}
	m.Status, m.Reason = status, reason
	m.UpdatedAt = s.after(m.UpdatedAt)
	if ch := s.channel(m.channelID); ch != nil && slices.Contains(ch.messages, m) {
		s.tellMessage(ch, m)
	}
	return true
}

// tell publishes an event of a conversation whose channel has conversations.
func (s *Server) tell(event string, v *Conversation) {
	if ch := s.channel(v.ChannelID); ch != nil && !ch.conversational {
		return
	}
	s.publish("conversations", event, s.wireConversation(v))
	s.trigger(event, v)
}

// Interact lets a contact open or click what a message shows, which fires an
// interaction event of the type, such as "open" or "click". It reports false
// when no channel has such a message. The payload's shape is not documented.
func (s *Server) Interact(messageID, kind string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.messages[messageID]
	if m == nil || s.channel(m.channelID) == nil || m.Draft {
		return false
	}
	ch := s.channel(m.channelID)
	s.publish("channels", ch.platform+".interaction", map[string]any{"id": s.uuid(), "messageId": m.ID, "channelId": ch.id,
		"platformId": ch.platform, "type": kind, "createdAt": s.now().Format(timeLayout)})
	return true
}

// tellMessage publishes that a message came in, or that one to a contact has
// a new status.
func (s *Server) tellMessage(ch *channel, m *Message) {
	event := ch.platform + ".outbound"
	if m.Source == fromChannel {
		event = ch.platform + ".inbound"
	}
	payload := s.wireChannelMessage(m)
	if m.inbox {
		delete(payload, "body")
	}
	s.publish("channels", event, payload)
}
