package bird

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A Conversation is a thread of messages with a customer.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-api.
type Conversation struct {
	ID          string
	Name        string // what agents see; on e-mail channels the subject
	Description string
	Summary     string
	Status      string // "active" or "closed"; see [Conversation.Open]
	Visibility  string // "public" or "private"
	// Style is "default" for conversations with customers; others are among
	// the workspace's own people.
	Style         string
	PlatformStyle string // "direct", "direct-multiple", "direct-threaded" or "email"
	ChannelID     string
	// Featured are at most five of those taking part; [Adapter.Participants]
	// tells all of them.
	Featured  []Participant
	Initiator Participant
	// LastMessage is zero where Bird leaves it out.
	LastMessage Preview
	// LastIncomingAt and LastOutgoingAt are zero where Bird tells none.
	LastIncomingAt, LastOutgoingAt time.Time
	Attributes                     map[string]string
	CreatedAt, UpdatedAt           time.Time
}

// A Preview is what a conversation shows of its last message. Its text is cut
// at about 140 characters.
type Preview struct {
	ID        string
	Type      string // of the body: text, html, file, image, …
	Text      string
	Status    string
	Sender    Participant
	CreatedAt time.Time
}

// Open reports whether messages can be sent. Bird documents no list of the
// states, and everything that is not active refuses messages.
func (c *Conversation) Open() bool { return c.Status == "active" }

// UnmarshalJSON takes a conversation from any answer or event; all fields are
// optional, and a time in an unknown form is zero.
func (c *Conversation) UnmarshalJSON(data []byte) error {
	var w struct {
		ID            string                `json:"id"`
		Name          string                `json:"name"`
		Description   string                `json:"description"`
		Summary       string                `json:"summary"`
		Status        string                `json:"status"`
		Visibility    string                `json:"visibility"`
		Style         string                `json:"style"`
		PlatformStyle string                `json:"platformStyle"`
		ChannelID     string                `json:"channelId"`
		Featured      []Participant         `json:"featuredParticipants"`
		Initiator     Participant           `json:"initiatingParticipant"`
		LastMessage   Preview               `json:"lastMessage"`
		IncomingAt    moment                `json:"lastMessageIncomingAt"`
		OutgoingAt    moment                `json:"lastMessageOutgoingAt"`
		Attributes    map[string]sync.Value `json:"attributes"`
		CreatedAt     moment                `json:"createdAt"`
		UpdatedAt     moment                `json:"updatedAt"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*c = Conversation{ID: w.ID, Name: w.Name, Description: w.Description, Summary: w.Summary, Status: w.Status,
		Visibility: w.Visibility, Style: w.Style, PlatformStyle: w.PlatformStyle, ChannelID: w.ChannelID,
		Featured: w.Featured, Initiator: w.Initiator, LastMessage: w.LastMessage,
		LastIncomingAt: w.IncomingAt.Time, LastOutgoingAt: w.OutgoingAt.Time, Attributes: texts(w.Attributes),
		CreatedAt: w.CreatedAt.Time, UpdatedAt: w.UpdatedAt.Time}
	return nil
}

// UnmarshalJSON takes the preview of a message.
func (p *Preview) UnmarshalJSON(data []byte) error {
	var w struct {
		ID      string `json:"id"`
		Type    string `json:"type"`
		Preview struct {
			Text string `json:"text"`
		} `json:"preview"`
		Status    string      `json:"status"`
		Sender    Participant `json:"sender"`
		CreatedAt moment      `json:"createdAt"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*p = Preview{ID: w.ID, Type: w.Type, Text: w.Preview.Text, Status: w.Status, Sender: w.Sender, CreatedAt: w.CreatedAt.Time}
	return nil
}

// texts keeps attributes as texts, which they are documented to be.
func texts(values map[string]sync.Value) map[string]string {
	if values == nil {
		return nil
	}
	out := make(map[string]string, len(values))
	for key, v := range values {
		out[key] = v.String()
	}
	return out
}

// The kinds of what is read and written beside records, as errors name them.
const (
	messageKind  sync.Kind = "message"
	feedItemKind sync.Kind = "feeditem"
)

func conversationRef(id string) sync.Ref {
	return sync.Ref{System: System, Kind: ConversationKind, ID: id}
}

// conversation returns the path of a conversation.
func (a *Adapter) conversation(id string) string { return a.workspace + "/conversations/" + id }

// checkID refuses what cannot be an id, before it gets into a path.
func checkID(op string, ref sync.Ref) error {
	if idPattern.MatchString(ref.ID) {
		return nil
	}
	return &sync.Error{Op: op, Action: sync.NotFound, Ref: ref, Rule: string(ref.Kind) + ".id",
		Hint: "an id of Bird is a UUID", Err: errors.New("nothing can have this id")}
}

// Conversation returns one conversation.
func (a *Adapter) Conversation(ctx context.Context, id string) (*Conversation, error) {
	var c Conversation
	r := request{op: "bird: get conversation", ref: conversationRef(id), method: http.MethodGet, path: a.conversation(id)}
	if err := checkID(r.op, r.ref); err != nil {
		return nil, err
	}
	if _, err := a.call(ctx, r, &c); err != nil {
		return nil, err
	}
	if c.ID == "" {
		return nil, r.unanswered(errNoID)
	}
	return &c, nil
}

// Conversations returns all conversations that a contact takes part in, oldest
// first. It asks by participant: the list of all conversations is in the order
// of their beginnings, so that it misses the threads of contacts who return.
func (a *Adapter) Conversations(ctx context.Context, contact sync.Ref) ([]Conversation, error) {
	r := request{op: "bird: list conversations", ref: contact, path: a.workspace + "/participants/" + contact.ID + "/conversations"}
	found, err := all[Conversation](ctx, a, r)
	if err != nil {
		return nil, err
	}
	oldestFirst(found, func(c *Conversation) (time.Time, string) { return c.CreatedAt, c.ID })
	return found, nil
}
