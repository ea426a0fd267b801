package bird

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A Message is one message of a conversation.
// See https://docs.bird.com/api/conversations-api/api-reference/conversation-messages.
type Message struct {
	ID             string
	ConversationID string
	Reference      string // what its sender calls it
	Sender         Participant
	// Draft marks a message that was not delivered to the customer: an
	// internal note.
	Draft     bool
	Status    string // accepted, processing, sent, delivered, read, …
	Source    string // "channels" when it came from the channel, else "conversations"
	Body      Body
	CreatedAt time.Time
	UpdatedAt time.Time
}

// A Body is what a message says.
type Body struct {
	// Type is text, html, file, image or another of Bird's; "template" for a
	// message that was sent by a template.
	Type string
	// Text is the text, of an e-mail its plain form, of media the caption.
	Text string
	// HTML and Subject are an e-mail's. HTML is as its sender wrote it: do
	// not show it unescaped.
	HTML, Subject string
	Files         []File
}

// A File is a medium of a message.
type File struct {
	Name        string
	ContentType string
	// URL is at Bird's media host, which asks for the access key and answers
	// with an address that holds for 15 minutes.
	URL string
}

// Inbound reports whether the customer sent the message.
func (m *Message) Inbound() bool { return m.Sender.Inbound() }

// UnmarshalJSON takes a message from any answer; all fields are optional.
func (m *Message) UnmarshalJSON(data []byte) error {
	var w struct {
		ID             string          `json:"id"`
		ConversationID string          `json:"conversationId"`
		Reference      string          `json:"reference"`
		Sender         Participant     `json:"sender"`
		Draft          bool            `json:"draft"`
		Status         string          `json:"status"`
		Source         string          `json:"source"`
		Body           Body            `json:"body"`
		Template       json.RawMessage `json:"template"`
		CreatedAt      moment          `json:"createdAt"`
		UpdatedAt      moment          `json:"updatedAt"`
	}
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*m = Message{ID: w.ID, ConversationID: w.ConversationID, Reference: w.Reference, Sender: w.Sender, Draft: w.Draft,
		Status: w.Status, Source: w.Source, Body: w.Body, CreatedAt: w.CreatedAt.Time, UpdatedAt: w.UpdatedAt.Time}
	if m.Body.Type == "" && len(w.Template) > 0 && !bytes.Equal(w.Template, []byte("null")) {
		m.Body.Type = "template"
	}
	return nil
}

// part is the part of a body that is named like its type. The types differ in
// the names of their media only.
type part struct {
	Text     string `json:"text"`
	HTML     string `json:"html"`
	Metadata struct {
		Subject string `json:"subject"`
	} `json:"metadata"`
	Files  []media `json:"files"`
	Images []media `json:"images"`
	media
}

type media struct {
	ContentType string `json:"contentType"`
	MediaURL    string `json:"mediaUrl"`
	Filename    string `json:"filename"`
	AltText     string `json:"altText"`
}

// UnmarshalJSON takes the body of a message. A part in an unknown form is
// passed over: the message counts, even if nobody can tell what it says.
func (b *Body) UnmarshalJSON(data []byte) error {
	var parts map[string]json.RawMessage
	if json.Unmarshal(data, &parts) != nil {
		return nil
	}
	*b = Body{}
	_ = json.Unmarshal(parts["type"], &b.Type) // b.Type stays "" where it is no text
	var p part
	if json.Unmarshal(parts[b.Type], &p) != nil {
		return nil
	}
	b.Text, b.HTML, b.Subject = p.Text, p.HTML, p.Metadata.Subject
	for _, f := range append(slices.Concat(p.Files, p.Images), p.media) {
		if f.MediaURL != "" {
			b.Files = append(b.Files, File{Name: cmp.Or(f.Filename, f.AltText), ContentType: f.ContentType, URL: f.MediaURL})
		}
	}
	return nil
}

// words returns the text, of an e-mail that has none that of its HTML.
func (b *Body) words() string {
	if strings.TrimSpace(b.Text) == "" {
		return strings.TrimSpace(stripped(b.HTML))
	}
	return b.Text
}

// mostMessages bounds what [Adapter.Messages] reads of one conversation.
const mostMessages = 10_000

// Messages returns the messages of a conversation that were created at or after
// since, all of them for the zero time, oldest first. Of a conversation with
// more than 10,000 it returns the latest 10,000. Drafts are among them.
func (a *Adapter) Messages(ctx context.Context, conversationID string, since time.Time) ([]Message, error) {
	query := url.Values{}
	if !since.IsZero() {
		// Bird means "after"; a moment earlier, so that none at since is left out.
		query.Set("dateFrom", since.Add(-time.Millisecond).UTC().Format(time.RFC3339Nano))
	}
	found, err := all[Message](ctx, a, request{op: "bird: list messages", ref: conversationRef(conversationID),
		path: a.conversation(conversationID) + "/messages", query: query, most: mostMessages})
	if err != nil {
		return nil, err
	}
	found = slices.DeleteFunc(found, func(m Message) bool { return m.CreatedAt.Before(since) })
	return placed(found, conversationID), nil
}

// latest returns the last messages of a conversation, at most 100, oldest
// first.
func (a *Adapter) latest(ctx context.Context, conversationID string) ([]Message, error) {
	var p page[Message]
	_, err := a.call(ctx, request{op: "bird: list messages", ref: conversationRef(conversationID), method: http.MethodGet,
		path: a.conversation(conversationID) + "/messages", query: url.Values{"limit": {pageSize}}}, &p)
	return placed(p.Results, conversationID), err
}

// placed tells messages their conversation and sorts them.
func placed(messages []Message, conversationID string) []Message {
	for i := range messages {
		messages[i].ConversationID = cmp.Or(messages[i].ConversationID, conversationID)
	}
	oldestFirst(messages, func(m *Message) (time.Time, string) { return m.CreatedAt, m.ID })
	return messages
}

// Message returns one message. A message that a webhook tells of may not be
// there yet; the error's action is then NotFound, and asking again helps.
func (a *Adapter) Message(ctx context.Context, conversationID, id string) (*Message, error) {
	r := request{op: "bird: get message", ref: messageRef(id), method: http.MethodGet, path: a.conversation(conversationID) + "/messages/" + id}
	if err := cmp.Or(checkID(r.op, conversationRef(conversationID)), checkID(r.op, r.ref)); err != nil {
		return nil, err
	}
	var m Message
	if _, err := a.call(ctx, r, &m); err != nil {
		return nil, err
	}
	if m.ID == "" {
		return nil, r.unanswered(errNoID)
	}
	m.ConversationID = cmp.Or(m.ConversationID, conversationID)
	return &m, nil
}

func messageRef(id string) sync.Ref { return sync.Ref{System: System, Kind: messageKind, ID: id} }
