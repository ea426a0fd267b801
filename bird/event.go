package bird

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// event is the envelope of Bird's webhooks. It has neither an id nor a time.
// See https://docs.bird.com/api/conversations-api/api-reference/events.
type event struct {
	Service string          `json:"service"`
	Event   string          `json:"event"`
	Payload json.RawMessage `json:"payload"`

	kinds   []sync.Kind // of which changes are wanted
	witness []string    // the fields that an event of a conversation is to claim
}

const eventDeleted = "conversation.deleted"

// A reading takes the items out of an event's payload. It gets the platform
// of an event of the channels, and the whole body.
type reading func(e *event, platform string, body []byte) ([]sync.Item, error)

// readings are the events by their names; a star is any platform. One without
// a function is known, but tells nothing that is wanted.
var readings = map[string]reading{
	"conversation.created": (*event).begun,
	"conversation.updated": (*event).updated,
	eventDeleted:           (*event).deleted,
	"*.inbound":            (*event).channelItems,
	"*.outbound":           (*event).channelItems,
	"*.interaction":        nil,
	"channel.created":      nil,
	"channel.updated":      nil,
	"voice.inbound":        nil, // calls are no messages
	"voice.outbound":       nil,
}

// items returns what the event means: a change for every contact taking part
// and for the conversation, as far as they are wanted, and its facts.
func (e *event) items(body []byte) ([]sync.Item, Outcome, error) {
	platform, verb, _ := strings.Cut(e.Event, ".")
	read, known := readings[e.Event]
	if !known {
		read, known = readings["*."+verb]
	}
	switch {
	case !known:
		return nil, Unknown, nil
	case read == nil:
		return nil, Ignored, nil
	}
	items, err := read(e, platform, body)
	switch {
	case err != nil:
		return nil, Malformed, err
	case len(items) == 0:
		return nil, Ignored, nil
	}
	return items, Enqueued, nil
}

// conversation reads the payload, and the changes that it means.
func (e *event) conversation(body []byte) (*Conversation, []sync.Item, sync.Ref, error) {
	var c Conversation
	if err := json.Unmarshal(e.Payload, &c); err != nil {
		return nil, nil, sync.Ref{}, err
	}
	state := []string{digest(body)}
	if c.ID != "" && !c.UpdatedAt.IsZero() {
		state = []string{c.ID, c.LastMessage.ID, c.LastMessage.Status, c.Status, strconv.FormatInt(c.UpdatedAt.UnixNano(), 36)}
	}
	contacts := c.contacts()
	var subject sync.Ref
	if len(contacts) > 0 {
		subject = ref(contacts[0])
	}
	items := e.changes(contacts, c.UpdatedAt, state...)
	if slices.Contains(e.kinds, ConversationKind) && c.withCustomer() && idPattern.MatchString(c.ID) {
		items = append(items, e.look(&c, body))
	}
	return &c, items, subject, nil
}

// look returns the change of the conversation itself. Any difference between
// two events may be one of its attributes, so the whole body is the state.
func (e *event) look(c *Conversation, body []byte) sync.Change {
	change := sync.Change{
		ID:         itemID("webhook", e.Event, c.ID, digest(body)),
		Ref:        conversationRef(c.ID),
		Reason:     sync.ReasonWebhook,
		OccurredAt: c.UpdatedAt,
		Priority:   sync.Live,
	}
	if e.Event != eventDeleted {
		change.Witness = c.witness(e.witness)
	}
	return change
}

// changes returns a change for each contact. The state names what the event
// tells of, the same for every delivery of it and another for the next: the
// ids of the requests are of no use for that.
func (e *event) changes(contacts []string, at time.Time, state ...string) []sync.Item {
	var items []sync.Item
	if !slices.Contains(e.kinds, Contact) {
		return nil
	}
	for _, id := range contacts {
		items = append(items, sync.Change{
			ID:         itemID(slices.Concat([]string{"webhook", e.Event}, state, []string{id})...),
			Ref:        ref(id),
			Reason:     sync.ReasonWebhook,
			OccurredAt: at,
			Priority:   sync.Live,
		})
	}
	return items
}

// contacts returns the ids of the contacts taking part, each once; the one
// that began comes first.
func (c *Conversation) contacts() []string {
	var ids []string
	for _, p := range slices.Concat([]Participant{c.Initiator, c.LastMessage.Sender}, c.Featured) {
		if p.Type == ContactParticipant {
			ids = append(ids, p.ID)
		}
	}
	return plainIDs(ids...)
}

func (e *event) begun(_ string, body []byte) ([]sync.Item, error) {
	c, items, subject, err := e.conversation(body)
	if err != nil || subject.Zero() || c.ID == "" {
		return items, err
	}
	return append(append(items, c.started(subject)), c.news(subject)...), nil
}

func (e *event) updated(_ string, body []byte) ([]sync.Item, error) {
	c, items, subject, err := e.conversation(body)
	if err != nil || subject.Zero() || c.ID == "" {
		return items, err
	}
	items = append(items, c.news(subject)...)
	if c.Status != "" && !c.Open() {
		items = append(items, c.closed(subject))
	}
	return items, nil
}

func (e *event) deleted(_ string, body []byte) ([]sync.Item, error) {
	_, items, _, err := e.conversation(body)
	return items, err
}

// news returns the facts that a conversation's state shows, whatever it was
// told for. They have been told before, mostly; their ids say so.
func (c *Conversation) news(subject sync.Ref) []sync.Item {
	var items []sync.Item
	if f, ok := c.lastFact(subject); ok {
		items = append(items, f)
	}
	for _, f := range c.handovers(subject) {
		items = append(items, f)
	}
	return items
}

// lastFact returns the last message as a fact, with as much of its text as the
// conversation shows.
func (c *Conversation) lastFact(subject sync.Ref) (sync.Fact, bool) {
	last := c.LastMessage
	if last.ID == "" || last.Sender.Type == "" {
		return sync.Fact{}, false
	}
	f := c.said(subject, &Message{ID: last.ID, ConversationID: c.ID, Sender: last.Sender, Status: last.Status,
		Body: Body{Type: last.Type, Text: last.Text}, CreatedAt: last.CreatedAt, UpdatedAt: c.UpdatedAt})
	if last.cut() {
		f.Data["preview"] = "true"
	}
	return f, true
}

// cut reports whether the message may say more than the preview. Bird cuts at
// about 140 characters, and nobody says of what kind; of an e-mail the
// preview may be anything.
func (p *Preview) cut() bool {
	return p.Text != "" && (len(p.Text) > 120 || p.Type != "text")
}

// channelItems takes what a channel tells of a message. Of one that goes out
// Bird tells every status, four or five times in all. The change has the
// message's id for all of them, because a message on its way changes nothing
// of the contact, and so has the fact, which the first one makes.
func (e *event) channelItems(platform string, body []byte) ([]sync.Item, error) {
	var m channelMessage
	if err := json.Unmarshal(e.Payload, &m); err != nil {
		return nil, err
	}
	if strings.HasSuffix(e.Event, ".inbound") {
		m.Sender.Type = ContactParticipant
	} else {
		m.Sender = Participant{} // the channel does not tell a person from an AI employee
	}
	state := m.ID
	if m.ID == "" {
		state = digest(body)
	}
	items := e.changes(m.contacts, m.UpdatedAt, state)
	if len(m.contacts) == 0 || m.ID == "" {
		return items, nil
	}
	f := m.fact(ref(m.contacts[0]))
	for k, v := range present(map[string]any{"channel_id": m.channelID, "platform": platform}) {
		f.Data[k] = v
	}
	return append(items, f), nil
}
