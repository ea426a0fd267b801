package sqlitequeue

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/sync"
)

// stored is a message as it comes out of a pack.
type stored struct {
	Place   int
	Message sync.Message
}

func unpack(body []byte) (list []stored, rest []byte) {
	rest = frames(body, func(f frame) bool {
		list = append(list, stored{f.place, f.message(sync.Facts)})
		return true
	})
	return list, rest
}

func TestPacksComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		some := rapid.StringN(1, 40, -1)
		places := rapid.SliceOfNDistinct(rapid.IntRange(0, packSize-1), 1, 20, rapid.ID).Draw(r, "places")
		slices.Sort(places)
		var p pack
		var want []stored
		for _, place := range places {
			m := sync.Message{ID: some.Draw(r, "id"), Key: some.Draw(r, "key"), Priority: sync.Facts,
				EnqueuedAt: time.UnixMicro(rapid.Int64Range(-1e17, 1e17).Draw(r, "at")).UTC(),
				Payload:    append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(r, "payload")...)}
			p.add(place, &m)
			want = append(want, stored{place, m})
		}
		got, rest := unpack(p.body)
		if d := cmp.Diff(want, got); d != "" || len(rest) > 0 {
			r.Fatalf("%d bytes are left\n%s", len(rest), d)
		}
		if int(p.waiting) != len(places) {
			r.Fatalf("%d messages wait, want %d", p.waiting, len(places))
		}
		for place := range packSize {
			if p.done.waits(place) != slices.Contains(places, place) {
				r.Fatalf("place %d of %v waits: %v", place, places, p.done.waits(place))
			}
		}
		one := rapid.SampledFrom(places).Draw(r, "one")
		if !p.done.remove(one) || p.done.remove(one) || p.done.waits(one) {
			r.Fatal("what is removed is removed once")
		}
		cut := rapid.IntRange(0, len(p.body)-1).Draw(r, "cut")
		got, rest = unpack(p.body[:cut])
		if d := cmp.Diff(want[:len(got)], got, cmpopts.EquateEmpty()); d != "" {
			r.Fatalf("cut at %d\n%s", cut, d)
		}
		var whole pack
		for i := range got {
			whole.add(got[i].Place, &got[i].Message)
		}
		if len(whole.body)+len(rest) != cut {
			r.Fatalf("%d bytes make sense and %d do not, of %d", len(whole.body), len(rest), cut)
		}
	})
}

// FuzzFrames reads what a damaged file may hold.
func FuzzFrames(f *testing.F) {
	var p pack
	p.add(0, &sync.Message{ID: "id", Key: "key", EnqueuedAt: time.Unix(1, 0), Payload: []byte("payload")})
	p.add(7, &sync.Message{ID: "id 2", Key: "key"})
	for _, seed := range []string{string(p.body), "", "\x00", "\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00\x01\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var p pack
		rest := frames(body, func(f frame) bool {
			m := f.message(sync.Live)
			if string(f.key()) != m.Key {
				t.Errorf("the key is %q and %q", f.key(), m.Key)
			}
			p.keep(f)
			return true
		})
		again, cut := unpack(p.body)
		if len(cut) > 0 || int64(len(again)) != p.waiting {
			t.Errorf("of %d messages that were kept %d come back", p.waiting, len(again))
		}
		if len(rest) > len(body) {
			t.Errorf("%d of %d bytes are left", len(rest), len(body))
		}
	})
}
