package redisqueue_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A shelf is a log with one shard, leased, and its prefix.
type shelf struct {
	*testing.T
	space  *redistest.Space
	prefix string
	log    *redisqueue.Log
	fence  queue.Fence
}

func newShelf(t *testing.T, space *redistest.Space) *shelf {
	s := &shelf{T: t, space: space, prefix: space.Prefix()}
	s.restart()
	leases, err := s.log.Lease(t.Context(), t0, queue.LeaseParams{Owner: "a", For: time.Hour})
	s.must(err)
	s.fence = leases.Grants[0].Fence
	return s
}

// restart has another process look at the shard.
func (s *shelf) restart() {
	s.Helper()
	log, err := redisqueue.NewLog(s.space.Client, &redisqueue.Options{Prefix: s.prefix, Shards: 1})
	s.must(err)
	s.log = log
}

func (s *shelf) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// push appends messages in one call: "a:k" is a, of the key k.
func (s *shelf) push(names ...string) {
	s.Helper()
	s.must(s.log.Append(s.Context(), t0, named(names...)))
}

func named(names ...string) []sync.Message {
	msgs := make([]sync.Message, len(names))
	for i, name := range names {
		id, key, _ := strings.Cut(name, ":")
		msgs[i] = sync.Message{ID: id, Key: key, EnqueuedAt: t0, Payload: []byte("payload of " + id)}
	}
	return msgs
}

// read reads a span to its end and returns the positions by ID.
func (s *shelf) read(span queue.Span, want ...string) map[string]queue.Pos {
	s.Helper()
	pos := map[string]queue.Pos{}
	var got []string
	for {
		pages, err := s.log.Read(s.Context(), []queue.Span{span})
		s.must(err)
		for _, e := range pages[0].Entries {
			got = append(got, e.Message.ID)
			pos[e.Message.ID] = queue.Pos{Priority: span.Priority, Seq: e.Seq}
		}
		if !pages[0].More {
			break
		}
		if pages[0].Next <= span.After {
			s.Fatalf("there is more behind %d, and the page ends at %d", span.After, pages[0].Next)
		}
		span.After = pages[0].Next
	}
	if !slices.Equal(got, want) {
		s.Fatalf("read %v, want %v", got, want)
	}
	return pos
}

func (s *shelf) delete(pos ...queue.Pos) {
	s.Helper()
	s.must(s.log.Delete(s.Context(), s.fence, pos))
}

func (s *shelf) waits(want int) {
	s.Helper()
	st, err := s.log.Stats(s.Context(), t0)
	s.must(err)
	if st.Waiting != want || st.ByPriority[sync.Live] != want {
		s.Fatalf("stats %+v, want %d waiting", st, want)
	}
}

// empty checks that nothing is kept of messages that are done.
func (s *shelf) empty() {
	s.Helper()
	s.waits(0)
	key := "{" + s.prefix + "}:"
	n, err := s.space.Client.XLen(s.Context(), key+"s:0:0").Result()
	s.must(err)
	m, err := s.space.Client.Exists(s.Context(), key+"done", key+"waiting", key+"held").Result()
	s.must(err)
	if n+m > 0 {
		s.Errorf("nothing waits, and there are %d packs and %d hashes", n, m)
	}
}

// TestPackDoneInPart has what is done of a pack come back to nobody.
func TestPackDoneInPart(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	s.push("a:k", "b:l", "c:k", "d:l", "e:k")
	s.push("f:k")
	all := queue.Span{Limit: 100}
	pos := s.read(all, "a", "b", "c", "d", "e", "f")
	s.delete(pos["b"], pos["e"])
	for range 3 {
		s.read(all, "a", "c", "d", "f")
		s.read(queue.Span{Limit: 1}, "a", "c", "d", "f")
		s.read(queue.Span{Limit: 100, After: pos["a"].Seq}, "c", "d", "f")
		s.read(queue.Span{Limit: 2, After: pos["b"].Seq, Upto: pos["d"].Seq}, "c", "d")
		s.read(queue.Span{Limit: 1, Key: "k"}, "a", "c", "f")
		s.read(queue.Span{Limit: 100, Key: "l"}, "d")
		s.waits(4)
		s.delete(pos["b"], pos["e"], pos["b"]) // again is fine
		s.restart()
	}
	s.delete(pos["c"], pos["b"], pos["f"], pos["a"])
	s.read(all, "d")
	s.waits(1)
	s.delete(pos["d"])
	s.read(all)
	s.delete(pos["a"], pos["b"]) // of a pack that is gone
	s.empty()
	s.delete(pos["a"], pos["b"], pos["c"], pos["d"], pos["e"])
	s.empty()
}

// TestHeldInAPack has messages of a pack fail, be buried and be done beside one
// another.
func TestHeldInAPack(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	ctx := t.Context()
	s.push("a:k", "b:l", "c:m", "d:k")
	pos := s.read(queue.Span{Limit: 100}, "a", "b", "c", "d")
	s.delete(pos["b"])
	for _, id := range []string{"a", "b", "c"} { // b is gone
		s.must(s.log.Hold(ctx, s.fence, pos[id], queue.Held{RetryAt: t0.Add(time.Hour), Attempts: 1}))
	}
	if st, err := s.log.Stats(ctx, t0); err != nil || st.Sleeping != 3 || st.Waiting != 3 {
		t.Errorf("stats %+v, %v; want a and d asleep, and c", st, err)
	}
	if n := s.space.Client.HLen(ctx, "{"+s.prefix+"}:held").Val(); n != 2 {
		t.Errorf("the failures of %d messages are kept, want those of a and c", n)
	}
	letter := func(id string) queue.Burial {
		return queue.Burial{Pos: pos[id], Letter: sync.DeadLetter{Message: named(id + ":m")[0], DiedAt: t0}}
	}
	s.must(s.log.Bury(ctx, s.fence, []queue.Burial{letter("b"), letter("c"), letter("c")}))
	pages, err := s.log.Read(ctx, []queue.Span{{Limit: 100}})
	s.must(err)
	if e := pages[0].Entries; len(e) != 2 || e[0].Held == nil || e[0].Held.Attempts != 1 || e[1].Held != nil {
		t.Errorf("there wait %+v", e)
	}
	dead, err := s.log.Dead(ctx, sync.DeadFilter{})
	s.must(err)
	if len(dead) != 1 || dead[0].Message.ID != "c" {
		t.Errorf("dead are %+v, want c alone", dead)
	}
	s.delete(pos["a"], pos["d"])
	s.empty()
}

// TestDoubles pushes messages again: beside their first, in other packs, and
// when those are done.
func TestDoubles(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	all := queue.Span{Limit: 100}
	s.push("a:k", "b:k", "a:k")
	s.push("c:k", "b:k", "d:k", "a:l", "e:k", "c:k")
	s.push("a:k", "e:k")
	pos := s.read(all, "a", "b", "c", "d", "e")
	s.delete(pos["a"], pos["b"], pos["d"])
	s.push("d:k", "f:k", "a:k")
	s.read(all, "c", "e", "f")
	s.waits(3)
	long := strings.Repeat("x", 100)
	s.push(long+"1:k", long+"2:k", long+"1:k")
	s.read(all, "c", "e", "f", long+"1", long+"2")
	// One that comes beside news counts from its first time on.
	s.must(s.log.Append(t.Context(), t0.AddDate(0, 0, 6), named("c:k", "new:k")))
	s.must(s.log.Append(t.Context(), t0.AddDate(0, 0, 8), named("c:k", "new:k")))
	s.read(all, "c", "e", "f", long+"1", long+"2", "new", "c")
}

// TestOrderOverPriorities has the messages of a key in several streams keep the
// order in which one call pushed them.
func TestOrderOverPriorities(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	msgs := named("a:k", "b:k", "c:k", "d:k", "e:k", "f:k")
	for i := range msgs {
		msgs[i].Priority = sync.Priority(5*i%7) % sync.Priorities
	}
	s.must(s.log.Append(t.Context(), t0, msgs))
	spans := make([]queue.Span, sync.Priorities)
	for p := range spans {
		spans[p] = queue.Span{Priority: sync.Priority(p), Limit: 10}
	}
	pages, err := s.log.Read(t.Context(), spans)
	s.must(err)
	var all []queue.Entry
	for _, page := range pages {
		all = append(all, page.Entries...)
	}
	slices.SortFunc(all, func(a, b queue.Entry) int { return int(int64(a.Seq) - int64(b.Seq)) })
	got := ""
	for _, e := range all {
		got += e.Message.ID
	}
	if got != "abcdef" {
		t.Errorf("the order is %s", got)
	}
}

// TestDamagedPacks has packs of which a part cannot be read: the rest is
// delivered, and what is damaged lies among the dead letters, once.
func TestDamagedPacks(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	ctx, client, stream := t.Context(), s.space.Client, "{"+s.prefix+"}:s:0:0"
	s.push("a:k", "b:k", "c:k", "d:k")
	entries, err := client.XRange(ctx, stream, "-", "+").Result()
	s.must(err)
	s.must(client.XDel(ctx, stream, entries[0].ID).Err())
	body, _ := entries[0].Values["m"].(string)
	put := func(text string) {
		t.Helper()
		counter, _, _ := strings.Cut(entries[0].ID, "-")
		var next int64
		_, err := fmt.Sscan(counter, &next)
		s.must(err)
		n, err := client.XLen(ctx, stream).Result()
		s.must(err)
		s.must(client.XAdd(ctx, &redis.XAddArgs{Stream: stream, ID: fmt.Sprintf("%d-4", next+1+n), Values: []any{"m", text}}).Err())
	}
	put(strings.Replace(body, "\x01\x01k\x01b", "\x01\x01k\x00b", 1)) // the ID of b has no length
	put(body[:strings.Index(body, "\x01\x01k\x01c")+3])               // c is cut, and d is not there
	put(body[:strings.Index(body, "\x01\x01k\x01d")-2])               // cut between two
	put(body + body)                                                  // more than there should be
	all := queue.Span{Limit: 100}
	for range 2 {
		s.read(all, "a", "c", "d", "a", "b", "a", "b", "c")
		s.restart()
	}
	dead, err := s.log.Dead(ctx, sync.DeadFilter{Key: redisqueue.CorruptKey})
	s.must(err)
	if len(dead) != 4 {
		t.Errorf("%d letters, want 4: %+v", len(dead), dead)
	}
	q, err := queue.New(s.log, &queue.Options{Owner: "a"})
	s.must(err)
	lanes, err := q.Take(ctx, t0, 10, time.Minute)
	s.must(err)
	s.must(q.Done(ctx, t0, lanes[0]))
	if st, err := q.Stats(ctx, t0); err != nil || st.Waiting+st.Leased != 0 || st.Dead != 4 {
		t.Errorf("stats %+v, %v", st, err)
	}
	s.empty()
}

// TestAppendFailsHalfway has one of several streams refuse: what was stored is
// remembered, and the rest is not.
func TestAppendFailsHalfway(t *testing.T) {
	s := newShelf(t, redistest.New(t))
	ctx := t.Context()
	msgs := named("a:k", "b:k", "c:k", "d:k")
	for i := range msgs {
		msgs[i].Priority = sync.Priority(i) % 3
	}
	s.must(s.space.Client.SAdd(ctx, "{"+s.prefix+"}:s:0:1", "foreign").Err())
	ruled(t, s.log.Append(ctx, t0, msgs), sync.Fatal, "redis.type")
	ruled(t, s.log.Append(ctx, t0, msgs), sync.Fatal, "redis.type")
	s.must(s.space.Client.Del(ctx, "{"+s.prefix+"}:s:0:1").Err())
	s.read(queue.Span{Limit: 10}, "a", "d")
	s.read(queue.Span{Limit: 10, Priority: 2})
	s.must(s.log.Append(ctx, t0, msgs))
	s.must(s.log.Append(ctx, t0, msgs))
	s.read(queue.Span{Limit: 10}, "a", "d")
	s.read(queue.Span{Limit: 10, Priority: 1}, "b")
	s.read(queue.Span{Limit: 10, Priority: 2}, "c")
	if st, err := s.log.Stats(ctx, t0); err != nil || st.Waiting != 4 {
		t.Errorf("stats %+v, %v", st, err)
	}
}

// TestServerFillsUp has the server reach its maxmemory in the midst of a push
// to several streams: pushed again, every message is there once.
func TestServerFillsUp(t *testing.T) {
	ctx, client := t.Context(), redistest.Start(t).Client()
	log, err := redisqueue.NewLog(client, &redisqueue.Options{Shards: 8})
	if err != nil {
		t.Fatal(err)
	}
	msgs := make([]sync.Message, 6000)
	for i := range msgs {
		msgs[i] = sync.Message{ID: fmt.Sprint("m", i), Key: fmt.Sprint("k", i%100), Priority: sync.Priority(i) % 2, Payload: make([]byte, 500)}
	}
	if err := log.Append(ctx, t0, msgs[:1]); err != nil {
		t.Fatal(err)
	}
	var used int64
	info, err := client.Info(ctx, "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(info) {
		if text, ok := strings.CutPrefix(line, "used_memory:"); ok {
			_, err = fmt.Sscan(text, &used)
		}
	}
	limit := func(bytes int64) error { return client.ConfigSet(ctx, "maxmemory", fmt.Sprint(bytes)).Err() }
	if err = errors.Join(err, limit(used+1<<20)); err != nil {
		t.Fatal(err)
	}
	ruled(t, log.Append(ctx, t0, msgs), sync.Retry, "redis.memory")
	st, err := log.Stats(ctx, t0)
	if err != nil || st.Waiting == 1 || st.Waiting == len(msgs) {
		t.Errorf("%d of %d messages were stored, %v", st.Waiting, len(msgs), err)
	}
	if err := errors.Join(limit(0), log.Append(ctx, t0, msgs)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for shard := range 8 {
		for p := range sync.Priority(2) {
			pages, err := log.Read(ctx, []queue.Span{{Shard: shard, Priority: p, Limit: len(msgs)}})
			for err == nil && (len(pages[0].Entries) > 0 || pages[0].More) {
				for _, e := range pages[0].Entries {
					if seen[e.Message.ID] {
						t.Errorf("%s is there twice", e.Message.ID)
					}
					seen[e.Message.ID] = true
				}
				pages, err = log.Read(ctx, []queue.Span{{Shard: shard, Priority: p, Limit: len(msgs), After: pages[0].Next}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(seen) != len(msgs) {
		t.Errorf("%d of %d messages are there", len(seen), len(msgs))
	}
}
