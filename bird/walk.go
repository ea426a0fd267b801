package bird

import (
	"math"
	"slices"
	stdsync "sync"

	"github.com/urbanhub/crmsync/sync"
)

// memoryLimit bounds the records whose states are held, some 50 bytes each.
// Further ones are reported in every walk, each state under the same ID.
const memoryLimit = 1 << 20

// mostMissing bounds the missing records that one walk reports: each costs a
// read. The others are reported by the next walks.
const mostMissing = 1000

// A mark is what a walk last showed of a record.
type mark struct {
	state fingerprint // zero: report it whatever it is
	walk  uint32      // its number, or gone
}

// gone is the walk of a record that was reported as missing.
const gone = math.MaxUint32

// walk remembers what the pages of the list showed. What a page shows counts
// from the next turn on, when its caller comes back with its Next: until then
// its changes may be lost. Read and stats may be called at any time, the
// other methods by who has the turn.
type walk struct {
	mu    stdsync.Mutex // guards what follows
	marks map[uuid]mark

	number uint32 // of the walk under way
	whole  bool   // this process saw all its pages so far
	last   uint32 // the last walk that was whole to the end

	given, next sync.Cursor // of the last page
	pending     sights
	at          progress
}

func newWalk() *walk { return &walk{marks: map[uuid]mark{}} }

// sights are what a page showed.
type sights struct {
	marks map[uuid]mark
	last  uint32
}

// turn begins a page at the place that the caller's cursor names.
func (w *walk) turn(since sync.Cursor, at progress) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch since {
	case w.next:
		w.acknowledge()
	case w.given: // the page is asked for again: its changes may be lost
		w.disown()
	default: // this process has not seen the page before
		w.disown()
		w.whole = false
		w.number++
	}
	if at.Pages == 0 {
		w.whole = true
		w.number++
	}
	w.given, w.at = since, at
	w.pending = sights{marks: map[uuid]mark{}, last: w.last}
}

// acknowledge believes the last page to be stored.
func (w *walk) acknowledge() {
	for u, m := range w.pending.marks {
		w.mark(u, m)
	}
	w.last = w.pending.last
}

// disown keeps of the last page only whom it showed: somebody may have been
// told of them for the first time, and must also hear when they are gone.
func (w *walk) disown() {
	for u, m := range w.pending.marks {
		if was, held := w.marks[u]; !held || was.walk == gone {
			w.mark(u, mark{walk: m.walk - 1})
		}
	}
}

func (w *walk) mark(u uuid, m mark) {
	if _, held := w.marks[u]; held || len(w.marks) < memoryLimit {
		w.marks[u] = m
	}
}

// A sighting is what a page shows of a record, compared with before.
type sighting struct {
	state fingerprint
	known bool // an earlier state was reported
	news  bool // it differs
	fresh bool // no earlier page of this walk showed the record
}

// sight notes what a page shows of a record.
func (w *walk) sight(id string, f fingerprint) sighting {
	k, ok := uuidOf(id)
	if !ok {
		return sighting{state: f, news: true, fresh: true}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	was, known := w.marks[k]
	w.pending.marks[k] = mark{f, w.number}
	return sighting{state: f, known: known, news: was.state != f, fresh: was.walk != w.number}
}

// read takes note of a read. One that the list may show and that was not found
// is reported by the next walk that shows it, whatever it is; one that was
// reported as missing and was found is looked for again.
func (w *walk) read(id string, found bool) {
	u, ok := uuidOf(id)
	if !ok {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, marks := range []map[uuid]mark{w.marks, w.pending.marks} {
		switch m, held := marks[u]; {
		case !held:
		case !found:
			marks[u] = mark{walk: m.walk}
		case m.walk == gone:
			marks[u] = mark{walk: w.number}
		}
	}
}

// missing ends a walk and returns the records that neither it nor the whole
// one before has shown. A walk that is not whole shows nothing missing.
func (w *walk) missing() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.whole {
		return nil
	}
	w.pending.last = w.number
	var ids []string
	for k, m := range w.marks {
		if _, shown := w.pending.marks[k]; !shown && m.walk < w.last && len(ids) < mostMissing {
			w.pending.marks[k] = mark{walk: gone}
			ids = append(ids, k.id())
		}
	}
	slices.Sort(ids)
	return ids
}

// leave notes where the walk stands after a page, and returns its cursor.
func (w *walk) leave(at progress) sync.Cursor {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at, w.next = at, at.cursor()
	return w.next
}
