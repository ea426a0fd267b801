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
