package bird

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/urbanhub/crmsync/sync"
)

// event is the envelope of Bird's webhooks. It has neither an id nor a time.
type event struct {
	Service string          `json:"service"`
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`
}

// payload is the part of a conversation or a channel message that matters
// here. The two shapes share no name with different meanings.
type payload struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	ChannelID string `json:"channelId"`
	CreatedAt moment `json:"createdAt"`
	UpdatedAt moment `json:"updatedAt"`

	// Of a conversation.
	Participants []participant `json:"featuredParticipants"`
	Initiator    participant   `json:"initiatingParticipant"`
	LastMessage  struct {
		ID     string      `json:"id"`
		Status string      `json:"status"`
		Sender participant `json:"sender"`
	} `json:"lastMessage"`

	// Of a channel message.
	Sender struct {
		Contact address `json:"contact"`
	} `json:"sender"`
	Receiver struct {
		Contacts []address `json:"contacts"`
	} `json:"receiver"`
	Context struct {
		ID string `json:"id"` // conversation:message:contact
	} `json:"context"`
	Body struct {
		Text struct {
			Text string `json:"text"`
		} `json:"text"`
	} `json:"body"`
}

type participant struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type address struct {
	ID string `json:"id"`
}

// items returns what the event means: a change for every contact taking part,
// and the fact, if it is one.
func (e *event) items(body []byte) (items []sync.Item, known bool, err error) {
	if !e.known() {
		return nil, false, nil
	}
	var p payload
	if err := json.Unmarshal(e.Payload, &p); err != nil {
		return nil, true, err
	}
	contacts := p.contacts()
	for _, id := range contacts {
		items = append(items, sync.Change{
			ID:         itemID("webhook", e.Event, p.state(body), id),
			Ref:        ref(id),
			Reason:     sync.ReasonWebhook,
			OccurredAt: p.UpdatedAt.Time,
			Priority:   sync.Live,
		})
	}
	if fact, ok := e.fact(&p); ok && len(contacts) > 0 {
		fact.Subject = ref(contacts[0])
		items = append(items, fact)
	}
	return items, true, nil
}

// contacts returns the ids of the contacts taking part, each once; the one
// that began comes first.
func (p *payload) contacts() []string {
	var ids []string
	add := func(id string) {
		if idPattern.MatchString(id) && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, x := range append([]participant{p.Initiator, p.LastMessage.Sender}, p.Participants...) {
		if x.Type == "contact" {
			add(x.ID)
		}
	}
	add(p.Sender.Contact.ID)
	for _, x := range p.Receiver.Contacts {
		add(x.ID)
	}
	return ids
}

// state names the state that the event tells of, the same for every delivery
// of one event and another for the next. Without an id only the body tells
// events apart.
func (p *payload) state(body []byte) string {
	if p.ID == "" {
		return digest(body)
	}
	parts := []string{p.ID, p.Status, p.LastMessage.ID, p.LastMessage.Status, p.UpdatedAt.UTC().Format(time.RFC3339Nano)}
	return strings.Join(parts, ":")
}

// itemID joins the parts of an item's id. What is long or not plain text is
// replaced by its digest, so that no queue stumbles over it.
func itemID(parts ...string) string {
	id := strings.Join(parts, ":")
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }
	if len(id) > 250 || strings.ContainsFunc(id, odd) {
		id = parts[0] + ":" + digest([]byte(id))
	}
	return "bird:" + id
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// fact returns the fact without its subject.
func (e *event) fact(p *payload) (sync.Fact, bool) {
	switch {
	case p.ID == "":
		return sync.Fact{}, false
	case e.Event == "conversation.created":
		return sync.Fact{
			ID: startedID(p.ID), Type: "conversation.started", OccurredAt: p.CreatedAt.Time,
			Data: present(map[string]any{"conversation_id": p.ID, "conversation_status": p.Status, "channel_id": p.ChannelID}),
		}, true
	case strings.HasSuffix(e.Event, ".inbound"):
		conversation, _, _ := strings.Cut(p.Context.ID, ":")
		return sync.Fact{
			ID: itemID("message.received", p.ID), Type: "message.received", OccurredAt: p.CreatedAt.Time,
			Data: present(map[string]any{"message_id": p.ID, "conversation_id": conversation, "channel_id": p.ChannelID,
				"platform": strings.TrimSuffix(e.Event, ".inbound"), "text": p.Body.Text.Text}),
		}, true
	}
	return sync.Fact{}, false
}

// startedID identifies the start of a conversation, whether Bird's webhook or
// the customer's Flow tells of it.
func startedID(conversation string) string { return itemID("conversation.started", conversation) }

// present drops empty texts.
func present(data map[string]any) map[string]any {
	for k, v := range data {
		if v == "" {
			delete(data, k)
		}
	}
	return data
}
