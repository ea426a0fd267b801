package bird

import (
	"context"
	"time"
)

// A Thread is a conversation with what was said in it, for a [Summarizer].
// Participants may be left out: the featured ones and the messages' senders
// are known anyway.
type Thread struct {
	Conversation Conversation
	Participants []Participant
	Messages     []Message
}

// Thread reads a conversation with its messages that were created at or after
// since, all of them for the zero time. It makes a call for the conversation,
// one for each hundred messages, and another for the participants where Bird
// features only some of them.
func (a *Adapter) Thread(ctx context.Context, conversationID string, since time.Time) (Thread, error) {
	c, err := a.Conversation(ctx, conversationID)
	if err != nil {
		return Thread{}, err
	}
	t := Thread{Conversation: *c}
	if len(c.Featured) >= mostFeatured {
		if t.Participants, err = a.Participants(ctx, conversationID); err != nil {
			return Thread{}, err
		}
	}
	if t.Messages, err = a.Messages(ctx, conversationID, since); err != nil {
		return Thread{}, err
	}
	return t, nil
}

// mostFeatured is how many participants a conversation features at the most.
// See https://docs.bird.com/api/conversations-api/api-reference/conversations-api.
const mostFeatured = 5
