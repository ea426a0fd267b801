package bird

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/sync"
)

var _ sync.Relater = (*Adapter)(nil)

// relatedThreads is in how many conversations Related looks for messages.
const relatedThreads = 10

// Related implements [sync.Relater] for messages of a contact, or of a
// conversation: those with a reference, that programs sent, among the latest 100 of
// each of the ten conversations in which something happened last.
func (a *Adapter) Related(ctx context.Context, of sync.Ref, kind sync.Kind) ([]sync.Ref, error) {
	if err := checkKind("bird: related", kind, MessageKind); err != nil {
		return nil, err
	}
	if err := checkKind("bird: related", of.Kind, Contact, ConversationKind); err != nil {
		return nil, err
	}
	threads := []Conversation{{ID: of.ID}}
	if of.Kind == Contact {
		var err error
		if threads, err = a.Conversations(ctx, of); err != nil {
			return nil, err
		}
		lastFirst(threads)
	}
	var refs []sync.Ref
	for i := range threads[:min(len(threads), relatedThreads)] {
		messages, err := a.latest(ctx, threads[i].ID)
		if err != nil {
			return nil, err
		}
		for k := range messages {
			if m := &messages[k]; m.Reference != "" && !m.Inbound() {
				refs = append(refs, messageRecord(m).Ref)
			}
		}
	}
	return refs, nil
}

// readMessages reads messages by the ids that a write or Related gave.
func (a *Adapter) readMessages(ctx context.Context, ids []string) ([]sync.Record, error) {
	records := make([]sync.Record, len(ids))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, id := range ids {
		g.Go(func() error {
			conversation, message, _ := strings.Cut(id, ":")
			m, err := a.Message(gctx, conversation, message)
			switch {
			case isAction(err, sync.NotFound):
				records[i] = sync.Record{Ref: messageRef(id), Deleted: true}
				return nil
			case err != nil:
				return err
			}
			records[i] = messageRecord(m)
			return nil
		})
	}
	return records, g.Wait()
}

// messageRecord turns a message into a record.
func messageRecord(m *Message) sync.Record {
	id := m.ConversationID + ":" + m.ID
	return sync.Record{Ref: messageRef(id), UpdatedAt: m.UpdatedAt, Fields: sync.Fields{sync.IDField: sync.Text(id),
		fieldReference: sync.Text(m.Reference), fieldText: sync.Text(m.Body.Text)}}
}
