package hubspot

import (
	"context"

	"github.com/urbanhub/crmsync/sync"
)

// List implements [sync.Lister] by searches, 200 records a page, each from the
// last id seen, so that HubSpot's limit of 10,000 results a search does not
// matter. What the index tells lags behind writes by seconds: a record made a
// moment ago may be missing. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
func (a *Adapter) List(ctx context.Context, kind sync.Kind, after sync.Cursor) (sync.ListPage, error) {
	c, err := a.of(opSearch.String(), kind)
	if err != nil {
		return sync.ListPage{}, err
	}
	last := string(after)
	if last != "" && !validID(last) {
		return sync.ListPage{}, &sync.Error{Op: opSearch.String(), Action: sync.Fatal, Rule: "cursor.form",
			Hint: "the cursor is not one of this adapter's; start again from the beginning"}
	}
	var reply searchReply
	if _, err := c.client.call(ctx, opSearch, c.target(), c.window(last), &reply); err != nil {
		return sync.ListPage{}, err
	}
	page := sync.ListPage{Next: after, More: len(reply.Results) >= maxSearchPage}
	for i := range reply.Results {
		page.Records = append(page.Records, reply.Results[i].record(c.kind, c.properties))
	}
	if n := len(page.Records); n > 0 {
		page.Next = sync.Cursor(page.Records[n-1].ID)
	}
	return page, nil
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
