package bird

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const channelKind sync.Kind = "channel"

// channelMessage is a message as its channel sees it: the one of the same id
// in a conversation, but for who sent it.
// See https://docs.bird.com/api/channels-api/api-reference/messaging.
type channelMessage struct {
	Message
	channelID string
	contacts  []string // the customers that it is from or goes to
}

// UnmarshalJSON takes a message of a channel from an answer or an event. Its
// conversation is named by its context alone, as conversation:message:contact,
// and that may come later.
func (m *channelMessage) UnmarshalJSON(data []byte) error {
	type address struct {
		ID string `json:"id"`
	}
	var w struct {
		ID        string `json:"id"`
		ChannelID string `json:"channelId"`
		Status    string `json:"status"`
		Direction string `json:"direction"`
		Reference string `json:"reference"`
		Sender    struct {
			Contact address `json:"contact"`
		} `json:"sender"`
		Receiver struct {
			Contacts []address `json:"contacts"`
		} `json:"receiver"`
		Context struct {
			ID string `json:"id"`
		} `json:"context"`
		Body         Body            `json:"body"`
		Template     json.RawMessage `json:"template"`
		LastStatusAt moment          `json:"lastStatusAt"`
		CreatedAt    moment          `json:"createdAt"`
		UpdatedAt    moment          `json:"updatedAt"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	place := append(strings.Split(w.Context.ID, ":"), "", "")
	*m = channelMessage{channelID: w.ChannelID, Message: Message{ID: w.ID, ConversationID: place[0], Reference: w.Reference,
		Status: w.Status, Source: "channels", Body: w.Body, CreatedAt: w.CreatedAt.Time,
		UpdatedAt: latest(w.LastStatusAt.Time, w.UpdatedAt.Time)}}
	if m.Body.Type == "" && len(w.Template) > 0 && !bytes.Equal(w.Template, []byte("null")) {
		m.Body.Type = "template"
	}
	if w.Direction == "incoming" {
		m.Sender = Participant{ID: w.Sender.Contact.ID, Type: ContactParticipant}
	}
	ids := []string{w.Sender.Contact.ID}
	for _, c := range w.Receiver.Contacts {
		ids = append(ids, c.ID)
	}
	m.contacts = plainIDs(append(ids, place[2])...)
	return nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// plainIDs returns what may be ids, each once.
func plainIDs(ids ...string) []string {
	var plain []string
	seen := map[string]bool{}
	for _, id := range ids {
		if idPattern.MatchString(id) && !seen[id] {
			seen[id] = true
			plain = append(plain, id)
		}
	}
	return plain
}

// channelMessage returns one message as its channel sees it.
func (a *Adapter) channelMessage(ctx context.Context, channelID, id string) (*channelMessage, error) {
	r := request{op: "bird: get channel message", ref: messageRef(id), method: http.MethodGet,
		path: a.workspace + "/channels/" + channelID + "/messages/" + id}
	if err := cmp.Or(checkID(r.op, channelRef(channelID)), checkID(r.op, r.ref)); err != nil {
		return nil, err
	}
	var m channelMessage
	if _, err := a.call(ctx, r, &m); err != nil {
		return nil, err
	}
	if m.ID == "" {
		return nil, r.unanswered(errNoID)
	}
	return &m, nil
}

func channelRef(id string) sync.Ref { return sync.Ref{System: System, Kind: channelKind, ID: id} }
