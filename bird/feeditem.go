package bird

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A FeedItem is a conversation as the Inbox lists it. Its id is not the
// conversation's.
// See https://docs.bird.com/api/collaborations-api.
type FeedItem struct {
	ID             string `json:"id"`
	FeedID         string `json:"feedId"` // such as "channel:" and the channel's id
	ConversationID string `json:"conversationId"`
	Closed         bool   `json:"closed"`
	TeamID         string `json:"teamId"`
	AgentID        string `json:"agentId"`
}

// FeedItems returns the Inbox's items of the conversations. An item appears
// some seconds after its conversation.
func (a *Adapter) FeedItems(ctx context.Context, conversationIDs ...string) ([]FeedItem, error) {
	r := request{op: "bird: search feed items", method: http.MethodPost, path: a.workspace + "/search/feed-items",
		body: map[string]any{"conversationIds": conversationIDs}}
	if len(conversationIDs) == 1 {
		r.ref = conversationRef(conversationIDs[0])
	}
	return all[FeedItem](ctx, a, r)
}

// An Assignment says who shall have a conversation; an empty id is nobody.
type Assignment struct{ TeamID, AgentID string }

// How often [Adapter.AssignFeedItem] looks for the item and tries to change
// it, and how long it waits before it looks again.
const (
	assignTries = 3
	assignPause = 2 * time.Second
)

// AssignFeedItem gives a conversation to a team or an agent, and reopens it
// first if it is closed: Bird refuses to do both in one call. When somebody
// changed the item meanwhile, it looks again and goes on from there.
//
// The error's action is Conflict when the item cannot be reopened because the
// contact has another active conversation, which nobody but the caller can
// choose between; NotFound when the conversation has no item, after having
// waited for it; Retry when others keep changing it.
func (a *Adapter) AssignFeedItem(ctx context.Context, conversationID string, to Assignment) error {
	var err error
	for n := range assignTries {
		if n > 0 {
			if stopped := pause(ctx, assignPause); stopped != nil {
				return stopped
			}
		}
		var item FeedItem
		if item, err = a.feedItem(ctx, conversationID); err == nil {
			err = a.assign(ctx, item, to)
		}
		if !passes(err) {
			return err
		}
	}
	if isAction(err, sync.Conflict) {
		return &sync.Error{Op: "bird: assign feed item", Action: sync.Retry, Ref: conversationRef(conversationID),
			Rule: "feeditem.settled", Hint: "others change the item at the same time; try again later", Err: err}
	}
	return err
}

// passes reports whether looking at the item again may help: it is not there
// yet, or not there any more, or was changed. A contact's other active
// conversation stays.
func passes(err error) bool {
	var api *APIError
	switch {
	case isAction(err, sync.NotFound):
		return true
	case isAction(err, sync.Conflict):
		return errors.As(err, &api) && api.Code != "ResourceAlreadyExists"
	case isAction(err, sync.Invalid): // it was closed before it was assigned
		return true
	}
	return false
}

// feedItem finds the item of a conversation.
func (a *Adapter) feedItem(ctx context.Context, conversationID string) (FeedItem, error) {
	ref := conversationRef(conversationID)
	items, err := a.FeedItems(ctx, conversationID)
	if err != nil {
		return FeedItem{}, err
	}
	for _, item := range items {
		if idPattern.MatchString(item.ID) && feedPattern.MatchString(item.FeedID) {
			return item, nil
		}
	}
	return FeedItem{}, &sync.Error{Op: "bird: search feed items", Action: sync.NotFound, Ref: ref, Rule: "feeditem.exists",
		Hint: "Bird lists a conversation in the Inbox some seconds after it began", Err: errors.New("the conversation has no feed item")}
}

// feedPattern matches what may be the id of a feed, which has a prefix.
var feedPattern = regexp.MustCompile(`^[A-Za-z0-9_:-]{1,128}$`)

// assign reopens the item if it must and then assigns it.
func (a *Adapter) assign(ctx context.Context, item FeedItem, to Assignment) error {
	if item.Closed {
		if err := a.patchFeedItem(ctx, item, map[string]any{"closed": false}); err != nil {
			return err
		}
	}
	if item.TeamID == to.TeamID && item.AgentID == to.AgentID && !item.Closed {
		return nil
	}
	return a.patchFeedItem(ctx, item, map[string]any{"teamId": orNull(to.TeamID), "agentId": orNull(to.AgentID)})
}

func (a *Adapter) patchFeedItem(ctx context.Context, item FeedItem, body map[string]any) error {
	_, err := a.call(ctx, request{op: "bird: change feed item", ref: sync.Ref{System: System, Kind: feedItemKind, ID: item.ID},
		method: http.MethodPatch, path: a.workspace + "/feeds/" + item.FeedID + "/items/" + item.ID, body: body}, nil)
	return err
}

func orNull(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// pause waits, or returns the error of a context that ends first.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
