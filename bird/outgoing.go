package bird

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// MessageKind is the kind of a message to a customer, by which the other
// system has Bird say something. It is written once, by a [sync.Write] without
// an id, whose Related is the contact, or the conversation, and whose Fields are
//
//   - "reference", what its sender calls it: a message of the conversation that
//     has it already is not sent again;
//   - "text", or for a template of the workspace "template" with the id of its
//     project, "locale", "version" (the latest if left out) and its parameters
//     as "parameters.X": outside of the 24 hours after the customer's last
//     message WhatsApp takes templates only;
//   - "draft", "true" for a note that agents see and the customer does not;
//   - "channel_id", the channel of the conversation. Without one the contact's
//     open conversation is meant in which something happened last. With one a
//     conversation is begun where none is open, with the contact's phone, or
//     the identifier that "identifier_key" names.
//
// Its id is made of those of the conversation and of the message. Bird knows no
// idempotency key, so after an error that leaves the outcome open the engine
// looks for the reference by [Adapter.Related].
// See https://docs.bird.com/api/conversations-api/api-reference/conversation-messages.
const MessageKind = messageKind

// The fields of a message.
const (
	fieldReference     = "reference"
	fieldText          = "text"
	fieldTemplate      = "template"
	fieldLocale        = "locale"
	fieldVersion       = "version"
	fieldDraft         = "draft"
	fieldChannel       = "channel_id"
	fieldIdentifierKey = "identifier_key"
	parameterPrefix    = "parameters."
)

var messageFields = []string{fieldReference, fieldText, fieldTemplate, fieldLocale, fieldVersion, fieldDraft, fieldChannel, fieldIdentifierKey}

const opSendMessage = "bird: send message"

// applyMessage sends a message.
func (a *Adapter) applyMessage(ctx context.Context, w sync.Write) sync.Result {
	fail := func(err error, call string) sync.Result {
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err, Call: call}
	}
	if err := checkMessage(&w); err != nil {
		return fail(err, "")
	}
	c, err := a.addressed(ctx, &w)
	if err != nil {
		return fail(err, "")
	}
	m, err := a.messageByReference(ctx, c.ID, w.Fields[fieldReference].String())
	if err != nil {
		return fail(err, "")
	}
	if m != nil {
		return sync.Result{Record: messageRecord(m)}
	}
	m, res, err := a.post(ctx, opSendMessage, c, contentOf(w.Fields))
	if err != nil {
		return fail(err, callID(res))
	}
	return sync.Result{Record: messageRecord(m), Created: true, Call: callID(res)}
}

// checkMessage names what makes a write no message.
func checkMessage(w *sync.Write) error {
	bad := func(field, rule, hint string) error {
		return &sync.Error{Op: opSendMessage, Action: sync.Invalid, Ref: w.Ref, Field: field, Rule: rule, Hint: hint, Err: errors.New("the message cannot be sent")}
	}
	for _, name := range slices.Sorted(maps.Keys(w.Fields)) {
		if !slices.Contains(messageFields, name) && !strings.HasPrefix(name, parameterPrefix) {
			return bad(name, "message.fields", "a message has no such field; see bird.MessageKind")
		}
	}
	switch {
	case w.Ref.ID != "" || w.Delete:
		return bad("", "message.once", "a message that was sent can neither be changed nor taken back")
	case w.Fields[fieldReference].Blank():
		return bad(fieldReference, "message.reference", "give the message a reference that is the same when it is sent again")
	case w.Fields[fieldText].Blank() == w.Fields[fieldTemplate].Blank():
		return bad(fieldText, "message.content", "give the message either a text or a template")
	case len(w.Related) != 1 || w.Related[0].Kind != Contact && w.Related[0].Kind != ConversationKind:
		return bad("", "message.related", "name the contact or the conversation")
	}
	return checkID(opSendMessage, w.Related[0])
}

// contentOf is what a message says, as Bird reads it.
func contentOf(f sync.Fields) map[string]any {
	body := map[string]any{"reference": f[fieldReference].String()}
	if f[fieldDraft].String() == "true" {
		body["draft"] = true
	}
	if f[fieldTemplate].Blank() {
		body["body"] = textBody(f[fieldText].String())
		return body
	}
	parameters := []map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if key, ok := strings.CutPrefix(name, parameterPrefix); ok {
			parameters = append(parameters, map[string]string{"type": "string", "key": key, "value": f[name].String()})
		}
	}
	body["template"] = map[string]any{"projectId": f[fieldTemplate].String(), "version": cmp.Or(f[fieldVersion].String(), "latest"),
		"locale": f[fieldLocale].String(), "parameters": parameters}
	return body
}

// post puts a message into a conversation. A program may speak as a flow of the
// channel; what an access key's own id is, Bird does not tell.
func (a *Adapter) post(ctx context.Context, op string, c *Conversation, content map[string]any) (*Message, *httpx.Response, error) {
	body := map[string]any{"participantType": FlowParticipant, "participantId": c.ChannelID, "addMissingParticipants": true}
	maps.Copy(body, content)
	r := request{op: op, ref: conversationRef(c.ID), method: http.MethodPost, path: a.conversation(c.ID) + "/messages", body: body}
	var m Message
	res, err := a.call(ctx, r, &m)
	if err == nil && m.ID == "" {
		err = r.unanswered(errNoID)
	}
	if err != nil {
		return nil, res, err
	}
	m.ConversationID = cmp.Or(m.ConversationID, c.ID)
	return &m, res, nil
}

// addressed returns the conversation into which a message goes.
func (a *Adapter) addressed(ctx context.Context, w *sync.Write) (*Conversation, error) {
	to, channel := w.Related[0], w.Fields[fieldChannel].String()
	if to.Kind == ConversationKind {
		return a.Conversation(ctx, to.ID)
	}
	found, err := a.Conversations(ctx, to)
	if err != nil {
		return nil, err
	}
	lastFirst(found)
	for i := range found {
		if c := &found[i]; c.Open() && c.ChannelID != "" && (channel == "" || c.ChannelID == channel) {
			return c, nil
		}
	}
	if channel == "" {
		return nil, &sync.Error{Op: opSendMessage, Action: sync.Invalid, Ref: to, Rule: "message.conversation",
			Hint: "name a channel on which to begin a conversation", Err: errors.New("the contact has no open conversation")}
	}
	return a.begun(ctx, w, channel)
}

// lastFirst sorts conversations, those first in which something happened last.
func lastFirst(list []Conversation) {
	slices.SortStableFunc(list, func(x, y Conversation) int { return y.movedAt().Compare(x.movedAt()) })
}

// begun begins a conversation in which nothing is said yet, so that it is
// harmless to do so twice.
func (a *Adapter) begun(ctx context.Context, w *sync.Write, channel string) (*Conversation, error) {
	to, key := w.Related[0], cmp.Or(w.Fields[fieldIdentifierKey].String(), phoneKey)
	c, err := a.getWhole(ctx, to.ID)
	if err != nil {
		return nil, err
	}
	values := c.identifiers(key)
	if len(values) == 0 {
		return nil, &sync.Error{Op: opSendMessage, Action: sync.Invalid, Ref: to, Field: key, Rule: "message.address",
			Hint: "the contact needs an identifier of the channel", Err: errors.New("the contact cannot be reached on the channel")}
	}
	id, _, err := a.StartConversation(ctx, ConversationStart{Name: cmp.Or(c.ComputedDisplayName, to.ID), ChannelID: channel,
		IdentifierKey: key, IdentifierValue: values[0]})
	if err != nil {
		return nil, err
	}
	return a.Conversation(ctx, id)
}
