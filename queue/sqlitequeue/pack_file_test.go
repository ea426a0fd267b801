package sqlitequeue_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// spanOf is all of the stream of a key.
func spanOf(key string) []queue.Span {
	return []queue.Span{{Shard: queue.ShardOf(key, 8), Limit: 5000}}
}

// readAll returns what waits in the stream of a key.
func readAll(t *testing.T, l *sqlitequeue.Log, key string) []queue.Entry {
	t.Helper()
	pages, err := l.Read(t.Context(), spanOf(key))
	must(t, err)
	return pages[0].Entries
}

func ids(entries []queue.Entry) (out []string) {
	for i := range entries {
		out = append(out, entries[i].Message.ID)
	}
	return out
}

// fenceOf leases all shards and returns the fence of a key's.
func fenceOf(t *testing.T, l *sqlitequeue.Log, now time.Time, key string) queue.Fence {
	t.Helper()
	leases, err := l.Lease(t.Context(), now, queue.LeaseParams{Owner: "o", For: time.Minute})
	must(t, err)
	for _, g := range leases.Grants {
		if g.Shard == queue.ShardOf(key, 8) {
			return g.Fence
		}
	}
	t.Fatal("the shard was not granted")
	return queue.Fence{}
}

func pushed(n int) []sync.Message {
	msgs := make([]sync.Message, n)
	for i := range msgs {
		msgs[i] = message(fmt.Sprint(i), "k")
	}
	return msgs
}

// TestPacksDoneInPart removes some messages of a pack, and looks at the rest:
// at once, after a restart, and when what is done was forgotten.
func TestPacksDoneInPart(t *testing.T) {
	path := file(t)
	s := openStore(t, path, nil)
	l := openLog(t, s)
	must(t, l.Append(t.Context(), t0, pushed(6)))
	fence, entries := fenceOf(t, l, t0, "k"), readAll(t, l, "k")
	must(t, l.Hold(t.Context(), fence, queue.Pos{Seq: entries[4].Seq}, queue.Held{Attempts: 3}))
	must(t, l.Delete(t.Context(), fence, []queue.Pos{{Seq: entries[0].Seq}, {Seq: entries[2].Seq}, {Seq: entries[2].Seq}}))
	must(t, l.Delete(t.Context(), fence, []queue.Pos{{Seq: entries[2].Seq}, {Seq: entries[5].Seq + 1}, {Seq: entries[5].Seq + 5000}}))
	check := func(when string) {
		t.Helper()
		left := readAll(t, l, "k")
		if fmt.Sprint(ids(left)) != "[1 3 4 5]" || left[0].Seq != entries[1].Seq || left[2].Held == nil || left[2].Held.Attempts != 3 {
			t.Fatalf("%s there are %+v", when, left)
		}
		st, err := l.Stats(t.Context(), t0)
		must(t, err)
		if st.Waiting != 4 || st.OldestAt != t0 {
			t.Errorf("%s: %+v", when, st)
		}
	}
	check("at once")
	size := bodies(t, s)
	fenceOf(t, l, t0.Add(time.Second), "k")
	if bodies(t, s) != size {
		t.Error("the pack was written anew at the first heartbeat")
	}
	fenceOf(t, l, t0.Add(2*time.Second), "k")
	if now := bodies(t, s); now >= size {
		t.Errorf("the pack has %d bytes, and had %d: what is done is kept", now, size)
	}
	check("after heartbeats")
	must(t, s.Close())
	s = openStore(t, path, nil)
	l = openLog(t, s)
	check("after a restart")
	fence = fenceOf(t, l, t0.Add(3*time.Second), "k")
	var rest []queue.Pos
	for _, e := range readAll(t, l, "k") {
		rest = append(rest, queue.Pos{Seq: e.Seq})
	}
	must(t, l.Delete(t.Context(), fence, rest))
	for _, table := range []string{"pack", "body", "held"} {
		if n := count(t, s, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("table %s has %d rows after the last message", table, n)
		}
	}
}

// TestPushesOfMany fills more than one pack by one call, over all priorities.
func TestPushesOfMany(t *testing.T) {
	s := openStore(t, file(t), &sqlitestore.Options{Relaxed: true})
	l := openLog(t, s)
	msgs := pushed(3000)
	for i := range msgs {
		msgs[i].Priority = sync.Priority(i % int(sync.Priorities))
	}
	must(t, l.Append(t.Context(), t0, msgs))
	seqs := map[uint64]int{}
	for p := range sync.Priority(sync.Priorities) {
		pages, err := l.Read(t.Context(), []queue.Span{{Shard: queue.ShardOf("k", 8), Priority: p, Limit: 5000}})
		must(t, err)
		for _, e := range pages[0].Entries {
			var n int
			_, err := fmt.Sscan(e.Message.ID, &n)
			must(t, err)
			seqs[e.Seq] = n
		}
	}
	last := -1
	for _, seq := range slices.Sorted(maps.Keys(seqs)) {
		if seqs[seq] != last+1 {
			t.Fatalf("after message %d comes %d", last, seqs[seq])
		}
		last++
	}
	if last != 2999 {
		t.Errorf("the last message is %d", last)
	}
}

// TestOlderFile opens a file in which each message has a row.
func TestOlderFile(t *testing.T) {
	path := file(t)
	s := openStore(t, path, nil)
	openLog(t, s)
	const insert = "INSERT INTO message (pos, key, id, at, retry_at, held, payload) VALUES (?, ?, ?, ?, ?, ?, ?)"
	old := func(seq int64, id string, p sync.Priority, held any) {
		pos := int64(queue.ShardOf("k", 8))<<59 | int64(p)<<56 | seq
		must(t, s.DB().Update(t.Context(), "test", func(tx *sqlitedb.Tx) error {
			_, err := tx.Exec(insert, pos, "k", id, t0.UnixMicro(), nil, held, []byte(id))
			return err
		}))
	}
	old(7, "second", sync.Live, `{"Attempts":2,"RetryAt":"0001-01-01T00:00:00Z"}`)
	old(3, "first", sync.Live, nil)
	old(5, "other", sync.Facts, nil)
	old(9, "third", sync.Live, nil)
	must(t, s.DB().Update(t.Context(), "test", func(tx *sqlitedb.Tx) error { // more than a pack holds
		_, err := tx.Exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 2500)
			INSERT INTO message SELECT ? + 100 + n, 'k', 'late' || n, ?, NULL, NULL, x'' FROM n`, int64(queue.ShardOf("k", 8))<<59, t0.UnixMicro())
		return err
	}))
	must(t, s.Close())
	s = openStore(t, path, nil)
	l := openLog(t, s)
	got := readAll(t, l, "k")
	if len(got) != 2503 || fmt.Sprint(ids(got[:3])) != "[first second third]" || got[2502].Message.ID != "late2500" || got[1].Held == nil || got[1].Held.Attempts != 2 || got[0].Held != nil || string(got[2].Message.Payload) != "third" {
		t.Errorf("there are %d, first %+v", len(got), got[:min(3, len(got))])
	}
	pages, err := l.Read(t.Context(), []queue.Span{{Shard: queue.ShardOf("k", 8), Priority: sync.Facts, Limit: 10}})
	must(t, err)
	if other := pages[0].Entries; len(other) != 1 || other[0].Message.ID != "other" || other[0].Seq <= got[0].Seq || other[0].Seq >= got[1].Seq {
		t.Errorf("of the other priority there are %+v", other)
	}
	if n := count(t, s, "SELECT count(*) FROM message"); n != 0 {
		t.Errorf("%d old rows are left", n)
	}
}

func bodies(t *testing.T, s *sqlitestore.Store) int64 {
	t.Helper()
	return count(t, s, "SELECT sum(length(body)) FROM body")
}

func count(t *testing.T, s *sqlitestore.Store, query string) (n int64) {
	t.Helper()
	must(t, s.DB().View(t.Context(), "test", func(c *sqlitedb.Conn) error {
		row, err := c.One(t.Context(), query)
		n = row.Int(0)
		return err
	}))
	return n
}
