package simtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A version is one value of one field that a person entered. People never
// enter the same value twice, so a value tells which edit it comes from,
// wherever the engine has carried it since.
type version struct {
	n     int
	field string // flow and name
	value sync.Value
	ref   sync.Ref
	side  sync.Side
	at    time.Time // by the true clock
	over  []*version
	vague bool // the same value came up twice: it tells nothing
}

// before reports whether someone saw v when they entered o, or saw what was
// entered over it.
func (v *version) before(o *version) bool {
	if v == nil || o == nil {
		return false
	}
	return slices.ContainsFunc(o.over, func(p *version) bool { return p == v || !p.vague && v.before(p) })
}

// String names a version without its value.
func (v *version) String() string {
	if v == nil {
		return "nothing anybody entered"
	}
	return fmt.Sprintf("edit %d of %s (%s at %s)", v.n, v.field, v.ref, clock(v.at))
}

// A history is what people entered and what the engine did to it.
type history struct {
	versions  map[string]*version
	overwrote []overwrite
	cleared   map[string]bool       // field and record
	latest    map[string]*version   // field and record
	lines     map[sync.Ref][]string // what happened to a record, when a trace is kept
}

// An overwrite is one field that the engine gave another meaning.
type overwrite struct {
	ref      sync.Ref
	field    string
	was, now *version
	lost     sync.Value // canonical
	at       time.Time
	raced    bool // it was edited after the engine had read it
	ours     bool // what is lost was not edited since the engine wrote it
}

func newHistory() *history {
	return &history{versions: map[string]*version{}, cleared: map[string]bool{}, latest: map[string]*version{}, lines: map[sync.Ref][]string{}}
}

// sorted returns all versions in the order they were entered.
func (h *history) sorted() []*version {
	return slices.SortedFunc(maps.Values(h.versions), func(a, b *version) int { return a.n - b.n })
}

// find returns the version that has a value.
func (h *history) find(field string, value sync.Value) *version {
	if value.Blank() {
		return nil
	}
	return h.versions[field+"\x00"+value.String()]
}

// entered notes that a person gave a field a new value.
func (h *history) entered(field string, ref sync.Ref, side sync.Side, was, now sync.Value) {
	if now.Blank() {
		h.cleared[field+ref.String()] = true
		return
	}
	key := field + "\x00" + now.String()
	v := h.versions[key]
	if v == nil {
		v = &version{n: len(h.versions) + 1, field: field, value: now, ref: ref, side: side, at: time.Now()}
		h.versions[key] = v
	} else {
		v.vague = true
	}
	v.replaces(h.find(field, was))
	at := field + ref.String()
	if was == unreadable {
		v.replaces(h.latest[at]) // nonsense is the same everywhere, and breaks the chain
	}
	if now != unreadable {
		h.latest[at] = v
	}
}

// replaces notes that a version came after another.
func (v *version) replaces(prev *version) {
	if prev != nil && prev != v && !v.before(prev) {
		v.over = append(v.over, prev)
	}
}

// changes calls do for each field of the flows that means something else now.
func (w *world) changes(ref sync.Ref, was, now sync.Fields, do func(f *sync.Flow, s sync.Side, field *sync.Field, was, now sync.Value)) {
	for _, f := range w.cfg.Flows {
		side, ok := f.SideOf(ref)
		if !ok {
			continue
		}
		for i := range f.Fields {
			field := &f.Fields[i]
			a, b := canonical(field, side, was), canonical(field, side, now)
			if a != b {
				do(f, side, field, a, b)
			}
		}
	}
}

// canonical is what a record says in a field; what its lens refuses is a
// value of its own.
func canonical(field *sync.Field, s sync.Side, raw sync.Fields) sync.Value {
	v, err := lensOf(field, s).Get(raw)
	if err != nil {
		return unreadable
	}
	return v
}

// unreadable stands for every value that a lens refuses.
var unreadable = sync.List("unreadable")

func lensOf(field *sync.Field, s sync.Side) sync.Lens {
	if s == sync.Left {
		return field.Left
	}
	return field.Right
}

func fieldName(f *sync.Flow, field *sync.Field) string { return f.Name + "." + field.Name }

// clock shows a moment of the run.
func clock(t time.Time) string { return t.Sub(epoch).Round(time.Millisecond).String() }

// epoch is when every bubble begins.
var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
