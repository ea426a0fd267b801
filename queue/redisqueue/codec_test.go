package redisqueue

import (
	"encoding/hex"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/queue"
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
	for key, want := range map[string]uint64{"": 1631, "k": 372, "crm/contact/1": 640, "crm/contact/2": 101} {
		if got := bucketOf(key); got != want {
			t.Errorf("the bucket of %q is %d, and was %d", key, got, want)
		}
	}
	k := newKeys("q", 2, true)
	if got := k.index(1, sync.Backfill, 7); got != "{q:1}:s:1:3:7" {
		t.Errorf("an index is named %s", got)
	}
	if got := newKeys("q", 2, false).week(0, 3); got != "{q}:ids:3" {
		t.Errorf("the IDs of a week are named %s", got)
	}
}

// Keys of one shard that differ by little lie in many buckets.
func TestBucketsAreEven(t *testing.T) {
	const n = 100_000
	inShard, of := 0, map[uint64]int{}
	for i := range n {
		key := "crm/contact/" + strconv.Itoa(i)
		if queue.ShardOf(key, 16) == 3 {
			inShard++
			of[bucketOf(key)]++
		}
	}
	most := 0
	for _, c := range of {
		most = max(most, c)
	}
	if mean := float64(inShard) / buckets; len(of) < buckets*9/10 || float64(most) > 6*mean {
		t.Errorf("%d keys lie in %d buckets, with up to %d in one", inShard, len(of), most)
	}
}

func TestEntryIDs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		seq := rapid.Uint64Range(0, (maxCounter-1)<<bucketBits-1).Draw(r, "seq")
		if got, ok := parseID(entryID(seq)); !ok || got != seq {
			r.Fatalf("%d became %s, and that %d, %v", seq, entryID(seq), got, ok)
		}
		bucket := rapid.Uint64Range(0, buckets-1).Draw(r, "bucket")
		last := lastCounter(seq, bucket)
		if last >= 0 && uint64(last)<<bucketBits|bucket > seq {
			r.Fatalf("the last counter %d of bucket %d is above %d", last, bucket, seq)
		}
		if uint64(last+1)<<bucketBits|bucket <= seq {
			r.Fatalf("the counter after %d of bucket %d is not above %d", last, bucket, seq)
		}
	})
	for id, want := range map[string]uint64{
		"": 0, "x-y": 0, "5": 5 << bucketBits, "5-2048": 6<<bucketBits - 1, "-1": 1,
		"18446744073709551615-18446744073709551615": maxCounter<<bucketBits - 1,
	} {
		if got, ok := parseID(id); ok || got != want {
			t.Errorf("the foreign ID %q gave %d, %v; want %d", id, got, ok, want)
		}
	}
}

// FuzzDecode reads what anybody may have written to a stream.
func FuzzDecode(f *testing.F) {
	m := sync.Message{ID: "id", Key: "key", EnqueuedAt: time.Unix(1, 0), Payload: []byte("payload")}
	for _, seed := range []string{string(encode(&m)), "", "\x01", "\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\x01\x00\x01a\x00", "\x02key"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
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
