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

// A roll is the list of all records of a kind, which is walked again and again.
type roll[S versioned] struct {
	a    *Adapter
	walk *walk
	seen *snapshots[S]
	kind sync.Kind
	path string

	// state tells apart what the list shows of a record.
	state func(S) fingerprint
	// claims is what the list claims of a record, nil if it may not show all.
	claims func(S) map[string]string
	// quiet says that a record is not to be reported.
	quiet func(S) bool
}

// contactRoll is the list of contacts.
func (a *Adapter) contactRoll() *roll[*contact] {
	return &roll[*contact]{
		a: a, walk: a.walk, seen: &a.seen, kind: Contact, path: a.contacts,
		state: func(c *contact) fingerprint {
			return fingerprintOf(a.record(c).Fields, c.UpdatedAt.UnixMilli(), int64(c.IdentifierCount))
		},
		claims: a.claims,
		quiet:  func(*contact) bool { return false },
	}
}

// conversationRoll is the list of conversations of any status: one that is
// closed may have been reopened.
func (a *Adapter) conversationRoll() *roll[*Conversation] {
	return &roll[*Conversation]{
		a: a, walk: a.talkWalk, seen: &a.talks, kind: ConversationKind, path: a.workspace + "/conversations",
		state: func(c *Conversation) fingerprint {
			return fingerprintOf(c.fields(a.opts.Conversations), c.UpdatedAt.UnixMilli())
		},
		claims: func(c *Conversation) map[string]string { return c.witness(a.opts.Conversations) },
		quiet: func(c *Conversation) bool {
			at := c.movedAt()
			return !c.withCustomer() || !at.IsZero() && time.Since(at) > a.opts.ConversationAge
		},
	}
}

func (r *roll[S]) op() string { return "bird: list " + string(r.kind) + "s" }

func (r *roll[S]) ref(id string) sync.Ref { return sync.Ref{System: System, Kind: r.kind, ID: id} }

func (r *roll[S]) of() sync.Kind { return r.kind }

func (r *roll[S]) stats(now time.Time) WalkStats { return r.walk.stats(now) }

// next reads the page at the cursor, and tells where its walk goes on. The
// caller has the turn.
func (r *roll[S]) next(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	at, sent := parseProgress(since), time.Now()
	at.begin(sent)
	r.walk.turn(since, at)
	p, err := r.list(ctx, at)
	if at.Token != "" && isAction(err, sync.Invalid) {
		return r.cutOff(ctx, at, nil, "Bird refuses the page token"), nil
	}
	if err != nil {
		return sync.ChangePage{}, err
	}
	changes, fresh := r.swept(p.Results, sent)
	at.Pages++
	at.Records += len(p.Results)
	switch {
	case p.NextPageToken == "":
		return r.end(at, changes), nil
	case p.NextPageToken == at.Token || !fresh:
		return r.cutOff(ctx, at, changes, "a page token leads nowhere new"), nil
	}
	at.Token = p.NextPageToken
	return sync.ChangePage{Changes: changes, Next: r.walk.leave(at), More: true}, nil
}

func (r *roll[S]) list(ctx context.Context, at progress) (page[S], error) {
	query := url.Values{"limit": {pageSize}}
	if at.Reverse {
		query.Set("reverse", strconv.FormatBool(at.Reverse))
	}
	if at.Token != "" {
		query.Set("pageToken", at.Token)
	}
	var p page[S]
	_, err := r.a.call(ctx, request{op: r.op(), method: http.MethodGet, path: r.path, query: query}, &p)
	return p, err
}

// swept returns the changes among the records of a page, and whether any of
// them was not yet on a page of this walk.
func (r *roll[S]) swept(records []S, sent time.Time) (changes []sync.Change, fresh bool) {
	fresh = len(records) == 0
	var none S
	for _, rec := range records {
		if rec == none { // null
			continue
		}
		id, _ := rec.version()
		if id == "" {
			continue
		}
		s := r.walk.sight(id, r.state(rec))
		fresh = fresh || s.fresh
		if s.news && !r.quiet(rec) {
			changes = append(changes, r.change(rec, s, sent))
		}
	}
	return changes, fresh
}

// change makes a change of a listed record. What the list showed of it is
// remembered, so that a walk which meets a thousand new records need not get
// each of them again; a change is only believed to be known by all its fields.
func (r *roll[S]) change(rec S, s sighting, sent time.Time) sync.Change {
	id, updatedAt := rec.version()
	change := sync.Change{
		ID:         "bird:list:" + id + ":" + updatedAt.UTC().Format(time.RFC3339Nano) + ":" + s.state.String(),
		Ref:        r.ref(id),
		Reason:     sync.ReasonSweep,
		OccurredAt: updatedAt,
		Priority:   sync.Sweep,
		Witness:    r.claims(rec),
	}
	if s.known { // certainly another state than the last one reported
		change.ID += ":" + sent.UTC().Format(time.RFC3339Nano)
	}
	if change.Witness != nil {
		r.seen.remember(rec, sent)
	}
	return change
}

// end ends a walk that came to the end of the list. Records that are missing
// are reported with no claim, so that they are read.
func (r *roll[S]) end(at progress, changes []sync.Change) sync.ChangePage {
	for _, id := range r.walk.missing() {
		changes = append(changes, sync.Change{
			ID:       "bird:missing:" + id + ":" + at.Began.UTC().Format(time.RFC3339Nano),
			Ref:      r.ref(id),
			Reason:   sync.ReasonSweep,
			Priority: sync.Sweep,
		})
	}
	return sync.ChangePage{Changes: changes, Next: r.walk.leave(at.finished(time.Now()))}
}

// cutOff ends a walk short of the end of the list.
func (r *roll[S]) cutOff(ctx context.Context, at progress, changes []sync.Change, why string) sync.ChangePage {
	r.a.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "a walk of a list of Bird is cut off, it starts again from the other end of the list",
		slog.String("kind", string(r.kind)), slog.String("why", why), slog.Int("pages", at.Pages), slog.Int("records", at.Records))
	return sync.ChangePage{Changes: changes, Next: r.walk.leave(at.broken())}
}
