package hubspot

import "strconv"

// place is where a sweep stands in one kind of records. Everything modified
// before at has been reported as far as the index showed it, and everything
// before sure for certain: it was old enough for the index when it was
// searched. When more records than a page share the millisecond at, ties is
// set and those with ids up to afterID have been reported as well.
type place struct {
	at, sure int64 // milliseconds since 1970; sure <= at
	ties     bool
	afterID  string
	rested   bool // the end was reached in this round
}

// bounds are what a search can know, in milliseconds since 1970: everything
// before settled is surely in the index, and nothing from until on is wanted
// (0: no bound).
type bounds struct{ settled, until int64 }

// search asks for the page at a place.
func (p place) search(c *collection, b bounds) searchRequest {
	by := func(property, operator string, n int64) filter {
		return filter{Property: property, Operator: operator, Value: strconv.FormatInt(n, 10)}
	}
	filters, sort := []filter{by(c.modified, "GTE", p.at)}, c.modified
	switch {
	case p.ties:
		filters = []filter{{Property: propObjectID, Operator: "GT", Value: p.afterID}, by(c.modified, "GTE", p.at), by(c.modified, "LTE", p.at)}
		sort = propObjectID
	case b.until > 0:
		filters = append(filters, by(c.modified, "LT", b.until))
	}
	return searchRequest{Limit: maxSearchPage, Properties: c.names,
		FilterGroups: []filterGroup{{filters}}, Sorts: []searchSort{{sort, "ASCENDING"}}}
}

// next returns what to report of a page, and the place after it. A short page
// ends the stream, and the next walk begins where certainty ends. The end of a
// full one is left to the next search, which begins at that time, or, if the
// page is all of one time, goes through that time by the records' ids.
func (p place) next(results []object, b bounds) ([]*object, place) {
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
			n.sure = max(p.at, b.settled)
		}
		n.at, n.rested = n.sure, true
	default:
		n.at = max(p.at, lastTime(results))
		if p.certain() {
			n.sure = max(p.at, min(n.at, b.settled))
		}
		found := before(n.at, results)
		if len(found) == 0 || n.at == p.at {
			n.ties, n.afterID = true, "0"
		}
		return found, n
	}
	return before(noBound, results), n
}

// certain reports whether nothing before the place can have been missed.
func (p place) certain() bool { return p.sure == p.at }

const noBound = 1<<63 - 1

// before returns the records modified before a time.
func before(ms int64, results []object) []*object {
	var found []*object
	for i := range results {
		if results[i].modified().UnixMilli() < ms {
			found = append(found, &results[i])
		}
	}
	return found
}

// lastTime returns the time up to which a full page has shown everything. A
// record that was edited a moment ago may stand at its old place with its new
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
