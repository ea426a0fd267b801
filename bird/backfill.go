package bird

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// History returns what happened with a contact at or after since, from the
// beginning for the zero time, as facts, oldest first: conversations begun,
// handed over and closed, messages received, sent and failed. Each has the id
// that the webhooks and the Flows give it, so that a fact learnt twice is one.
// Internal notes are no facts.
//
// It asks for the contact's conversations and for the messages of those that
// moved since, a hundred at a time, the latest 10,000 of each, with the priority
// [sync.Backfill]: live work goes first. A conversation that is closed again
// and again shows its last closing only, and who took it over only if an AI
// employee is still known of or has written since.
func (a *Adapter) History(ctx context.Context, contact sync.Ref, since time.Time) ([]sync.Fact, error) {
	if err := checkKind("bird: history", contact.Kind, Contact); err != nil {
		return nil, err
	}
	ctx = sync.WithPriority(ctx, sync.Backfill)
	conversations, err := a.Conversations(ctx, contact)
	if err != nil {
		return nil, err
	}
	var facts []sync.Fact
	for i := range conversations {
		c := &conversations[i]
		if at := c.movedAt(); !at.IsZero() && at.Before(since) {
			continue
		}
		messages, err := a.spoken(ctx, c, since)
		if err != nil {
			return nil, err
		}
		facts = append(facts, c.history(contact, messages)...)
	}
	facts = slices.DeleteFunc(facts, func(f sync.Fact) bool { return f.OccurredAt.Before(since) })
	slices.SortStableFunc(facts, func(x, y sync.Fact) int {
		return cmp.Or(x.OccurredAt.Compare(y.OccurredAt), strings.Compare(x.ID, y.ID))
	})
	return facts, nil
}

// movedAt is when something last happened in the conversation, as far as it
// tells.
func (c *Conversation) movedAt() time.Time {
	return slices.MaxFunc([]time.Time{c.UpdatedAt, c.LastIncomingAt, c.LastOutgoingAt, c.LastMessage.CreatedAt}, time.Time.Compare)
}

// spoken returns the messages since that are no notes, and fills in what the
// conversation may leave out of its last one, by which a closing is known.
func (a *Adapter) spoken(ctx context.Context, c *Conversation, since time.Time) ([]Message, error) {
	isNote := func(m Message) bool { return m.Draft || m.ID == "" }
	messages, err := a.Messages(ctx, c.ID, since)
	if err != nil {
		return nil, err
	}
	messages = slices.DeleteFunc(messages, isNote)
	last := messages
	if c.LastMessage.ID == "" && !c.Open() && len(last) == 0 {
		if last, err = a.latest(ctx, c.ID); err != nil {
			return nil, err
		}
		last = slices.DeleteFunc(last, isNote)
	}
	if n := len(last); n > 0 && c.LastMessage.ID == "" {
		c.LastMessage.ID = last[n-1].ID
		c.LastMessage.CreatedAt = last[n-1].CreatedAt
	}
	return messages, nil
}

// history returns the facts of a conversation and its messages, in no order.
// Only of the closing it is known which state it had then.
func (c *Conversation) history(contact sync.Ref, messages []Message) []sync.Fact {
	was := *c
	was.Status = ""
	facts := []sync.Fact{was.started(contact)}
	known := map[string]bool{}
	handedOver := func(c Conversation) {
		for _, f := range c.handovers(contact) {
			if !known[f.ID] {
				known[f.ID] = true
				facts = append(facts, f)
			}
		}
	}
	bot := c.hasBot() || slices.ContainsFunc(messages, func(m Message) bool { return m.Sender.Type == BotParticipant })
	for i := range messages {
		m := &messages[i]
		facts = append(facts, was.said(contact, m))
		then := was
		then.Featured, then.LastMessage = nil, Preview{Sender: m.Sender, CreatedAt: m.CreatedAt}
		if bot {
			then.Attributes = map[string]string{botsAttribute: "some"}
		}
		handedOver(then)
	}
	handedOver(was)
	if c.Status != "" && !c.Open() {
		f := c.closed(contact)
		f.OccurredAt = c.movedAt()
		facts = append(facts, f)
	}
	return facts
}

// said returns the fact of a message, which is about its sender if that is
// another contact of the conversation.
func (c *Conversation) said(contact sync.Ref, m *Message) sync.Fact {
	if m.Inbound() && idPattern.MatchString(m.Sender.ID) {
		contact = ref(m.Sender.ID)
	}
	f := m.fact(contact)
	maps.Copy(f.Data, c.data())
	return f
}
