package hubspottest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of search. https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
const (
	searchDefault   = 10
	searchPage      = 200
	searchTotal     = 10_000
	searchBody      = 3_000
	searchGroups    = 5
	searchPerGroup  = 6
	searchFilters   = 18
	searchSortsMost = 1
)

// searchCall is the body of a search.
type searchCall struct {
	Groups []struct {
		Filters []filter `json:"filters"`
	} `json:"filterGroups"`
	Sorts      []sortKey `json:"sorts"`
	Query      string    `json:"query"`
	Properties []string  `json:"properties"`
	Limit      *int      `json:"limit"`
	After      cursor    `json:"after"`
}

// sortKey comes as {"propertyName","direction"} or as "name" with a minus in front for descending.
type sortKey struct {
	Property   string
	Descending bool
}

func (k *sortKey) UnmarshalJSON(data []byte) error {
	var name string
	if json.Unmarshal(data, &name) == nil {
		k.Property, k.Descending = strings.CutPrefix(name, "-")
		return nil
	}
	var long struct{ PropertyName, Direction string }
	if err := json.Unmarshal(data, &long); err != nil {
		return err
	}
	k.Property, k.Descending = long.PropertyName, long.Direction == "DESCENDING"
	return nil
}

// cursor is an offset that clients send as text or as a number.
type cursor int

func (c *cursor) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		return nil
	}
	n, err := strconv.Atoi(text)
	*c = cursor(n)
	return err
}

type searchReply struct {
	Total   int      `json:"total"`
	Results []record `json:"results"`
	Paging  *paging  `json:"paging,omitempty"`
}

// search sees the account as it was the lag ago.
func (a *Account) search(q *request) response {
	var in searchCall
	if bad := q.decode(&in); bad != nil {
		return *bad
	}
	limit := searchDefault
	if in.Limit != nil {
		limit = *in.Limit
	}
	if bad := checkSearch(q.store, &in, len([]rune(string(q.body))), limit); bad != nil {
		return bad.response()
	}
	at := a.now().Add(-a.opts.SearchLag)
	found := a.matching(q.store, &in, at)
	order(q.store.schema, found, in.Sorts, at)
	return ok(a.cut(found, int(in.After), limit, view{properties: in.Properties, at: at}))
}

func checkSearch(st *store, in *searchCall, chars, limit int) *apiError {
	total := 0
	for _, g := range in.Groups {
		total += len(g.Filters)
		if len(g.Filters) > searchPerGroup {
			return invalid("A filterGroup has %d filters, the maximum is %d.", len(g.Filters), searchPerGroup)
		}
		for _, f := range g.Filters {
			if bad := f.check(st.schema); bad != nil {
				return bad
			}
		}
	}
	switch {
	case chars > searchBody:
		return invalid("The request body has %d characters, the maximum is %d.", chars, searchBody)
	case len(in.Groups) > searchGroups:
		return invalid("There are %d filterGroups, the maximum is %d.", len(in.Groups), searchGroups)
	case total > searchFilters:
		return invalid("There are %d filters, the maximum is %d.", total, searchFilters)
	case len(in.Sorts) > searchSortsMost:
		return invalid("There are %d sorts, the maximum is %d.", len(in.Sorts), searchSortsMost)
	case len(in.Sorts) > 0 && !st.schema.has(in.Sorts[0].Property):
		return invalid("There was a problem with the request: unknown property %q.", in.Sorts[0].Property)
	case limit < 0 || limit > searchPage:
		return invalid("limit must be between 0 and %d.", searchPage)
	case int(in.After)+limit > searchTotal:
		return fail(http.StatusBadRequest, validation, "The search reached past the maximum of 10000 results.")
	}
	return nil
}

// matching are the live records that any group of filters and the query accept.
func (a *Account) matching(st *store, in *searchCall, at time.Time) []*object {
	var found []*object
	for _, o := range st.order {
		if o.live() && !o.born.After(at) && a.accepts(in, o, at) && o.mentions(in.Query, at) {
			found = append(found, o)
		}
	}
	return found
}

func (a *Account) accepts(in *searchCall, o *object, at time.Time) bool {
	for _, g := range in.Groups {
		if !slices.ContainsFunc(g.Filters, func(f filter) bool {
			return !a.passes(f, o, at)
		}) {
			return true
		}
	}
	return len(in.Groups) == 0
}

func (a *Account) passes(f filter, o *object, at time.Time) bool {
	if t := f.associated(); t != nil {
		return f.acceptsAny(keys(a.related(o, t)))
	}
	return f.accepts(o.schema.properties[f.Property], o.valueAt(f.Property, at))
}

// mentions is the text query over the default searchable properties.
func (o *object) mentions(query string, at time.Time) bool {
	if query == "" {
		return true
	}
	for _, name := range o.typ.searched {
		if strings.Contains(strings.ToLower(o.valueAt(name, at)), strings.ToLower(query)) {
			return true
		}
	}
	return false
}

// order sorts by the wanted key, oldest first without one; equal ones stay in the order of creation.
func order(s *schema, found []*object, sorts []sortKey, at time.Time) {
	if len(sorts) == 0 {
		return
	}
	key := sorts[0]
	p := s.properties[key.Property]
	ranks := make(map[*object]rank, len(found))
	for _, o := range found {
		ranks[o] = rankOf(p, o.valueAt(key.Property, at))
	}
	slices.SortStableFunc(found, func(x, y *object) int {
		n := ranks[x].compare(ranks[y])
		if key.Descending {
			return -n
		}
		return n
	})
}

// cut takes one page.
func (a *Account) cut(found []*object, after, limit int, v view) searchReply {
	out := searchReply{Total: len(found), Results: []record{}}
	end := min(after+limit, len(found))
	for _, o := range found[min(after, end):end] {
		r := a.record(o, v)
		r.UpdatedAt = o.valueAt(o.typ.modified, v.at)
		out.Results = append(out.Results, r)
	}
	if end < len(found) && limit > 0 {
		out.Paging = &paging{next{After: strconv.Itoa(end)}}
	}
	return out
}
