package bird

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

var errNoID = errors.New("the answer has no id")

// all reads a list to its end, or until it has r.most entries. The token of
// the next page stands at the root of the answer; one that leads back to a page
// that was read ends the list.
// See https://docs.bird.com/api/api-access/common-api-usage/pagination.
func all[T any](ctx context.Context, a *Adapter, r request) ([]T, error) {
	if !r.ref.Zero() {
		if err := checkID(r.op, r.ref); err != nil {
			return nil, err
		}
	}
	r.method = cmp.Or(r.method, http.MethodGet)
	query := url.Values{"limit": {pageSize}}
	maps.Copy(query, r.query)
	r.query = query
	var found []T
	known := map[string]bool{"": true} // tokens
	for {
		var p page[T]
		if _, err := a.call(ctx, r, &p); err != nil {
			return nil, err
		}
		found = append(found, p.Results...)
		switch {
		case known[p.NextPageToken]:
			return found, nil
		case r.most > 0 && len(found) >= r.most:
			return found[:r.most], nil
		}
		known[p.NextPageToken] = true
		query.Set("pageToken", p.NextPageToken)
	}
}

// oldestFirst sorts by time, and what has the same time by id, so that the
// order is always the same.
func oldestFirst[T any](list []T, key func(*T) (time.Time, string)) {
	slices.SortStableFunc(list, func(x, y T) int {
		xt, xid := key(&x)
		yt, yid := key(&y)
		return cmp.Or(xt.Compare(yt), strings.Compare(xid, yid))
	})
}
