package bird

import (
	"context"
	"errors"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// conversationRecord turns a conversation into a record with the fields asked
// for. It is not whole where a missing field may not be blank.
func (a *Adapter) conversationRecord(c *Conversation) (rec sync.Record, whole bool) {
	rec = sync.Record{Ref: conversationRef(c.ID), Fields: c.fields(a.opts.Conversations), UpdatedAt: c.UpdatedAt}
	if !a.tellsPlatform || c.ChannelID == "" {
		return rec, c.whole()
	}
	platform, known := a.platforms.of(c.ChannelID)
	if platform != "" {
		rec.Fields[FieldPlatform] = sync.Text(platform)
	}
	return rec, known && c.whole()
}

// readConversation returns one conversation as a record; one that does not
// exist is marked Deleted.
func (a *Adapter) readConversation(ctx context.Context, id string) (sync.Record, error) {
	sent := time.Now()
	c, err := a.Conversation(ctx, id)
	if isAction(err, sync.NotFound) {
		a.talks.forget(id, sent)
		a.talkWalk.read(id, false)
		return sync.Record{Ref: conversationRef(id), Deleted: true}, nil
	}
	if err != nil {
		return sync.Record{}, err
	}
	if err := a.fillConversation(ctx, c); err != nil {
		return sync.Record{}, err
	}
	a.talks.remember(c, sent)
	a.talkWalk.read(id, true)
	rec, _ := a.conversationRecord(c)
	return rec, nil
}

// fillConversation finds out what the conversation itself does not tell: a contact who
// is not featured, and the platform of its channel, once for each channel.
func (a *Adapter) fillConversation(ctx context.Context, c *Conversation) (err error) {
	if c.crowded() {
		if c.Featured, err = a.Participants(ctx, c.ID); err != nil {
			return err
		}
	}
	if !a.tellsPlatform || c.ChannelID == "" {
		return nil
	}
	_, err = a.platform(ctx, c.ChannelID)
	if isAction(err, sync.NotFound) {
		a.platforms.byChannel.Store(c.ChannelID, "") // deleted, and for good
		return nil
	}
	return err
}

// of returns what is known of a channel's platform.
func (p *platforms) of(channel string) (name string, known bool) {
	v, known := p.byChannel.Load(channel)
	name, _ = v.(string)
	return name, known
}

// findConversation finds a conversation for a match.
func (a *Adapter) findConversation(ctx context.Context, key sync.Key) ([]sync.Record, error) {
	if key.Name != sync.IDField {
		return nil, &sync.Error{Op: "bird: match", Action: sync.Fatal, Field: key.Name, Rule: "key.id",
			Hint: "recognise conversations by their id", Err: errors.New("no search for conversations")}
	}
	return living(a.readConversation(ctx, key.Value.String()))
}
