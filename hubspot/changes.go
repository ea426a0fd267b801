package hubspot

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// defaultBehind is how far behind a delayed sweep keeps unless told otherwise.
const defaultBehind = time.Hour

// Changes implements [sync.Source] by searches on the time of the last change,
// a page of 200 at a time, oldest first. Each call searches once, for the kinds
// of Options.Objects in turn, until every kind is at its end; a kind that is
// added later starts at its beginning. It never pages by offset, so HubSpot's
// limit of 10,000 results a search does not matter: each page is searched from
// the last time seen, and records that share one millisecond are paged by
// their id.
//
// The end of the stream is read again for Options.SearchLag (and the measured
// clock skew), because the index shows changes late; the repeated changes have
// the same IDs. What many edits at once put out of order is read again, too, so
// nothing that the index shows within the lag is passed over. Deleted records
// are not in the index: webhooks and the journal tell of them. Where the
// properties' names do not fit into the body of a search, the changes have no
// Witness, so each record is read.
// Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func (a *Adapter) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	lag := a.opts.SearchLag + a.Skew()
	return a.sweep(ctx, since, func(now time.Time) bounds {
		return bounds{settled: now.Add(-lag).UnixMilli()}
	})
}

// Start implements [sync.Starter].
func (a *Adapter) Start(t time.Time) sync.Cursor {
	w, at := walk{places: map[sync.Kind]place{}}, t.UnixMilli()
	for _, kind := range a.swept() {
		w.places[kind] = place{at: at, sure: at}
	}
	return w.cursor()
}

// Delayed returns a second sweep that keeps a distance to the present, an hour
// if behind is 0. It reads each state once, when HubSpot's index has long come
// to rest, and so finds what the index showed later than Options.SearchLag
// allows for. What [Adapter.Changes] has told is told with the same ID. Its
// cursors are its own.
func (a *Adapter) Delayed(behind time.Duration) sync.Feed {
	if behind <= 0 {
		behind = defaultBehind
	}
	return &delayed{a, behind}
}

type delayed struct {
	adapter *Adapter
	behind  time.Duration
}

// Changes implements [sync.Feed].
func (d *delayed) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	lag := d.behind + d.adapter.Skew()
	return d.adapter.sweep(ctx, since, func(now time.Time) bounds {
		until := now.Add(-lag).UnixMilli()
		return bounds{settled: until, until: until}
	})
}

// Start implements [sync.Starter].
func (d *delayed) Start(t time.Time) sync.Cursor { return d.adapter.Start(t) }

// sweep reads the page of the kind whose turn it is.
func (a *Adapter) sweep(ctx context.Context, since sync.Cursor, within func(now time.Time) bounds) (sync.ChangePage, error) {
	w, err := parseCursor(since)
	if err != nil {
		return sync.ChangePage{}, err
	}
	kinds := a.swept()
	if len(kinds) == 0 {
		return sync.ChangePage{Next: since}, nil
	}
	c := a.collections[w.turn(kinds)]
	from, b := w.places[c.kind], within(time.Now())
	req := from.search(c, b)
	whole := !req.tooLong()
	if !whole {
		req.Properties = []string{c.modified}
	}
	var reply searchReply
	if _, err := a.client.call(ctx, opSearch, c.target(), req, &reply); err != nil {
		return sync.ChangePage{}, err
	}
	found, next := from.next(reply.Results, b)
	w.last, w.places[c.kind] = c.kind, next
	page := sync.ChangePage{Changes: make([]sync.Change, len(found)), Next: w.cursor(), More: !w.rested(kinds)}
	for i, o := range found {
		page.Changes[i] = c.swept(o, whole)
	}
	return page, nil
}

// swept returns the kinds to sweep, in the order of their turns.
func (a *Adapter) swept() []sync.Kind {
	kinds := slices.Sorted(maps.Keys(a.opts.Objects))
	return slices.DeleteFunc(kinds, func(k sync.Kind) bool { return a.opts.Objects[k].NoSweep })
}

// swept is the change that a search reports. Its ID is the same whenever the
// same state is found again.
func (c *collection) swept(o *object, whole bool) sync.Change {
	at := o.modified()
	change := sync.Change{
		ID:         fmt.Sprintf("hubspot:sweep:%s:%s:%d", c.kind, o.ID, at.UnixMilli()),
		Ref:        c.ref(o.ID),
		Reason:     sync.ReasonSweep,
		OccurredAt: at,
		Priority:   sync.Sweep,
	}
	if whole {
		change.Witness = c.witness(o)
	}
	return change
}

// witness is what the index showed of a record. It may lag, so the record is
// read whenever that differs from what is known of it.
func (c *collection) witness(o *object) map[string]string {
	fields := o.record(c.kind, c.properties).Fields
	witness := map[string]string{sync.IDField: fields[sync.IDField].Digest()}
	for _, name := range c.properties {
		witness[name] = fields[name].Digest() // a missing one claims a blank
	}
	return witness
}
