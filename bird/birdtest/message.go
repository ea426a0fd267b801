package birdtest

import (
	"slices"
	"strconv"
	"time"
)

// A Message is one entry of a conversation. One that a contact wrote on a
// channel without conversations has no ConversationID.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-messaging.
type Message struct {
	ID, ConversationID string
	Sender             Participant
	// To are the ids of the contacts that it goes to.
	To []string
	// Status is "accepted", "processing", "sent", "delivered" or "read", or
	// a failure: "sending_failed", "delivery_failed", "rejected", "skipped".
	Status, Reason string
	// Source is "channels" for what came from outside, else "conversations".
	Source string
	// Body has "type" and, under the type's name, the content. A message has
	// a Body or a Template.
	Body, Template map[string]any
	// Draft messages are seen in the Inbox only.
	Draft              bool
	Reference, ReplyTo string
	CreatedAt          time.Time
	UpdatedAt          time.Time

	seq       int
	channelID string
	inbox     bool // typed in the Inbox: channel events lack its body
}

const (
	fromChannel      = "channels"
	fromConversation = "conversations"
)

// TextBody is the body of a message of plain text.
func TextBody(text string) map[string]any {
	return map[string]any{"type": "text", "text": map[string]any{"text": text}}
}

// HTMLBody is the body of an e-mail.
func HTMLBody(subject, text, html string) map[string]any {
	return map[string]any{"type": "html", "html": map[string]any{"text": text, "html": html,
		"metadata": map[string]any{"subject": subject}}}
}

// A File is an attachment that was uploaded with [Server.AddMedia].
type File struct{ ContentType, MediaURL, Filename string }

// FileBody is the body of a message with files and a caption.
func FileBody(caption string, files ...File) map[string]any {
	list := make([]any, len(files))
	for i, f := range files {
		list[i] = map[string]any{"contentType": f.ContentType, "mediaUrl": f.MediaURL, "filename": f.Filename}
	}
	return map[string]any{"type": "file", "file": map[string]any{"text": caption, "files": list}}
}

// ImageBody is the body of a message with images and a caption.
func ImageBody(caption string, images ...File) map[string]any {
	list := make([]any, len(images))
	for i, f := range images {
		list[i] = map[string]any{"mediaUrl": f.MediaURL, "altText": f.Filename}
	}
	return map[string]any{"type": "image", "image": map[string]any{"text": caption, "images": list}}
}

// incoming reports whether a contact wrote the message.
func (m *Message) incoming() bool { return m.Sender.Type == "contact" }

// kind is the type of the content, and text what can be read of it.
func (m *Message) kind() string {
	if m.Body == nil {
		return "template"
	}
	kind, _ := m.Body["type"].(string)
	return kind
}

func (m *Message) text() string {
	content, _ := m.Body[m.kind()].(map[string]any)
	text, _ := content["text"].(string)
	return text
}

func (m *Message) clone() Message {
	c := *m
	c.To = slices.Clone(m.To)
	return c
}

// repoint puts a contact in the place of another one.
func (m *Message) repoint(loser string, heir Participant) {
	if m.Sender.ID == loser {
		m.Sender = heir
	}
	for i, id := range m.To {
		if id == loser {
			m.To[i] = heir.ID
		}
	}
}

func messageKey(m *Message) (int, time.Time) { return m.seq, m.CreatedAt }

// wireMessage is a message as the conversations API answers it.
type wireMessage struct {
	ID             string           `json:"id"`
	ConversationID string           `json:"conversationId"`
	Reference      string           `json:"reference"`
	ReplyTo        string           `json:"replyToMessageId,omitempty"`
	Sender         wireParticipant  `json:"sender"`
	Draft          bool             `json:"draft"`
	Recipients     []map[string]any `json:"recipients,omitempty"`
	Status         string           `json:"status"`
	Source         string           `json:"source"`
	Body           map[string]any   `json:"body,omitempty"`
	Template       map[string]any   `json:"template,omitempty"`
	Interactions   any              `json:"interactions"`
	Meta           map[string]any   `json:"meta,omitempty"`
	ReceiverTypes  []string         `json:"receiverTypes,omitempty"`
	CreatedAt      string           `json:"createdAt"`
	UpdatedAt      string           `json:"updatedAt"`
}

func (s *Server) wireMessage(m *Message) wireMessage {
	ch := s.channel(m.channelID)
	w := wireMessage{
		ID: m.ID, ConversationID: m.ConversationID, Reference: m.Reference, ReplyTo: m.ReplyTo,
		Sender: s.wireParticipant(m.Sender, ch), Draft: m.Draft, Recipients: s.wireRecipients(m, ch), Status: m.Status,
		Source: m.Source, Body: m.Body, Template: m.Template,
		CreatedAt: m.CreatedAt.Format(timeLayout), UpdatedAt: m.UpdatedAt.Format(timeLayout),
	}
	if m.Source == fromChannel {
		w.Meta, w.ReceiverTypes = m.meta(), []string{"to"}
	}
	return w
}

func (s *Server) wireRecipients(m *Message, ch *channel) []map[string]any {
	all := []map[string]any{}
	for _, id := range m.To {
		all = append(all, s.wireRecipient(id, ch))
	}
	return all
}

// meta is what a platform adds to a message.
func (m *Message) meta() map[string]any {
	return map[string]any{"extraInformation": map[string]any{"timestamp": strconv.FormatInt(m.CreatedAt.Unix(), 10)}}
}

// wireLastMessage is what a conversation shows of its last message.
type wireLastMessage struct {
	ID         string            `json:"id"`
	Type       string            `json:"type"`
	Preview    map[string]string `json:"preview"`
	Recipients []map[string]any  `json:"recipients"`
	Status     string            `json:"status"`
	Sender     wireParticipant   `json:"sender"`
	CreatedAt  string            `json:"createdAt"`
}

func (s *Server) wireLastMessage(m *Message, ch *channel) *wireLastMessage {
	text := []rune(m.text())
	return &wireLastMessage{
		ID: m.ID, Type: m.kind(), Preview: map[string]string{"text": string(text[:min(len(text), previewLength)])},
		Recipients: s.wireRecipients(m, ch), Status: m.Status, Sender: s.wireParticipant(m.Sender, ch),
		CreatedAt: m.CreatedAt.Format(timeLayout),
	}
}

// wireChannelMessage is the same message as the channels API sees it. Its
// conversation is named by the context alone, which messages to a contact
// get with a delay.
func (s *Server) wireChannelMessage(m *Message) map[string]any {
	ch := s.channel(m.channelID)
	w := map[string]any{
		"id": m.ID, "channelId": m.channelID, "status": m.Status, "reason": m.Reason, "reference": m.Reference,
		"direction": "outgoing", "parts": []any{map[string]any{"platformReference": "wamid." + m.ID}},
		"lastStatusAt": m.UpdatedAt.Format(timeLayout), "createdAt": m.CreatedAt.Format(timeLayout),
		"updatedAt": m.UpdatedAt.Format(timeLayout),
	}
	if m.Body != nil {
		w["body"] = m.Body
	}
	if m.Template != nil {
		w["template"] = m.Template
	}
	connector := map[string]any{"connector": map[string]any{"id": m.channelID, "identifierValue": ""}}
	contactID := m.Sender.ID
	if m.Source == fromChannel {
		w["direction"], w["meta"] = "incoming", m.meta()
		w["sender"], w["receiver"] = map[string]any{"contact": s.contactAddress(contactID, ch)}, connector
	} else {
		contacts := []any{}
		for _, id := range m.To {
			contacts = append(contacts, s.contactAddress(id, ch))
			contactID = id
		}
		w["sender"], w["receiver"] = connector, map[string]any{"contacts": contacts}
	}
	if m.ConversationID != "" && (m.Source == fromChannel || s.indexed(m.CreatedAt)) {
		w["context"] = map[string]any{"type": "conversation_message", "id": m.ConversationID + ":" + m.ID + ":" + contactID}
	}
	return w
}

// indexed reports whether what was made at a time can be found by now.
func (s *Server) indexed(at time.Time) bool {
	return s.opts.IndexDelay < 0 || !s.clock.Now().Before(at.Add(s.opts.IndexDelay))
}
