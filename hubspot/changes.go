package hubspot

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// place is a cursor taken apart. Everything modified before at has been
// reported as far as the index showed it, and everything before sure for
// certain: it was old enough for the index when it was searched. When more
// contacts than a page share the millisecond at, ties is set and those with
// ids up to afterID have been reported as well.
type place struct {
	at, sure int64 // milliseconds since 1970; sure <= at
	ties     bool
	afterID  string
}

var cursorForm = regexp.MustCompile(`^1\.(\d{1,15})\.(\d{1,15})(?:\.(\d{1,19}))?$`)

func (p place) cursor() sync.Cursor {
	if p.ties {
		return sync.Cursor(fmt.Sprintf("1.%d.%d.%s", p.at, p.sure, p.afterID))
	}
	return sync.Cursor(fmt.Sprintf("1.%d.%d", p.at, p.sure))
}

func parseCursor(c sync.Cursor) (place, error) {
	if c == "" {
		return place{}, nil
	}
	m := cursorForm.FindStringSubmatch(string(c))
	if m == nil {
		return place{}, &sync.Error{Op: opSearch.String(), Action: sync.Fatal, Rule: "cursor.form",
			Hint: "the cursor is not one of this adapter's; start again from the beginning"}
	}
	at, _ := strconv.ParseInt(m[1], 10, 64) // the form leaves no error
	sure, _ := strconv.ParseInt(m[2], 10, 64)
	return place{at: at, sure: min(sure, at), ties: m[3] != "", afterID: m[3]}, nil
}

// Changes implements [sync.Source] by a search on lastmodifieddate, a page of
// 200 at a time, oldest first. It never pages by offset, so HubSpot's limit of
// 10,000 results a search does not matter: each page is searched from the last
// time seen, and contacts that share one millisecond are paged by their id.
//
// The end of the stream is read again for Options.SearchLag (and the measured
// clock skew), because the index shows changes late; the repeated changes have
// the same IDs. Deleted contacts are not in the index: webhooks tell of them.
// Source: https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func (a *Adapter) Changes(ctx context.Context, since sync.Cursor) (sync.ChangePage, error) {
	from, err := parseCursor(since)
	if err != nil {
		return sync.ChangePage{}, err
	}
	asked := time.Now()
	c := a.collections[Contact]
	var reply searchReply
	if _, err := a.client.call(ctx, opSearch, c.target(), from.search(c.names), &reply); err != nil {
		return sync.ChangePage{}, err
	}
	page := sync.ChangePage{Changes: make([]sync.Change, 0, len(reply.Results))}
	for i := range reply.Results {
		page.Changes = append(page.Changes, c.swept(&reply.Results[i]))
	}
	settled := asked.Add(-a.opts.SearchLag - a.Skew()).UnixMilli()
	next := from.next(reply.Results, settled)
	page.More = len(reply.Results) >= maxSearchPage || from.ties
	page.Next = next.cursor()
	return page, nil
}

// search asks for the page at a place.
func (p place) search(names []string) searchRequest {
	at := strconv.FormatInt(p.at, 10)
	req := searchRequest{Limit: maxSearchPage, Properties: names}
	if p.ties {
		req.FilterGroups = []filterGroup{{[]filter{
			{Property: propModified, Operator: "GTE", Value: at},
			{Property: propModified, Operator: "LTE", Value: at},
			{Property: propObjectID, Operator: "GT", Value: p.afterID},
		}}}
		req.Sorts = []searchSort{{propObjectID, "ASCENDING"}}
		return req
	}
	req.FilterGroups = []filterGroup{{[]filter{{Property: propModified, Operator: "GTE", Value: at}}}}
	req.Sorts = []searchSort{{propModified, "ASCENDING"}}
	return req
}

// next returns the place after a page that was searched when everything before
// settled was surely in the index. A short page ends the stream; the next walk
// begins where certainty ends.
func (p place) next(results []object, settled int64) place {
	n := place{at: p.at, sure: p.sure}
	full := len(results) >= maxSearchPage
	switch {
	case p.ties && full:
		n.ties, n.afterID = true, results[len(results)-1].ID
	case p.ties:
		n.at++
		if p.certain() {
			n.sure = n.at
		}
	case !full:
		if p.certain() {
			n.sure = max(p.at, settled)
		}
		n.at = n.sure
	case lastTime(results) > p.at:
		n.at = lastTime(results)
		if p.certain() {
			n.sure = max(p.at, min(n.at, settled))
		}
	default:
		n.ties, n.afterID = true, "0"
	}
	return n
}

// certain reports whether nothing before the place can have been missed.
func (p place) certain() bool { return p.sure == p.at }

// lastTime returns the time up to which a full page has shown everything. A
// contact that was edited a moment ago may stand at its old place with its new
// time, so the least of the last few is taken.
func lastTime(results []object) int64 {
	tail := results[max(len(results)-10, 0):]
	last := tail[0].modified()
	for i := range tail {
		if t := tail[i].modified(); t.Before(last) {
			last = t
		}
	}
	return last.UnixMilli()
}

// swept is the change that a search reports. Its ID is the same whenever the
// same state is found again. What the index showed is its witness only: the
// index may lag, so the contact is read whenever that differs from what is
// known of it.
func (c *collection) swept(o *object) sync.Change {
	at := o.modified()
	fields := o.record(c.kind, c.properties).Fields
	witness := map[string]string{sync.IDField: fields[sync.IDField].Digest()}
	for _, name := range c.properties {
		witness[name] = fields[name].Digest() // a missing one claims a blank
	}
	return sync.Change{
		ID:         fmt.Sprintf("hubspot:sweep:%s:%s:%d", c.kind, o.ID, at.UnixMilli()),
		Ref:        c.ref(o.ID),
		Reason:     sync.ReasonSweep,
		OccurredAt: at,
		Priority:   sync.Sweep,
		Witness:    witness,
	}
}
