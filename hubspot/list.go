package hubspot

import (
	"context"

	"github.com/urbanhub/crmsync/sync"
)

// List implements [sync.Lister] by searches, 200 records a page, each from the
// last id seen, so that HubSpot's limit of 10,000 results a search does not
// matter. What the index tells lags behind writes by seconds: a record made a
// moment ago may be missing. Where the properties' names do not fit into the body
// of a search, the records are read besides. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func (a *Adapter) List(ctx context.Context, kind sync.Kind, after sync.Cursor) (sync.ListPage, error) {
	c, err := a.of(opSearch.String(), kind)
	if err != nil {
		return sync.ListPage{}, err
	}
	last := string(after)
	if last != "" && !validID(last) {
		return sync.ListPage{}, cursorError()
	}
	req := c.window(last)
	whole := !req.tooLong()
	if !whole {
		req.Properties = []string{propObjectID}
	}
	var reply searchReply
	if _, err := c.client.call(ctx, opSearch, c.target(), req, &reply); err != nil {
		return sync.ListPage{}, err
	}
	page := sync.ListPage{Next: after, More: len(reply.Results) >= maxSearchPage}
	if n := len(reply.Results); n > 0 {
		page.Next = sync.Cursor(reply.Results[n-1].ID)
	}
	page.Records, err = c.listed(ctx, reply.Results, whole)
	return page, err
}

// Count implements [sync.Counter] by a search for one record, which tells how
// many there are. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func (a *Adapter) Count(ctx context.Context, kind sync.Kind) (int, error) {
	c, err := a.of(opSearch.String(), kind)
	if err != nil {
		return 0, err
	}
	req := c.window("")
	req.Properties, req.Limit = []string{propObjectID}, 1
	var reply searchReply
	_, err = c.client.call(ctx, opSearch, c.target(), req, &reply)
	return reply.Total, err
}

// listed turns what a search found into records, for which it is read by id
// unless the search told the whole of it.
func (c *collection) listed(ctx context.Context, found []object, whole bool) ([]sync.Record, error) {
	var records []sync.Record
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].ID
		if whole {
			records = append(records, found[i].record(c.kind, c.properties))
		}
	}
	if whole {
		return records, c.attest(ctx, found)
	}
	read, err := c.read(ctx, ids)
	for i, r := range read {
		if !r.Deleted && r.ID == ids[i] { // a merged one is listed by its own id
			records = append(records, r)
		}
	}
	return records, err
}

// window asks for the records with the ids that follow.
func (c *collection) window(last string) searchRequest {
	return searchRequest{
		FilterGroups: []filterGroup{{[]filter{{Property: propObjectID, Operator: "GT", Value: or(last, "0")}}}},
		Sorts:        []searchSort{{propObjectID, "ASCENDING"}},
		Properties:   c.names,
		Limit:        maxSearchPage,
	}
}
