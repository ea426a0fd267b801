package bird

import (
	"context"
	"maps"
	"net/http"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

var _ sync.Enricher = (*Adapter)(nil)

// Enrich implements [sync.Enricher]. It reads the message of a fact that has
// no text, or only a preview of it, and gives the fact the whole text, the kind
// of sender, and the latest status. A fact with a channel gets the name of its
// platform besides, such as "whatsapp", unless the key must not see channels.
// With Options.Summary a fact about a conversation, such as a tour, gets what
// was said up to then as the text "summary".
//
// Bird shows a message, and whose conversation it is of, some seconds after it
// tells of it: for half a minute after the fact the error's action is RetryAt.
// After that a message that is not there leaves the fact as it is.
//
// It makes one call for a message, or two when nothing told the conversation,
// one for each channel in the adapter's life, and those of [Adapter.Thread]
// for a summary.
func (a *Adapter) Enrich(ctx context.Context, f sync.Fact) (sync.Fact, error) {
	if f.Subject.System != System {
		return f, nil
	}
	f.Data = maps.Clone(f.Data)
	if partial(f) {
		m, err := a.messageOf(ctx, f)
		switch {
		case young(f) && (isAction(err, sync.NotFound) || err == nil && m.Body.Type == ""):
			return f, &sync.Error{Op: "bird: enrich", Action: sync.RetryAt, RetryAt: time.Now().Add(settleStep), Ref: messageRef(dataText(f, "message_id")),
				Rule: "message.exists", Hint: "Bird shows a message some seconds after it tells of it", Err: err}
		case err == nil:
			complete(f.Data, m)
		case !isAction(err, sync.NotFound):
			return f, err
		}
	}
	if err := a.nameChannel(ctx, f.Data); err != nil {
		return f, err
	}
	return f, a.summarise(ctx, f)
}

// summarise puts what was said so far into the data of a fact that is about a
// conversation and not about one message of it.
func (a *Adapter) summarise(ctx context.Context, f sync.Fact) error {
	conversation := dataText(f, "conversation_id")
	if a.opts.Summary == nil || conversation == "" || dataText(f, "message_id") != "" || f.Data["summary"] != nil {
		return nil
	}
	t, err := a.Thread(ctx, conversation, time.Time{})
	if isAction(err, sync.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	t.Messages = slices.DeleteFunc(t.Messages, func(m Message) bool { return m.CreatedAt.After(f.OccurredAt) && !f.OccurredAt.IsZero() })
	if len(t.Messages) == 0 {
		return nil
	}
	text, err := a.opts.Summary.Text(t)
	if err != nil {
		return err
	}
	f.Data["summary"] = text
	return nil
}

// How long a message may take to be shown, and how often it is looked for.
const (
	settleTime = 30 * time.Second
	settleStep = 2 * time.Second
)

// young reports whether what the fact is of may not be shown yet.
func young(f sync.Fact) bool { return time.Since(f.OccurredAt).Abs() < settleTime }

// partial reports whether the fact is of a message and does not tell all of
// it.
func partial(f sync.Fact) bool {
	switch f.Type {
	case factReceived, factSent, factFailed:
		return dataText(f, "message_id") != "" && (dataText(f, "text") == "" || dataText(f, "preview") != "")
	}
	return false
}

// dataText returns a field of the fact's data, "" if it is none or no text.
func dataText(f sync.Fact, name string) string {
	s, _ := f.Data[name].(string)
	return s
}

// messageOf reads the message of a fact: from its conversation, which knows
// the sender, and else from its channel.
func (a *Adapter) messageOf(ctx context.Context, f sync.Fact) (*Message, error) {
	id, conversation, channel := dataText(f, "message_id"), dataText(f, "conversation_id"), dataText(f, "channel_id")
	if conversation != "" {
		m, err := a.Message(ctx, conversation, id)
		if err == nil || channel == "" || !isAction(err, sync.NotFound) {
			return m, err
		}
	}
	seen, err := a.channelMessage(ctx, channel, id)
	if err != nil {
		return nil, err
	}
	if conversation == "" && seen.ConversationID != "" {
		m, err := a.Message(ctx, seen.ConversationID, id)
		if err == nil || !isAction(err, sync.NotFound) {
			return m, err
		}
	}
	return &seen.Message, nil
}

// complete puts what the message says into a fact's data. A status only moves
// forward: the answer may be older than the event.
func complete(data map[string]any, m *Message) {
	text := m.Body.words()
	for name, v := range present(map[string]any{"conversation_id": m.ConversationID, "sender_type": m.Sender.Type, "text": text}) {
		data[name] = v
	}
	if text != "" {
		delete(data, "preview")
	}
	was, _ := data["message_status"].(string)
	if MessageStatus(m.Status).After(MessageStatus(was)) {
		data["message_status"] = m.Status
	}
}

// platforms remembers the platforms of channels, which never change.
type platforms struct{ byChannel stdsync.Map }

// nameChannel puts the platform of the fact's channel into its data.
func (a *Adapter) nameChannel(ctx context.Context, data map[string]any) error {
	channel, _ := data["channel_id"].(string)
	if channel == "" || data["platform"] != nil {
		return nil
	}
	name, err := a.platform(ctx, channel)
	switch {
	case isAction(err, sync.NotFound), isAction(err, sync.Denied):
		return nil
	case err != nil:
		return err
	case name != "":
		data["platform"] = name
	}
	return nil
}

// platform returns the platform of a channel.
// See https://docs.bird.com/api/channels-api/api-reference/channels-management.
func (a *Adapter) platform(ctx context.Context, channel string) (string, error) {
	if name, ok := a.platforms.byChannel.Load(channel); ok {
		return name.(string), nil
	}
	var c struct {
		ID         string `json:"id"`
		PlatformID string `json:"platformId"`
	}
	r := request{op: "bird: get channel", ref: channelRef(channel), method: http.MethodGet, path: a.workspace + "/channels/" + channel}
	if err := checkID(r.op, r.ref); err != nil {
		return "", err
	}
	if _, err := a.call(ctx, r, &c); err != nil {
		return "", err
	}
	if c.ID == "" {
		return "", r.unanswered(errNoID)
	}
	a.platforms.byChannel.Store(channel, c.PlatformID)
	return c.PlatformID, nil
}
