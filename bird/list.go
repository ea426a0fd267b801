package bird

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/sync"
)

// List implements [sync.Lister] for contacts and conversations, a hundred a
// page, out of the quota of reads and with the priority of the context. The
// cursor is Bird's page token. What the list leaves out of a record, such as an
// identifier that is not featured, is read besides. Bird tells no total.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/list-contacts
// and https://docs.bird.com/api/conversations-api/api-reference/conversations-api/list-conversations.
func (a *Adapter) List(ctx context.Context, kind sync.Kind, after sync.Cursor) (sync.ListPage, error) {
	switch kind {
	case Contact:
		return listPage(ctx, a.contactRoll(), after, a.listedContact)
	case ConversationKind:
		return listPage(ctx, a.conversationRoll(), after, a.listedConversation)
	}
	return sync.ListPage{}, checkKind("bird: list", kind, Contact, ConversationKind)
}

// listPage reads one page and completes its records side by side. Null records
// and those without an id are passed over.
func listPage[S versioned](ctx context.Context, r *roll[S], after sync.Cursor, record func(context.Context, S) (sync.Record, error)) (sync.ListPage, error) {
	query := url.Values{"limit": {pageSize}}
	if after != "" {
		query.Set("pageToken", string(after))
	}
	var p page[S]
	req := request{op: r.op(), method: http.MethodGet, path: r.path, query: query}
	if _, err := r.a.call(ctx, req, &p); err != nil {
		return sync.ListPage{}, err
	}
	next := sync.Cursor(p.NextPageToken)
	if next != "" && next == after {
		return sync.ListPage{}, req.unanswered(errors.New("the page token leads back to its own page"))
	}
	records := make([]sync.Record, len(p.Results))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	var none S
	for i, rec := range p.Results {
		if rec == none {
			continue
		}
		g.Go(func() (err error) {
			records[i], err = record(gctx, rec)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return sync.ListPage{}, err
	}
	out := sync.ListPage{Next: next, More: next != ""}
	if !out.More {
		out.Next = after // what comes after the end is the last page again, not the first
	}
	for _, rec := range records {
		if rec.ID != "" && !rec.Deleted {
			out.Records = append(out.Records, rec)
		}
	}
	return out, nil
}

func (a *Adapter) listedContact(ctx context.Context, c *contact) (sync.Record, error) {
	if c.ID != "" && !c.complete(a.places) {
		if err := a.fillIdentifiers(ctx, c); err != nil && !isAction(err, sync.NotFound) {
			return sync.Record{}, err
		}
	}
	return a.record(c), nil
}

func (a *Adapter) listedConversation(ctx context.Context, c *Conversation) (sync.Record, error) {
	if rec, whole := a.conversationRecord(c); whole || c.ID == "" {
		return rec, nil
	}
	return a.readConversation(ctx, c.ID)
}
