package hubspot

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// walk is a cursor taken apart: where a sweep stands in each kind of records.
// Kinds that are not swept at present keep their place.
type walk struct {
	last   sync.Kind // whose page was read last
	places map[sync.Kind]place
}

// turn returns the kind whose page is to be read next: the first behind the
// last one, going round, that has not come to rest. When all have, they begin
// again.
func (w *walk) turn(kinds []sync.Kind) sync.Kind {
	if w.rested(kinds) {
		for _, k := range kinds {
			p := w.places[k]
			p.rested = false
			w.places[k] = p
		}
	}
	after := slices.IndexFunc(kinds, func(k sync.Kind) bool { return k > w.last })
	behind := append(slices.Clone(kinds[max(after, 0):]), kinds[:max(after, 0)]...)
	return behind[slices.IndexFunc(behind, func(k sync.Kind) bool { return !w.places[k].rested })]
}

// rested reports whether every kind has come to its end.
func (w *walk) rested(kinds []sync.Kind) bool {
	return !slices.ContainsFunc(kinds, func(k sync.Kind) bool { return !w.places[k].rested })
}

// The forms of a cursor: of the second version, a list of the last kind and
// the place in each; of the first, the place among the contacts.
var (
	placeForm  = regexp.MustCompile(`^([a-z_]{1,40})\.(\d{1,15})\.(\d{1,15})(?:\.(\d{1,19}))?(\*)?$`)
	lastForm   = regexp.MustCompile(`^[a-z_]{0,40}$`)
	firstForm  = regexp.MustCompile(`^1(\.\d{1,15}\.\d{1,15}(?:\.\d{1,19})?)$`)
	cursorMark = "2"
)

// cursor is the walk as text, such as
// "2,deal,contact.1790000000000.1790000000000*,deal.1790000000000.1789999880000.512".
func (w *walk) cursor() sync.Cursor {
	parts := []string{cursorMark, string(w.last)}
	for _, kind := range slices.Sorted(maps.Keys(w.places)) {
		p := w.places[kind]
		part := fmt.Sprintf("%s.%d.%d", kind, p.at, p.sure)
		if p.ties {
			part += "." + p.afterID
		}
		if p.rested {
			part += "*"
		}
		parts = append(parts, part)
	}
	return sync.Cursor(strings.Join(parts, ","))
}

// parseCursor takes a cursor apart, also one of the first version.
func parseCursor(c sync.Cursor) (*walk, error) {
	w := &walk{places: map[sync.Kind]place{}}
	if c == "" {
		return w, nil
	}
	text := string(c)
	if m := firstForm.FindStringSubmatch(text); m != nil {
		text = cursorMark + ",," + string(Contact) + m[1]
	}
	parts := strings.Split(text, ",")
	if len(parts) < 2 || parts[0] != cursorMark || !lastForm.MatchString(parts[1]) {
		return nil, cursorError()
	}
	w.last = sync.Kind(parts[1])
	for _, part := range parts[2:] {
		kind, p, ok := parsePlace(part)
		if _, twice := w.places[kind]; twice || !ok {
			return nil, cursorError()
		}
		w.places[kind] = p
	}
	return w, nil
}

func parsePlace(text string) (sync.Kind, place, bool) {
	m := placeForm.FindStringSubmatch(text)
	if m == nil {
		return "", place{}, false
	}
	at, _ := strconv.ParseInt(m[2], 10, 64) // the form leaves no error
	sure, _ := strconv.ParseInt(m[3], 10, 64)
	return sync.Kind(m[1]), place{at: at, sure: min(sure, at), ties: m[4] != "", afterID: m[4], rested: m[5] != ""}, true
}

func cursorError() error {
	return &sync.Error{Op: opSearch.String(), Action: sync.Fatal, Rule: "cursor.form",
		Hint: "the cursor is not one of this adapter's; start again from the beginning"}
}

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
			n.sure = max(p.at, min(n.at, lastSettled(results, b.settled)))
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

// lastTime returns the time up to which a full page has probably shown
// everything. A record that was edited a moment ago may stand at its old place
// with its new time, so the least of the last few is taken. When all of them
// were edited at once that is too late a time, which is why nobody relies on it
// where lastSettled says less.
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

// lastSettled returns the time up to which a full page has shown everything for
// certain, or 0. The index knows every edit before settled: a record with such
// a time stands at its own place, and one at a former place has a later time,
// however many were edited while the page was made.
func lastSettled(results []object, settled int64) int64 {
	for i := len(results) - 1; i >= 0; i-- {
		if t := results[i].modified().UnixMilli(); t < settled {
			return t
		}
	}
	return 0
}
