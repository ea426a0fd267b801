package hubspot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// pastAsk asks for the history of some properties of one record.
type pastAsk struct {
	id    string
	names []string
}

func (t pastAsk) key() string { return t.id + " " + strings.Join(t.names, " ") }

// past is the history of some properties, by name.
type past map[string][]moment

var _ sync.Chronicler = (*Adapter)(nil)

// Times implements [sync.Historian] from HubSpot's property history, by
// batches of 50 ids gathered over all callers. The time of a value is that of
// the oldest of the latest entries that hold it, so setting a value to what it
// already is does not make it younger.
func (a *Adapter) Times(ctx context.Context, kind sync.Kind, ids, names []string) ([]map[string]time.Time, error) {
	return ofPast(ctx, a, kind, ids, names, func(h []moment) (time.Time, bool) {
		at := since(h)
		return at, !at.IsZero()
	})
}

// History implements [sync.Chronicler] in the calls of Times. The author of a
// value is its source and, where told, the source's id: an app, a user. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (a *Adapter) History(ctx context.Context, kind sync.Kind, ids, names []string) ([]map[string][]sync.Revision, error) {
	return ofPast(ctx, a, kind, ids, names, func(h []moment) ([]sync.Revision, bool) {
		return revisions(h), len(h) > 0
	})
}

// ofPast reads the histories of records and returns what is asked of each.
func ofPast[T any](ctx context.Context, a *Adapter, kind sync.Kind, ids, names []string, of func([]moment) (T, bool)) ([]map[string]T, error) {
	c, err := a.of(opRead.String(), kind)
	if err != nil {
		return nil, err
	}
	out := make([]map[string]T, len(ids))
	var asks []pastAsk
	var places []int
	for i, id := range ids {
		out[i] = map[string]T{}
		if validID(id) && len(names) > 0 {
			asks = append(asks, pastAsk{id, names})
			places = append(places, i)
		}
	}
	got, err := c.pasts.Do(ctx, asks...)
	if err != nil {
		return nil, err
	}
	for i, p := range got {
		for _, n := range names {
			if v, ok := of(p[n]); ok {
				out[places[i]][n] = v
			}
		}
	}
	return out, nil
}

// pastBatch reads the history of everything that anyone in the batch asks
// for.
func (c *collection) pastBatch(ctx context.Context, asks []pastAsk) ([]past, error) {
	req := batchRead{Properties: []string{propMerged}}
	for _, ask := range asks {
		for _, n := range ask.names {
			if n != sync.IDField && !slices.Contains(req.History, n) {
				req.History = append(req.History, n)
			}
		}
		if !slices.ContainsFunc(req.Inputs, func(in input) bool { return in.ID == ask.id }) {
			req.Inputs = append(req.Inputs, input{ID: ask.id})
		}
	}
	var reply batchReply
	if _, err := c.client.call(ctx, opRead, c.target(), req, &reply); err != nil {
		return nil, err
	}
	objects := index(reply.Results)
	out := make([]past, len(asks))
	for i, ask := range asks {
		if o := objects.byID[ask.id]; o != nil {
			out[i] = o.History
		}
	}
	return out, nil
}

// since returns when the present value came about.
func since(history []moment) time.Time {
	h := latestFirst(history)
	var at time.Time
	for _, m := range h {
		if m.Value.String() != h[0].Value.String() {
			break
		}
		if t := parseTime(m.Timestamp); !t.IsZero() {
			at = t
		}
	}
	return at
}

// latestFirst returns the entries in the order of HubSpot's documentation,
// whatever theirs was.
func latestFirst(history []moment) []moment {
	h := slices.Clone(history)
	slices.SortStableFunc(h, func(a, b moment) int { return parseTime(b.Timestamp).Compare(parseTime(a.Timestamp)) })
	return h
}

// revisions returns a property's history, oldest first.
func revisions(history []moment) []sync.Revision {
	h := latestFirst(history)
	slices.Reverse(h)
	out := make([]sync.Revision, len(h))
	for i, m := range h {
		out[i] = sync.Revision{Value: m.Value, At: parseTime(m.Timestamp), By: strings.TrimSpace(m.SourceType + " " + m.SourceID.String())}
		if m.Value.String() == "" {
			out[i].Value = sync.Value{} // as in a record
		}
	}
	return out
}
