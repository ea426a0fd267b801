package bird

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/sync"
)

func contactID(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// world is a list of contacts with states, and what somebody who stored pages
// was told of them.
type world struct {
	t      *rapid.T
	state  map[string]byte
	order  []string // of the list, as it is when a walk begins
	told   map[string]byte
	fresh  byte
	walk   *walk
	cursor sync.Cursor
}

// edit gives a contact, perhaps a new one, another state, perhaps an old one,
// but never one it had in the same moment: its updatedAt is other.
func (w *world) edit() {
	w.fresh++
	id := contactID(rapid.IntRange(0, 7).Draw(w.t, "contact"))
	w.state[id] = w.fresh
}

func (w *world) delete() {
	if len(w.state) > 0 {
		delete(w.state, rapid.SampledFrom(slices.Sorted(maps.Keys(w.state))).Draw(w.t, "gone"))
	}
}

// page shows up to two contacts of the list and returns the next cursor, and
// what somebody who stores the page is told.
func (w *world) page() (sync.Cursor, map[string]byte) {
	at := parseProgress(w.cursor)
	at.begin(time.Unix(1, 0))
	w.walk.turn(w.cursor, at)
	if at.Pages == 0 {
		w.order = rapid.Permutation(slices.Sorted(maps.Keys(w.state))).Draw(w.t, "order")
	}
	from := min(at.Records, len(w.order))
	to := min(from+2, len(w.order))
	told := map[string]byte{}
	for _, id := range w.order[from:to] {
		if now, there := w.state[id]; there && w.walk.sight(id, fingerprint{1, now}).news {
			told[id] = now
		}
	}
	at.Pages++
	at.Records += to - from
	if to < len(w.order) {
		return w.walk.leave(at), told
	}
	for _, id := range w.walk.missing() {
		told[id] = w.state[id] // 0 if it is gone, as a read finds
		w.walk.read(id, w.state[id] != 0)
	}
	return w.walk.leave(at.finished(time.Unix(2, 0))), told
}

// store takes in what a page told, and its cursor.
func (w *world) store(next sync.Cursor, told map[string]byte) {
	maps.Copy(w.told, told)
	w.cursor = next
}

// settle walks on, undisturbed, to the end of the walk and of three whole ones.
func (w *world) settle() {
	for ends := 0; ends < 4; {
		w.store(w.page())
		if parseProgress(w.cursor).Began.IsZero() {
			ends++
		}
	}
}

// TestAWalkTellsEverything whatever is edited, lost, repeated or restarted
// meanwhile: when all is quiet, everybody has been told the last state of
// every contact, and that those are gone which are.
func TestAWalkTellsEverything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, state: map[string]byte{}, told: map[string]byte{}, walk: newWalk()}
		deletes := rapid.Bool().Draw(t, "one process, and deletions") // another one knows nobody who is gone
		t.Repeat(map[string]func(*rapid.T){
			"edit":                          func(*rapid.T) { w.edit() },
			"page":                          func(*rapid.T) { w.store(w.page()) },
			"page2":                         func(*rapid.T) { w.store(w.page()) },
			"a page whose changes are lost": func(*rapid.T) { w.page() },
			"a page whose cursor is lost":   func(*rapid.T) { _, told := w.page(); w.store(w.cursor, told) },
			"a page that another process tells": func(*rapid.T) {
				own := w.walk
				if !deletes {
					w.walk = newWalk()
				}
				w.store(w.page())
				w.walk = own
			},
			"delete or restart": func(*rapid.T) {
				if deletes {
					w.delete()
				} else {
					w.walk = newWalk()
				}
			},
			"a read finds nobody": func(t *rapid.T) {
				id := contactID(rapid.IntRange(0, 7).Draw(t, "not found"))
				w.walk.read(id, false)
				delete(w.told, id)
			},
		})
		w.settle()
		for id, now := range w.state {
			if w.told[id] != now {
				t.Fatalf("%s is in state %d, told was %d", id, now, w.told[id])
			}
		}
		for id, was := range w.told {
			if _, there := w.state[id]; !there && was != 0 {
				t.Fatalf("%s is gone, told was %d", id, was)
			}
		}
	})
}

func TestTheMemoryOfAWalkIsBounded(t *testing.T) {
	w := newWalk()
	for n := range memoryLimit + 10 {
		u, _ := uuidOf(contactID(n))
		w.pending.marks = map[uuid]mark{u: {walk: 1}}
		w.acknowledge()
	}
	if len(w.marks) != memoryLimit {
		t.Errorf("%d contacts are remembered", len(w.marks))
	}
	if s := w.sight("no UUID", fingerprint{1}); !s.news || s.known || !s.fresh {
		t.Errorf("%+v", s)
	}
}

func TestAFingerprintChangesWithEverythingShown(t *testing.T) {
	base := func() (*contact, sync.Fields) {
		return &contact{IdentifierCount: 2, UpdatedAt: moment{time.Unix(1, 0)}}, sync.Fields{"a": sync.Text("b"), "c": sync.Text("")}
	}
	seen := map[fingerprint]string{}
	for name, change := range map[string]func(*contact, sync.Fields){
		"nothing":            func(*contact, sync.Fields) {},
		"a value":            func(_ *contact, f sync.Fields) { f["a"] = sync.Text("x") },
		"a name":             func(_ *contact, f sync.Fields) { f["d"] = f["a"]; delete(f, "a") },
		"what ends where":    func(_ *contact, f sync.Fields) { f["ab"] = sync.Text(""); delete(f, "a") },
		"the time":           func(c *contact, _ sync.Fields) { c.UpdatedAt.Time = time.Unix(1, 1e6) },
		"hidden identifiers": func(c *contact, _ sync.Fields) { c.IdentifierCount = 3 },
	} {
		c, f := base()
		change(c, f)
		print := fingerprintOf(f, c.UpdatedAt.UnixMilli(), int64(c.IdentifierCount))
		if other, taken := seen[print]; taken {
			t.Errorf("%s looks like %s", name, other)
		}
		seen[print] = name
	}
}

func TestAUUIDCanBeHadBack(t *testing.T) {
	for id, want := range map[string]bool{contactID(7): true, "0000000A-0000-4000-8000-000000000000": false,
		"00000000000040008000000000000000": false, "00000000-0000-4000-8000-00000000000g": false, "": false} {
		if u, ok := uuidOf(id); ok != want || ok && u.id() != id {
			t.Errorf("%q: %v", id, ok)
		}
	}
}

func TestTheDelayOfAWalk(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	last := lap{Began: at(100), Ended: at(200), Pages: 1000, Records: 100_000, Pause: 60 * time.Second}
	for name, tt := range map[string]struct {
		at   progress
		now  int
		want time.Duration
		ok   bool
	}{
		"before the first walk":             {progress{}, 100, 0, false},
		"in the first walk":                 {progress{Began: at(90)}, 100, 10 * time.Second, false},
		"in the first pause":                {progress{Last: lap{Began: at(100), Ended: at(200)}}, 210, 200 * time.Second, false},
		"between walks":                     {progress{Last: last}, 210, 260 * time.Second, true},
		"after a long pause":                {progress{Last: last}, 300, 300 * time.Second, true},
		"in the next walk":                  {progress{Last: last, Began: at(250)}, 300, 260 * time.Second, true},
		"in a walk after a long pause":      {progress{Last: last, Began: at(280)}, 300, 280 * time.Second, true},
		"in a walk that is slow":            {progress{Last: last, Began: at(250)}, 400, 310 * time.Second, true},
		"in a walk after one that was slow": {progress{Last: lap{Began: at(0), Ended: at(200)}, Began: at(210)}, 300, 410 * time.Second, true},
	} {
		w := newWalk()
		w.at = tt.at
		s := w.stats(at(tt.now))
		if got := s.delay(at(tt.now)); got != tt.want || (s.Pause > 0) != tt.ok {
			t.Errorf("%s: %v, %v, want %v, %v", name, got, s.Pause > 0, tt.want, tt.ok)
		}
	}
}

func TestAProgressIsItsCursor(t *testing.T) {
	p := progress{Token: "t"}
	p.begin(time.Now())
	p = p.finished(time.Now())
	p.begin(time.Now())
	if got := parseProgress(p.cursor()); got != p {
		t.Errorf("got %+v, want %+v", got, p)
	}
	if p.Last.Ended.IsZero() || !parseProgress("[1]").Began.IsZero() || parseProgress("").cursor() != parseProgress("{").cursor() {
		t.Error("what is no cursor is not the beginning")
	}
}

func TestAPaceKeepsItsSpanAndHeedsContexts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, start := newPace(4), time.Now()
		for range 3 {
			if err := p.wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
			p.done()
		}
		if took := time.Since(start); took != 600*time.Millisecond {
			t.Errorf("three calls of 100 ms took %v, want 600 ms", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := p.wait(t.Context()); err != nil { // the turn is free again
			t.Error(err)
		}
		if err := p.wait(ctx); !errors.Is(err, context.DeadlineExceeded) { // somebody has it
			t.Errorf("got %v", err)
		}
	})
}
