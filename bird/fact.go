package bird

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"github.com/urbanhub/crmsync/sync"
)

// The types of the facts that conversations and messages make. Those of a
// customer's Flows come on top.
const (
	factStarted   = "conversation.started"
	factClosed    = "conversation.closed"
	factReceived  = "message.received"
	factSent      = "message.sent"
	factFailed    = "message.failed"
	factEscalated = "escalation.triggered"
)

// The ids of facts are the same however the fact was learnt: from an event of
// the conversations or of the channels, from a Flow, or by reading back. So
// the second, late or doubled news of it is no second fact.

// startedID identifies the beginning of a conversation.
func startedID(conversation string) string { return itemID(factStarted, conversation) }

// closedID identifies a closing by the last message before it: a closed
// conversation takes no messages, and is told of many times. Closed, reopened
// and closed again without a word between is one closing.
func closedID(conversation, lastMessage string) string {
	return itemID(factClosed, conversation, lastMessage)
}

// escalatedID identifies the hand-over of a conversation to a person: Bird
// does not number hand-overs, and goes on telling that the person takes part.
func escalatedID(conversation, agent string) string {
	return itemID(factEscalated, conversation, agent)
}

// messageFactID identifies what became of a message.
func messageFactID(fact, message string) string { return itemID(fact, message) }

// itemID joins the parts of an item's id, so that no other parts give the same.
// What is long, not plain text or could be parted otherwise is replaced by its
// digest: no queue stumbles over it.
func itemID(parts ...string) string {
	id := strings.Join(parts, ":")
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if len(id) > 250 || strings.Count(id, ":") != len(parts)-1 || strings.ContainsFunc(id, odd) {
		id = parts[0] + ":" + digest(fmt.Appendf(nil, "%q", parts))
	}
	return "bird:" + id
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// fact returns the fact that the message is: it came from the customer, went
// out, or was given up.
func (m *Message) fact(subject sync.Ref) sync.Fact {
	f := sync.Fact{Type: factSent, Subject: subject, OccurredAt: m.CreatedAt}
	direction := "outbound"
	switch {
	case m.Inbound():
		f.Type, direction = factReceived, "inbound"
	case MessageStatus(m.Status).Failed():
		f.Type = factFailed
		if !m.UpdatedAt.IsZero() {
			f.OccurredAt = m.UpdatedAt
		}
	}
	f.ID = messageFactID(f.Type, m.ID)
	f.Data = present(map[string]any{
		"conversation_id": m.ConversationID, "message_id": m.ID, "message_status": m.Status,
		"sender_type": m.Sender.Type, "direction": direction, "text": m.Body.words(),
	})
	return f
}

// started returns the fact that the conversation began.
func (c *Conversation) started(subject sync.Ref) sync.Fact {
	return sync.Fact{ID: startedID(c.ID), Type: factStarted, Subject: subject, OccurredAt: c.CreatedAt, Data: c.data()}
}

// closed returns the fact that the conversation was closed.
func (c *Conversation) closed(subject sync.Ref) sync.Fact {
	return sync.Fact{ID: closedID(c.ID, c.LastMessage.ID), Type: factClosed, Subject: subject, OccurredAt: c.UpdatedAt, Data: c.data()}
}

// data is what the facts of a conversation tell of it.
func (c *Conversation) data() map[string]any {
	return present(map[string]any{"conversation_id": c.ID, "conversation_status": c.Status, "channel_id": c.ChannelID})
}

// present drops empty texts.
func present(data map[string]any) map[string]any {
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	return data
}
