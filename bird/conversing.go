package bird

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// A ConversationStart describes a conversation to begin.
type ConversationStart struct {
	// Name is what agents see, on e-mail channels the subject. Required.
	Name      string
	ChannelID string
	// IdentifierKey and IdentifierValue are the address of the contact on the
	// channel, such as "phonenumber" and "+573000000001".
	IdentifierKey, IdentifierValue string
	// Text is the first message; without one nothing is sent, and nothing
	// billed.
	Text       string
	Attributes map[string]string
}

// StartConversation begins a conversation with a contact and returns its id.
// Most channels allow one at a time: if the contact has an active one, that is
// the conversation meant, and created is false; nothing was sent to it then.
//
// After an error of action Retry, or of RetryAt that is not of the rule
// "bird.rate", the conversation may have begun; the same call then finds it on
// such a channel.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-api/create-conversation.
func (a *Adapter) StartConversation(ctx context.Context, s ConversationStart) (id string, created bool, err error) {
	r := request{op: "bird: start conversation", ref: sync.Ref{System: System, Kind: ConversationKind},
		method: http.MethodPost, path: a.workspace + "/conversations", body: s.wire()}
	var c Conversation
	_, err = a.call(ctx, r, &c)
	if api, ok := errors.AsType[*APIError](err); ok && isAction(err, sync.Conflict) && api.ConversationID != "" {
		return api.ConversationID, false, nil
	}
	if err == nil && c.ID == "" {
		err = r.unanswered(errNoID)
	}
	return c.ID, err == nil, err
}

func (s *ConversationStart) wire() map[string]any {
	body := map[string]any{
		"name":      s.Name,
		"channelId": s.ChannelID,
		"participants": []map[string]string{
			{"type": ContactParticipant, "identifierKey": s.IdentifierKey, "identifierValue": s.IdentifierValue},
		},
	}
	if len(s.Attributes) > 0 {
		body["attributes"] = s.Attributes
	}
	if s.Text != "" {
		body["initialMessage"] = map[string]any{
			"body":       textBody(s.Text),
			"recipients": []map[string]string{{"type": "to", "identifierKey": s.IdentifierKey, "identifierValue": s.IdentifierValue}},
		}
	}
	return body
}

func textBody(text string) map[string]any {
	return map[string]any{"type": "text", "text": map[string]string{"text": text}}
}

// A ConversationEdit says what to change of a conversation; what is empty
// stays as it is.
type ConversationEdit struct {
	Name   string
	Status string // "active" or "closed"
	// Attributes are set one by one; those not named stay.
	Attributes map[string]string
}

// UpdateConversation changes a conversation and returns it as it is then.
// Nothing is written if nothing would change, because Bird tells every write
// by a webhook. Whether Bird merges attributes or replaces them is not
// documented, so they are read first and written as a whole; of two programs
// that change them at the same moment, one may lose.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-api/update-conversation.
func (a *Adapter) UpdateConversation(ctx context.Context, id string, edit ConversationEdit) (*Conversation, error) {
	c, _, err := a.editConversation(ctx, id, edit)
	return c, err
}

func (a *Adapter) editConversation(ctx context.Context, id string, edit ConversationEdit) (*Conversation, *httpx.Response, error) {
	c, err := a.Conversation(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	body := edit.change(c)
	if len(body) == 0 {
		return c, nil, nil
	}
	r := request{op: opUpdateConversation, ref: conversationRef(id), method: http.MethodPatch, path: a.conversation(id), body: body}
	var after Conversation
	res, err := a.call(ctx, r, &after)
	if err != nil {
		return nil, res, err
	}
	if after.ID != "" {
		c = &after
	}
	return c, res, nil
}

// change makes the edit in c and returns what is to be written.
func (e *ConversationEdit) change(c *Conversation) map[string]any {
	body := map[string]any{}
	if e.Name != "" && e.Name != c.Name {
		body["name"], c.Name = e.Name, e.Name
	}
	if e.Status != "" && e.Status != c.Status {
		body["status"], c.Status = e.Status, e.Status
	}
	merged := map[string]string{}
	maps.Copy(merged, c.Attributes)
	for key, v := range e.Attributes {
		if c.Attributes[key] != v { // an empty text and none are the same
			merged[key] = v
		}
	}
	if !maps.Equal(merged, c.Attributes) {
		body["attributes"], c.Attributes = merged, merged
	}
	return body
}

// SendNote writes a note into a conversation that agents see and the customer
// does not: Bird keeps it as a draft. Bird knows no idempotency key, so the
// reference, the caller's own name of the note, is looked for among the latest
// 100 messages; a note that is there already is returned as it is.
// See https://docs.bird.com/api/conversations-api/api-reference/conversation-messages.
func (a *Adapter) SendNote(ctx context.Context, conversationID, text, reference string) (*Message, error) {
	c, err := a.Conversation(ctx, conversationID)
	if err != nil {
		return nil, err
	}
	if m, err := a.messageByReference(ctx, conversationID, reference); m != nil || err != nil {
		return m, err
	}
	m, _, err := a.post(ctx, "bird: send note", c, map[string]any{"body": textBody(text), "draft": true, "reference": reference})
	return m, err
}

// messageByReference looks for a message among the latest of a conversation.
func (a *Adapter) messageByReference(ctx context.Context, conversationID, reference string) (*Message, error) {
	if reference == "" {
		return nil, nil
	}
	latest, err := a.latest(ctx, conversationID)
	if err != nil {
		return nil, err
	}
	for i := range latest {
		if latest[i].Reference == reference {
			return &latest[i], nil
		}
	}
	return nil, nil
}
