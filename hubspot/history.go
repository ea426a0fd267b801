package hubspot

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// timesAsk asks for the history of some properties of one record.
type timesAsk struct {
	id    string
	names []string
}

func (t timesAsk) key() string { return t.id + " " + strings.Join(t.names, " ") }

// Times implements [sync.Historian] from HubSpot's property history, by
// batches of 50 ids gathered over all callers. The time of a value is that of
// the oldest of the latest entries that hold it, so setting a value to what it
// already is does not make it younger.
func (a *Adapter) Times(ctx context.Context, kind sync.Kind, ids, names []string) ([]map[string]time.Time, error) {
	c, err := a.of(opRead.String(), kind)
	if err != nil {
		return nil, err
	}
	times := make([]map[string]time.Time, len(ids))
	var asks []timesAsk
	var places []int
	for i, id := range ids {
		times[i] = map[string]time.Time{}
		if validID(id) && len(names) > 0 {
			asks = append(asks, timesAsk{id, names})
			places = append(places, i)
		}
	}
	got, err := c.times.Do(ctx, asks...)
	if err != nil {
		return nil, err
	}
	for i, m := range got {
		for name, at := range m {
			times[places[i]][name] = at
		}
	}
	return times, nil
}

// timesBatch reads the history of everything that anyone in the batch asks
// for, and gives each what it asked for.
func (c *collection) timesBatch(ctx context.Context, asks []timesAsk) ([]map[string]time.Time, error) {
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
	times := make([]map[string]time.Time, len(asks))
	for i, ask := range asks {
		times[i] = map[string]time.Time{}
		o := objects.byID[ask.id]
		if o == nil {
			continue
		}
		for _, n := range ask.names {
			if at := since(o.History[n]); !at.IsZero() {
				times[i][n] = at
			}
		}
	}
	return times, nil
}

// since returns when the present value came about.
func since(history []moment) time.Time {
	h := slices.Clone(history)
	slices.SortStableFunc(h, func(a, b moment) int { return parseTime(b.Timestamp).Compare(parseTime(a.Timestamp)) })
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
