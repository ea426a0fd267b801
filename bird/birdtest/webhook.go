package birdtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// subscription is a registered webhook.
type subscription struct{ event, url, key string }

// conversation is one thread with a contact.
type conversation struct {
	number                int // counts conversations in order
	id, contactID, status string
	createdAt, updatedAt  time.Time
	lastMessage           map[string]any
}

// Subscribe registers a webhook for an event: "conversation.created",
// "conversation.updated" or "whatsapp.inbound". Bird signs with the key, and
// the url is part of what is signed.
func (s *Server) Subscribe(event, url, signingKey string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.subscriptions = append(s.subscriptions, subscription{event, url, signingKey})
}

// WebhookStats counts what became of the webhooks.
func (s *Server) WebhookStats() DeliveryStats { return s.hooks.Stats() }

// StartConversation opens a conversation with a contact and tells the
// subscribers of conversation.created. It returns the conversation's id, ""
// when there is no such contact.
func (s *Server) StartConversation(contactID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.contacts[contactID] == nil {
		return ""
	}
	now := s.now()
	v := &conversation{number: len(s.conversations), id: s.uuid(), contactID: contactID, status: "active", createdAt: now, updatedAt: now}
	s.conversations[v.id] = v
	s.publish("conversations", "conversation.created", s.wireConversation(v))
	return v.id
}

// ReceiveMessage lets the contact of a conversation write. It tells the
// subscribers of whatsapp.inbound and of conversation.updated and returns the
// message's id, "" when there is no such conversation.
func (s *Server) ReceiveMessage(conversationID, text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.conversations[conversationID]
	if v == nil {
		return ""
	}
	id := s.uuid()
	v.updatedAt = s.after(v.updatedAt)
	at := v.updatedAt.Format(timeLayout)
	v.lastMessage = map[string]any{
		"id": id, "type": "text", "preview": map[string]any{"text": preview(text)}, "status": "delivered",
		"sender": s.participant(v.contactID), "createdAt": at,
	}
	s.publish("channels", "whatsapp.inbound", map[string]any{
		"id": id, "status": "delivered", "direction": "incoming", "createdAt": at, "updatedAt": at, "lastStatusAt": at,
		"sender":  map[string]any{"contact": s.address(v.contactID)},
		"body":    map[string]any{"type": "text", "text": map[string]any{"text": text}},
		"context": map[string]any{"type": "conversation_message", "id": v.id + ":" + id + ":" + v.contactID},
	})
	s.publish("conversations", "conversation.updated", s.wireConversation(v))
	return id
}

// preview cuts a text as Bird does in a conversation's last message.
func preview(text string) string {
	r := []rune(text)
	return string(r[:min(len(r), 140)])
}

// conversationOf returns the id of the contact's latest conversation.
func (s *Server) conversationOf(contactID string) string {
	var latest *conversation
	for _, v := range s.conversations {
		if v.contactID == contactID && (latest == nil || v.number > latest.number) {
			latest = v
		}
	}
	if latest == nil {
		return ""
	}
	return latest.id
}

func (s *Server) wireConversation(v *conversation) map[string]any {
	w := map[string]any{
		"id": v.id, "name": "", "status": v.status, "visibility": "public", "accessibility": "open",
		"style": "default", "platformStyle": "direct", "activeParticipantCount": 1, "pendingParticipantCount": 0,
		"featuredParticipants": []any{s.participant(v.contactID)}, "initiatingParticipant": s.participant(v.contactID),
		"createdAt": v.createdAt.Format(timeLayout), "updatedAt": v.updatedAt.Format(timeLayout),
	}
	if v.lastMessage != nil {
		w["lastMessage"] = v.lastMessage
	}
	return w
}

func (s *Server) participant(contactID string) map[string]any {
	p := map[string]any{"id": contactID, "type": "contact", "status": "active", "contact": s.address(contactID)}
	if c := s.contacts[contactID]; c != nil {
		p["displayName"] = c.computedName()
	}
	return p
}

func (s *Server) address(contactID string) map[string]any {
	a := map[string]any{"id": contactID}
	if c := s.contacts[contactID]; c != nil && c.newest(phoneKey) != nil {
		a["identifierKey"], a["identifierValue"] = phoneKey, c.newest(phoneKey)
	}
	return a
}

// publish sends an event to its subscribers. Retries are signed with the
// first timestamp.
func (s *Server) publish(service, event string, payload any) {
	body, err := json.Marshal(map[string]any{"service": service, "event": event, "payload": payload})
	if err != nil {
		panic("birdtest: a webhook does not encode as JSON: " + err.Error())
	}
	for _, sub := range s.subscriptions {
		if sub.event != event {
			continue
		}
		id := s.uuid()
		s.hooks.Send(simhttp.Delivery{URL: sub.url, Prepare: func(a simhttp.Attempt) (http.Header, []byte) {
			return sub.sign(id, a.First, body), body
		}})
	}
}

func (sub subscription) sign(requestID string, at time.Time, body []byte) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	digest := sha256.Sum256(body)
	mac := hmac.New(sha256.New, []byte(sub.key))
	mac.Write([]byte(timestamp + "\n" + sub.url + "\n"))
	mac.Write(digest[:])
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("messagebird-signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	h.Set("messagebird-request-timestamp", timestamp)
	h.Set("messagebird-request-id", requestID)
	return h
}
