package redisqueue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A ledger drives a queue and notes what it did.
type ledger struct {
	*testing.T
	q    *queue.Queue
	now  time.Time
	done map[string]int
}

func newLedger(t *testing.T, client redis.UniversalClient, opts redisqueue.Options) *ledger {
	log, err := redisqueue.NewLog(client, &opts)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.New(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &ledger{t, q, time.Now(), map[string]int{}}
}

func (l *ledger) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *ledger) push(name string, n int) []sync.Message {
	l.Helper()
	msgs := make([]sync.Message, n)
	for i := range msgs {
		msgs[i] = sync.Message{ID: fmt.Sprint(name, i), Key: fmt.Sprint("k", i%50), Priority: sync.Priority(i % 2), Payload: []byte(name)}
	}
	l.must(l.q.Push(context.Background(), l.now, msgs...))
	return msgs
}

// work takes up to n lanes and finishes every second, or all of them.
func (l *ledger) work(n int, all bool) (taken int) {
	l.Helper()
	lanes, err := l.q.Take(context.Background(), l.now, n, 10*time.Second)
	l.must(err)
	for i, ln := range lanes {
		if !all && i%2 == 1 {
			continue
		}
		l.must(l.q.Done(context.Background(), l.now, ln))
		for _, m := range ln.Messages {
			l.done[m.ID]++
		}
	}
	return len(lanes)
}

func (l *ledger) drain() {
	l.Helper()
	for l.work(100, true) > 0 {
	}
}

// TestServerCrash kills the server, cuts its append-only file, and goes on:
// what was lost is taken when it is pushed again, and nothing is there twice.
func TestServerCrash(t *testing.T) {
	for _, cut := range []int64{0, 17, 5000, 40_000, 1 << 40} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			t.Parallel()
			s := redistest.Start(t, "--appendfsync", "always")
			l := newLedger(t, s.Client(), redisqueue.Options{})
			pushed := append(l.push("a", 300), l.push("b", 200)...)
			l.work(20, false)
			before := l.done
			s.Kill()
			left := s.CutLog(cut)
			s.Restart()

			l.now, l.done = l.now.Add(10*time.Second), map[string]int{}
			st, err := l.q.Stats(context.Background(), l.now)
			l.must(err)
			if want := len(pushed) - len(before); cut == 0 && st.Waiting+st.Leased != want {
				t.Errorf("%d messages outlived the crash, want %d", st.Waiting+st.Leased, want)
			}
			l.must(l.q.Push(context.Background(), l.now, pushed...)) // the senders did not hear of it
			pushed = append(pushed, l.push("c", 100)...)
			l.drain()
			for _, m := range pushed {
				if n := l.done[m.ID]; n > 1 || n+before[m.ID] == 0 {
					t.Fatalf("with %d bytes left, %s was done %d times before the crash and %d times after it", left, m.ID, before[m.ID], n)
				}
				if cut == 0 && l.done[m.ID]+before[m.ID] != 1 {
					t.Fatalf("nothing was lost, and %s was done twice", m.ID)
				}
			}
			if st, err = l.q.Stats(context.Background(), l.now); err != nil || st.Waiting+st.Leased != 0 {
				t.Errorf("left behind: %+v, %v", st, err)
			}
		})
	}
}

// TestRestartWithKeysInWork has the server start again while a worker has a
// key: the shard gets a new token, and still nobody else the key.
func TestRestartWithKeysInWork(t *testing.T) {
	s := redistest.Start(t, "--appendfsync", "always")
	l := newLedger(t, s.Client(), redisqueue.Options{})
	const lease = 10 * time.Second
	take := func() []sync.Lane {
		t.Helper()
		lanes, err := l.q.Take(t.Context(), l.now, 10, lease)
		l.must(err)
		return lanes
	}
	l.push("m", 1)
	held := take()
	if len(held) != 1 {
		t.Fatalf("%d keys, want 1", len(held))
	}
	s.Kill()
	s.Restart()
	for l.now = l.now.Add(3 * time.Second); l.now.Before(held[0].Expires); l.now = l.now.Add(3 * time.Second) {
		if again := take(); len(again) > 0 {
			t.Fatalf("%s was given out though it is in work until %v", again[0].Key, held[0].Expires)
		}
	}
	if err := l.q.Done(t.Context(), l.now, held[0]); !errors.Is(err, sync.ErrStale) {
		t.Errorf("got error %v, want sync.ErrStale", err)
	}
	if again := take(); len(again) != 1 {
		t.Errorf("%d keys came when the lease was over, want 1", len(again))
	}
}

// TestNumbersNeverComeBack has the server lose everything: what it stores
// then must not be taken for what was there before.
func TestNumbersNeverComeBack(t *testing.T) {
	s := redistest.Start(t, "--appendfsync", "always")
	log, err := redisqueue.NewLog(s.Client(), nil)
	if err != nil {
		t.Fatal(err)
	}
	span := queue.Span{Shard: queue.ShardOf("k", log.Shards()), Limit: 10}
	var seq, token uint64
	for i := range 3 {
		now := t0.Add(time.Duration(i) * time.Second)
		if err := log.Append(t.Context(), now, []sync.Message{{ID: "m", Key: "k"}}); err != nil {
			t.Fatal(err)
		}
		pages, err := log.Read(t.Context(), []queue.Span{span})
		if err != nil || len(pages[0].Entries) != 1 {
			t.Fatalf("%+v, %v", pages, err)
		}
		leases, err := log.Lease(t.Context(), now, queue.LeaseParams{Owner: "a", For: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		e, g := pages[0].Entries[0], leases.Grants[0]
		if e.Seq <= seq || g.Token <= token {
			t.Errorf("life %d: number %d and token %d, after %d and %d", i, e.Seq, g.Token, seq, token)
		}
		seq, token = e.Seq, g.Token
		s.Kill()
		s.CutLog(1 << 40)
		s.Restart()
	}
}

// TestForgottenScripts has the server forget its scripts at every step.
func TestForgottenScripts(t *testing.T) {
	for _, spread := range []bool{false, true} {
		t.Run(fmt.Sprint("spread ", spread), func(t *testing.T) {
			space := redistest.New(t)
			l := newLedger(t, space.Client, redisqueue.Options{Prefix: space.Prefix(), Spread: spread})
			for i := range 10 {
				l.must(space.Client.ScriptFlush(t.Context()).Err())
				l.push(fmt.Sprint("m", i, "-"), 100)
				l.must(space.Client.ScriptFlush(t.Context()).Err())
				l.drain()
			}
			if len(l.done) != 1000 {
				t.Errorf("%d of 1000 messages were done", len(l.done))
			}
		})
	}
}

// TestCluster runs the life of messages on a cluster, which refuses keys of
// several slots, and computes the slots as well.
func TestCluster(t *testing.T) {
	for _, spread := range []bool{false, true} {
		t.Run(fmt.Sprint("spread ", spread), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			client, slots := redistest.Start(t, "--cluster-enabled", "yes").Cluster(), &redistest.Slots{}
			client.AddHook(slots)
			l := newLedger(t, client, redisqueue.Options{Prefix: "q", Shards: 16, Spread: spread})
			l.push("m", 200)
			lanes, err := l.q.Take(ctx, l.now, 3, time.Minute)
			l.must(err)
			l.must(l.q.Retry(ctx, l.now, lanes[0], l.now.Add(time.Second), sync.Failure{Action: "retry", Error: "x"}))
			l.must(l.q.Bury(ctx, l.now, lanes[1], sync.Failure{Action: "invalid", Error: "x"}))
			l.must(l.q.Bury(ctx, l.now, lanes[2], sync.Failure{Action: "invalid", Error: "x"}))
			dead, err := l.q.Dead(ctx, sync.DeadFilter{})
			l.must(err)
			n, err := l.q.Replay(ctx, l.now, dead[0].Message.ID)
			l.must(err)
			m, err := l.q.Discard(ctx, l.now, dead[1].Message.ID)
			l.must(err)
			l.now = l.now.Add(time.Second)
			st, err := l.q.Stats(ctx, l.now)
			l.must(err)
			l.drain()
			l.must(l.q.Close(ctx))
			if n != 1 || m != 1 || st.Dead != len(dead)-2 || len(l.done) != 200-len(dead)+1 {
				t.Errorf("%d dead, %d replayed, %d discarded, %d done; %+v", len(dead), n, m, len(l.done), st)
			}
			seen, mixed := slots.Seen()
			if len(mixed) > 0 {
				t.Errorf("calls with keys of several slots: %v", mixed)
			}
			if spread && seen < 16 || !spread && seen != 1 {
				t.Errorf("the scripts touched %d slots", seen)
			}
		})
	}
}
