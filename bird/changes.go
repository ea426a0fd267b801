package bird

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// pageSize is the most contacts that Bird lists at once.
const pageSize = "100"

// Changes implements [sync.Source] by walking the list of all contacts, page
// by page, newest first: Bird can neither filter nor sort contacts by their
// last change. When the walk ends, More is false and Next is the beginning,
// so the next call starts over. Each contact is reported with an ID made of
// its id and updatedAt, so the queue drops what it has seen before.
//
// A change that no webhook told is found after one walk at most: N contacts
// take N/100 calls, that is N/4000 seconds at 40 calls a second, plus the
// pause between walks. Contacts created during a walk are found by the next.
//
// A page token that Bird no longer accepts, or that leads back to its own
// page, ends the walk early.
func (a *Adapter) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	sent := time.Now()
	p, err := a.list(ctx, since)
	if since != "" && isAction(err, sync.Invalid) {
		return sync.ChangePage{}, nil
	}
	if err != nil {
		return sync.ChangePage{}, err
	}
	out := sync.ChangePage{Changes: make([]sync.Change, 0, len(p.Results))}
	for i := range p.Results {
		if c := &p.Results[i]; c.ID != "" {
			out.Changes = append(out.Changes, a.swept(c, sent))
		}
	}
	if next := sync.Cursor(p.NextPageToken); next != "" && next != since {
		out.Next, out.More = next, true
	}
	return out, nil
}

func (a *Adapter) list(ctx context.Context, token sync.Cursor) (page[contact], error) {
	query := url.Values{"limit": {pageSize}}
	if token != "" {
		query.Set("pageToken", string(token))
	}
	var p page[contact]
	_, err := a.call(ctx, request{op: "bird: list contacts", method: http.MethodGet, path: a.contacts, query: query}, &p)
	return p, err
}

// swept makes a change of a listed contact. What the list showed of it is
// remembered, so that a walk which meets a thousand new contacts need not get
// each of them again; a change is only believed to be known by all its fields.
func (a *Adapter) swept(c *contact, sent time.Time) sync.Change {
	change := sync.Change{
		ID:         "bird:list:" + c.ID + ":" + c.UpdatedAt.UTC().Format(time.RFC3339Nano),
		Ref:        ref(c.ID),
		Reason:     sync.ReasonSweep,
		OccurredAt: c.UpdatedAt.Time,
		Priority:   sync.Sweep,
	}
	if c.complete(a.places) {
		a.seen.remember(c, sent)
		fields := a.record(c).Fields
		change.Witness = map[string]string{sync.IDField: fields[sync.IDField].Digest()}
		for name := range a.places {
			change.Witness[name] = fields[name].Digest() // a missing one claims a blank
		}
	}
	return change
}
