package hubspot

import (
	"cmp"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"pgregory.net/rapid"
)

// entry is a record of a modelled index, which shows it from a moment on.
type entry struct{ id, at, shown int64 }

// answer is what the index answers to the search at a place.
func (p place) answer(index []entry, now int64) []object {
	after, _ := strconv.ParseInt(p.afterID, 10, 64)
	var found []entry
	for _, e := range index {
		if e.shown <= now && (p.ties && e.at == p.at && e.id > after || !p.ties && e.at >= p.at) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b entry) int {
		if p.ties {
			return cmp.Compare(a.id, b.id)
		}
		return cmp.Compare(a.at, b.at)
	})
	var page []object
	for _, e := range found[:min(len(found), maxSearchPage)] {
		page = append(page, e.object())
	}
	return page
}

func (e entry) object() object {
	return object{ID: strconv.FormatInt(e.id, 10),
		Properties: map[string]sync.Value{propModified: sync.Text(time.UnixMilli(e.at).UTC().Format(time.RFC3339Nano))}}
}

// However long the index takes to show each record, up to the lag assumed,
// however times coincide, and however slowly pages are asked for: every record
// is reported, and the stream comes to rest.
func TestNoRecordIsEverPassedOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const lag, start = int64(120_000), int64(1_790_000_000_000)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		step := rapid.SampledFrom([]int64{0, 1, 5, 50, 500}).Draw(t, "milliseconds between records")
		pause := rapid.SampledFrom([]int64{10, 1000, 20_000}).Draw(t, "milliseconds between pages")
		var index []entry
		at := start
		for i := range rapid.IntRange(1, 1500).Draw(t, "records") {
			if r.IntN(3) > 0 { // the others coincide
				at += r.Int64N(step + 1)
			}
			index = append(index, entry{int64(i + 1), at, at + r.Int64N(lag)})
		}
		seen := map[string]bool{}
		p, now, rest := place{}, start, 0
		for pages := 0; rest < 2; pages++ {
			if pages > 5000 {
				t.Fatal("the stream does not come to rest")
			}
			var found []*object
			found, p = p.next(p.answer(index, now), bounds{settled: now - lag})
			for _, o := range found {
				seen[o.ID] = true
			}
			w := walk{Deal, map[sync.Kind]place{Contact: p, Deal: {}}}
			if q, err := parseCursor(w.cursor()); err != nil || q.places[Contact] != p || q.last != Deal {
				t.Fatalf("%+v does not survive its cursor: %+v, %v", w, q, err)
			}
			more := !p.rested
			if now > at+2*lag && !more {
				rest++
			}
			now += r.Int64N(pause) + 1
			if !more {
				now += r.Int64N(30_000)
			}
		}
		if len(seen) != len(index) {
			t.Fatalf("%d of %d records were reported", len(seen), len(index))
		}
		if n := len(p.answer(index, now)); n != 0 {
			t.Fatalf("%d records are reported for ever", n)
		}
	})
}

// A moving record is edited now and then; the index learns of it later, and
// until then shows the new time at the old place.
type moving struct{ versions []entry }

// at is the version that is true now, or the one that the index goes by.
func (m moving) at(now int64, index bool) entry {
	last := m.versions[0]
	for _, v := range m.versions[1:] {
		if v.at <= now && (!index || v.shown <= now) {
			last = v
		}
	}
	return last
}

// mixed is what such an index answers to the search at a place.
func (p place) mixed(records []moving, now int64) []object {
	index := make([]entry, len(records))
	for i, m := range records {
		index[i] = m.at(now, true)
	}
	page := p.answer(index, now)
	for i, o := range page {
		n := slices.IndexFunc(index, func(e entry) bool { return strconv.FormatInt(e.id, 10) == o.ID })
		page[i] = records[n].at(now, false).object()
	}
	return page
}

// An edit of more records than a page, in the moment between the search and the
// answer, shows them all at their old places with their new times. None of
// those behind them is passed over.
func TestNoRecordIsPassedOverWhileManyAreEditedAtOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const lag, start = int64(120_000), int64(1_790_000_000_000)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		step := rapid.SampledFrom([]int64{0, 1, 50, 5000}).Draw(t, "milliseconds between records")
		behind := rapid.SampledFrom([]int64{0, lag}).Draw(t, "milliseconds behind the present")
		edits := rapid.IntRange(1, 3).Draw(t, "edits")
		records := make([]moving, rapid.IntRange(100, 1500).Draw(t, "records"))
		at := start
		for i := range records {
			at += r.Int64N(step + 1)
			records[i].versions = []entry{{int64(i + 1), at, at}}
		}
		seen := map[string]bool{}
		p, now, rest := place{}, at+r.Int64N(2*lag), 0
		last := now
		for pages := 0; rest < 2; pages++ {
			if pages > 5000 {
				t.Fatal("the stream does not come to rest")
			}
			if edits > 0 && r.IntN(4) == 0 {
				first, n := r.IntN(len(records)), r.IntN(500)
				for i := first; i < min(first+n, len(records)); i++ {
					records[i].versions = append(records[i].versions, entry{int64(i + 1), now, now + 1 + r.Int64N(lag)})
				}
				edits, last = edits-1, now
			}
			b := bounds{settled: now - lag}
			asked := records
			if behind > 0 {
				b.until = b.settled
				asked = slices.DeleteFunc(slices.Clone(records), func(m moving) bool { return !p.ties && m.at(now, true).at >= b.until })
			}
			var found []*object
			found, p = p.next(p.mixed(asked, now), b)
			for _, o := range found {
				seen[o.ID+"@"+o.modified().UTC().String()] = true
			}
			now += r.Int64N(1000) + 1
			if p.rested {
				if now > last+3*lag && edits == 0 {
					rest++
				}
				now += r.Int64N(60_000)
			}
		}
		for _, m := range records {
			v := m.at(now, false)
			if !seen[strconv.FormatInt(v.id, 10)+"@"+time.UnixMilli(v.at).UTC().String()] {
				t.Fatalf("record %d is never told as it is", v.id)
			}
		}
	})
}

// A sweep that keeps its distance tells each record once, whatever coincides.
func TestADelayedSweepTellsEachRecordOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const start = int64(1_790_000_000_000)
		step := rapid.SampledFrom([]int64{0, 1, 50}).Draw(t, "milliseconds between records")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		var index []entry
		at := start
		for i := range rapid.IntRange(1, 1500).Draw(t, "records") {
			if r.IntN(3) > 0 {
				at += r.Int64N(step + 1)
			}
			index = append(index, entry{int64(i + 1), at, at})
		}
		seen := map[string]int{}
		p := place{}
		for now := start; now <= at || !p.rested; {
			now += r.Int64N(20) + 1
			shown := slices.DeleteFunc(slices.Clone(index), func(e entry) bool { return !p.ties && e.at >= now })
			var found []*object
			found, p = p.next(p.answer(shown, now), bounds{settled: now, until: now})
			for _, o := range found {
				seen[o.ID]++
			}
		}
		for _, e := range index {
			if n := seen[strconv.FormatInt(e.id, 10)]; n != 1 {
				t.Fatalf("record %d was told %d times", e.id, n)
			}
		}
	})
}

func TestKindsTakeTurns(t *testing.T) {
	kinds := []sync.Kind{Contact, Deal, Note}
	w := &walk{places: map[sync.Kind]place{}}
	rest := func(kind sync.Kind) { w.places[kind] = place{rested: true} }
	var got []sync.Kind
	for range 4 {
		w.last = w.turn(kinds)
		got = append(got, w.last)
	}
	rest(Deal)
	for range 3 {
		w.last = w.turn(kinds)
		got = append(got, w.last)
	}
	rest(Contact)
	rest(Note)
	w.last = w.turn(kinds)
	got = append(got, w.last)
	want := []sync.Kind{Contact, Deal, Note, Contact, Note, Contact, Note, Contact}
	if !slices.Equal(got, want) || w.rested(kinds) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnOldCursorIsAPlaceAmongTheContacts(t *testing.T) {
	for cursor, want := range map[sync.Cursor]place{
		"1.7.5":   {at: 7, sure: 5},
		"1.7.7.3": {at: 7, sure: 7, ties: true, afterID: "3"},
	} {
		w, err := parseCursor(cursor)
		if err != nil || w.places[Contact] != want || len(w.places) != 1 {
			t.Errorf("%s: %+v, %v", cursor, w, err)
		}
	}
}

func FuzzCursor(f *testing.F) {
	for _, c := range []string{"", "1.0.0", "1.1790000000000.1789999999000", "1.5.4.12", "1.4.5", "x", "2,",
		"2,deal,contact.5.4.12*,deal.1790000000000.0", "2,x,x.1.1,x.1.1", "2,,contact.9.8*"} {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, c string) {
		w, err := parseCursor(sync.Cursor(c))
		if err != nil {
			return
		}
		if q, err := parseCursor(w.cursor()); err != nil || !reflect.DeepEqual(q, w) {
			t.Fatalf("%q: %+v, then %+v, %v", c, w, q, err)
		}
		if kind := w.turn([]sync.Kind{Contact, Deal}); w.places[kind].rested {
			t.Fatalf("%q: it is the turn of %s, which is at its end", c, kind)
		}
	})
}
