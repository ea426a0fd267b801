package redisqueue

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/sync"
)

func TestMessagesComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		bytes := rapid.SliceOf(rapid.Byte())
		some := rapid.SliceOfN(rapid.Byte(), 1, 300)
		want := sync.Message{
			ID: string(some.Draw(r, "id")), Key: string(some.Draw(r, "key")), Priority: sync.Facts,
			EnqueuedAt: time.UnixMicro(rapid.Int64Range(-1e17, 1e17).Draw(r, "at")).UTC(), Payload: append([]byte{}, bytes.Draw(r, "payload")...),
		}
		text := string(encode(&want))
		if len(text) != encodedLen(&want) {
			r.Fatalf("%d bytes were announced, and %d are there", encodedLen(&want), len(text))
		}
		got, err := decode(text, sync.Facts)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			r.Fatalf("%v\n%s", err, d)
		}
		begins := string(beginning(want.Key))
		if text[:len(begins)] != begins {
			r.Fatal("the message does not begin as those of its key do")
		}
		cut := rapid.IntRange(0, len(text)-len(want.Payload)-1).Draw(r, "cut")
		if m, err := decode(text[:cut], sync.Facts); err == nil {
			r.Fatalf("%d of %d bytes gave %+v", cut, len(text), m)
		}
	})
}

// TestStoredFormIsStable keeps what is stored readable by later versions.
func TestStoredFormIsStable(t *testing.T) {
	m := sync.Message{ID: "id-1", Key: "crm/contact/1", EnqueuedAt: time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC), Payload: []byte("{}")}
	const stored = "010d63726d2f636f6e746163742f310469642d3182c0f8daa6fda5067b7d"
	if got := hex.EncodeToString(encode(&m)); got != stored {
		t.Errorf("a message is stored as %s, and was as %s", got, stored)
	}
	if got := hex.EncodeToString(appendFrame(nil, 300, &m)); got != "ac021e"+stored {
		t.Errorf("at place 300 of a pack it is stored as %s", got)
	}
	if got := packOf(packID{5, 8}.seq(7)); got != (packID{5, 8}) || got.String() != "5-8" || got.seq(7) != 5<<18|7<<9|7 {
		t.Errorf("message 7 of the pack 5-8 has the number %d", got.seq(7))
	}
	if got := newKeys("q", 2, true).heldName(1, sync.Backfill, packID{5, 8}.seq(7)); got != "{q:1}:s:1:3:5-8:7" {
		t.Errorf("one that failed is named %s", got)
	}
	if got := newKeys("q", 2, false).week(0, 3); got != "{q}:ids:3" {
		t.Errorf("the IDs of a week are named %s", got)
	}
}

func TestPackIDs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seq := rapid.Uint64Range(0, 1<<64-1).Draw(r, "seq")
		id, ok := parsePackID(packOf(seq).String())
		if !ok || id != packOf(seq) || id.seq(placeOf(seq)) != seq {
			r.Fatalf("%d became %v at place %d, and that %d, %v", seq, packOf(seq), placeOf(seq), id.seq(placeOf(seq)), ok)
		}
	})
	for _, id := range []string{"", "x-y", "5", "5-0", "5-513", "-1", "70368744177664-1", "18446744073709551615-18446744073709551615"} {
		if got, ok := parsePackID(id); ok {
			t.Errorf("the foreign ID %q is taken for the pack %v", id, got)
		}
	}
}

func TestPacksComeBack(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		places := rapid.SliceOfNDistinct(rapid.IntRange(0, lastPlace-1), 1, 20, rapid.ID).Draw(r, "places")
		slices.Sort(places)
		var body []byte
		var want []frame
		size := 0
		for _, place := range places {
			m := sync.Message{ID: "id", Key: "k", Payload: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(r, "payload")}
			body = appendFrame(body, place, &m)
			want = append(want, frame{place, string(encode(&m))})
			size += frameLen(place, &m)
		}
		id := packID{1, len(places)}
		got, rest := id.frames(nil, string(body))
		if d := cmp.Diff(want, got, cmp.AllowUnexported(frame{})); d != "" || rest != "" || size != len(body) {
			r.Fatalf("%d bytes announced, %d there, %q left\n%s", size, len(body), rest, d)
		}
		cut := rapid.IntRange(0, len(body)-1).Draw(r, "cut")
		got, rest = id.frames(nil, string(body[:cut]))
		if len(got) >= len(want) || !cmp.Equal(got, want[:len(got)], cmp.AllowUnexported(frame{})) && len(got) > 0 {
			r.Fatalf("%d of %d bytes gave %v and %q", cut, len(body), got, rest)
		}
		if got, rest = (packID{1, len(places)}).frames(nil, string(body)+string(appendFrame(nil, lastPlace, &sync.Message{}))); len(got) > 0 || rest == "" {
			r.Fatalf("a message too many gave %v", got)
		}
	})
}

func TestBitmaps(t *testing.T) {
	m := mask(nil).add(500).add(3).add(8)
	b := bitmap("\x00\x03" + string(m))
	for place := range 600 {
		if want := place == 500 || place == 3 || place == 8; b.has(place) != want {
			t.Errorf("place %d: %v", place, !want)
		}
	}
	if m.first() != 3 {
		t.Errorf("the first is %d", m.first())
	}
}

// FuzzDecode reads what anybody may have written to a stream.
func FuzzDecode(f *testing.F) {
	m := sync.Message{ID: "id", Key: "key", EnqueuedAt: time.Unix(1, 0), Payload: []byte("payload")}
	for _, seed := range []string{string(encode(&m)), "", "\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00\x01a\x00", "\x02key",
		string(appendFrame(nil, 2, &m)), "\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, rest := packID{1, 3}.frames(nil, text)
		if len(list) > 3 || len(rest) > len(text) {
			t.Errorf("%d messages and a rest of %d bytes", len(list), len(rest))
		}
		m, err := decode(text, sync.Live)
		if err != nil {
			return
		}
		again, err := decode(string(encode(&m)), sync.Live)
		if d := cmp.Diff(m, again); err != nil || d != "" {
			t.Errorf("%v\n%s", err, d)
		}
	})
}
