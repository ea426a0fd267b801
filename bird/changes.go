package bird

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// pageSize is the most contacts that Bird lists at once.
const pageSize = "100"

// Changes implements [sync.Source] by walking the list of all contacts, page
// by page, round after round: Bird can neither filter nor sort contacts by
// their last change. One call is one page. More is true until the walk's end,
// so that a whole walk follows at once; calls wait for their turn at
// Options.WalkShare of the reads and give way to live ones, so the walk delays
// nobody. [Adapter.DetectionDelay] tells what that means for an edit.
//
// A page reports only the contacts that are not as the last walk showed them,
// by a fingerprint of the fields read and updatedAt. What counts as shown is what a
// page told and the caller stored: it comes back with the Next of that page.
// Neither a read nor a write of ours counts, because neither says that
// everybody who needs the edit has had it; the echo of our own write is
// reported once and needs no read, as its Witness says.
//
// The fingerprints are held in memory only. After a restart, or for a page that
// another process walked, each contact is reported again, under an ID made of
// its state, so that the queue drops what it took in during the last days.
//
// A contact that two whole walks no longer show is reported too, so that the
// engine reads it and finds it deleted, merged, or merely not listed. A walk
// is whole when this process saw every page of it to the list's end.
//
// A walk that Bird cuts off, by refusing a page token or by telling one that
// leads nowhere new, starts again from the other end of the list. Contacts
// created during a walk are found by the next one.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/list-contacts.
func (a *Adapter) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	ctx = sync.WithPriority(ctx, max(sync.PriorityOf(ctx), sync.Sweep))
	if err := a.walk.pages.wait(ctx); err != nil {
		return sync.ChangePage{}, request{op: opWalk}.unanswered(err)
	}
	defer a.walk.pages.done()
	at, sent := parseProgress(since), time.Now()
	at.begin(sent)
	a.walk.turn(since, at)
	p, err := a.list(ctx, at)
	if at.Token != "" && isAction(err, sync.Invalid) {
		return a.cutOff(ctx, at, nil, "Bird refuses the page token"), nil
	}
	if err != nil {
		return sync.ChangePage{}, err
	}
	changes, fresh := a.swept(p.Results, sent)
	at.Pages++
	at.Contacts += len(p.Results)
	switch {
	case p.NextPageToken == "":
		return a.endWalk(at, changes), nil
	case p.NextPageToken == at.Token || !fresh:
		return a.cutOff(ctx, at, changes, "a page token leads nowhere new"), nil
	}
	at.Token = p.NextPageToken
	return sync.ChangePage{Changes: changes, Next: a.walk.leave(at), More: true}, nil
}

const opWalk = "bird: list contacts"

func (a *Adapter) list(ctx context.Context, at progress) (page[contact], error) {
	query := url.Values{"limit": {pageSize}}
	if at.Reverse {
		query.Set("reverse", strconv.FormatBool(at.Reverse))
	}
	if at.Token != "" {
		query.Set("pageToken", at.Token)
	}
	var p page[contact]
	_, err := a.call(ctx, request{op: opWalk, method: http.MethodGet, path: a.contacts, query: query}, &p)
	return p, err
}

// swept returns the changes among the contacts of a page, and whether any of
// them was not yet on a page of this walk.
func (a *Adapter) swept(contacts []contact, sent time.Time) (changes []sync.Change, fresh bool) {
	fresh = len(contacts) == 0
	for i := range contacts {
		c := &contacts[i]
		if c.ID == "" {
			continue
		}
		r := a.record(c)
		s := a.walk.sight(c.ID, fingerprintOf(c, r.Fields))
		fresh = fresh || s.fresh
		if s.news {
			changes = append(changes, a.change(c, r.Fields, s, sent))
		}
	}
	return changes, fresh
}

// change makes a change of a listed contact. What the list showed of it is
// remembered, so that a walk which meets a thousand new contacts need not get
// each of them again; a change is only believed to be known by all its fields.
func (a *Adapter) change(c *contact, fields sync.Fields, s sighting, sent time.Time) sync.Change {
	change := sync.Change{
		ID:         "bird:list:" + c.ID + ":" + c.UpdatedAt.UTC().Format(time.RFC3339Nano) + ":" + s.state.String(),
		Ref:        ref(c.ID),
		Reason:     sync.ReasonSweep,
		OccurredAt: c.UpdatedAt.Time,
		Priority:   sync.Sweep,
	}
	if s.known { // certainly another state than the last one reported
		change.ID += ":" + sent.UTC().Format(time.RFC3339Nano)
	}
	if c.complete(a.places) {
		own := *c // a pointer into the page would keep all of it in memory
		a.seen.remember(&own, sent)
		change.Witness = map[string]string{sync.IDField: fields[sync.IDField].Digest()}
		for name := range a.places {
			change.Witness[name] = fields[name].Digest() // a missing one claims a blank
		}
	}
	return change
}

// endWalk ends a walk that came to the end of the list. Contacts that are
// missing are reported with no claim, so that they are read.
func (a *Adapter) endWalk(at progress, changes []sync.Change) sync.ChangePage {
	for _, id := range a.walk.missing() {
		changes = append(changes, sync.Change{
			ID:       "bird:missing:" + id + ":" + at.Began.UTC().Format(time.RFC3339Nano),
			Ref:      ref(id),
			Reason:   sync.ReasonSweep,
			Priority: sync.Sweep,
		})
	}
	return sync.ChangePage{Changes: changes, Next: a.walk.leave(at.finished(time.Now()))}
}

// cutOff ends a walk short of the end of the list.
func (a *Adapter) cutOff(ctx context.Context, at progress, changes []sync.Change, why string) sync.ChangePage {
	a.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "the walk of Bird's contacts is cut off, it starts again from the other end of the list",
		slog.String("why", why), slog.Int("pages", at.Pages), slog.Int("contacts", at.Contacts))
	return sync.ChangePage{Changes: changes, Next: a.walk.leave(at.broken())}
}
