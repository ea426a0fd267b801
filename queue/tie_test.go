package queue_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A tieBench has two keys of the last shard in work at process a.
type tieBench struct {
	*testing.T
	log  *troubled
	a    *queue.Queue
	now  time.Time
	held []sync.Lane
}

const tieLease, tieRenew = 10 * time.Second, 3 * time.Second

func newTieBench(t *testing.T, shards int) *tieBench {
	b := &tieBench{T: t, now: time.Unix(1e9, 0)}
	b.log = newTroubled(memqueue.NewLog(&memqueue.Options{Shards: shards}), func(string) {})
	b.a = b.process("a")
	for _, prefix := range []string{"k", "l"} {
		key := keyIn(shards-1, shards, prefix)
		if err := b.a.Push(t.Context(), b.now, sync.Message{ID: key, Key: key}); err != nil {
			t.Fatal(err)
		}
	}
	if b.held = b.take(b.a); len(b.held) != 2 {
		t.Fatalf("%d keys, want 2", len(b.held))
	}
	return b
}

func (b *tieBench) process(owner string) *queue.Queue {
	b.Helper()
	q, err := queue.New(b.log, &queue.Options{Owner: owner, Renew: tieRenew})
	if err != nil {
		b.Fatal(err)
	}
	return q
}

func (b *tieBench) take(q *queue.Queue) []sync.Lane {
	b.Helper()
	lanes, err := q.Take(context.Background(), b.now, 5, tieLease)
	if err != nil {
		b.Fatal(err)
	}
	return lanes
}

// stale settles what a worker has, which is too late.
func (b *tieBench) stale(l sync.Lane) {
	b.Helper()
	if err := b.a.Done(context.Background(), b.now, l); !errors.Is(err, sync.ErrStale) {
		b.Errorf("got error %v, want sync.ErrStale", err)
	}
}

// TestNewTokens has the log give a shard a new token while keys of it are in
// work. Their workers do not know, so nobody else has the keys until the leases
// end, whichever way the queue hears of it.
func TestNewTokens(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(b *tieBench, beat int){
		"at a heartbeat":     func(b *tieBench, beat int) { b.log.anew["a"] = beat == 1 },
		"at every heartbeat": func(b *tieBench, _ int) { b.log.anew["a"] = true },
		"before a settlement": func(b *tieBench, beat int) {
			if beat == 1 {
				b.log.epochs[0]++
				b.stale(b.held[0])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newTieBench(t, 1)
			if err := b.a.Push(t.Context(), b.now, sync.Message{ID: "new", Key: "new"}); err != nil {
				t.Fatal(err)
			}
			for beat := 1; beat <= 3; beat++ {
				b.now = b.now.Add(tieRenew)
				trouble(b, beat)
				for _, l := range b.take(b.a) {
					if l.Key != "new" {
						t.Errorf("%s was given out though it is in work until %v", l.Key, b.held[0].Expires)
					}
				}
			}
			b.stale(b.held[1])
			clear(b.log.anew)
			b.now = b.held[0].Expires
			if got := b.take(b.a); len(got) != 2 {
				t.Errorf("%d keys came when the leases were over, want both", len(got))
			}
		})
	}
}

// TestTiedKeysHoldTheirShard has another process come that is to have the
// shard: it waits for the keys that are in work by the earlier token.
func TestTiedKeysHoldTheirShard(t *testing.T) {
	t.Parallel()
	b := newTieBench(t, 2)
	other := b.process("b")
	b.take(other)
	b.log.anew["a"] = true
	for range 3 {
		b.now = b.now.Add(tieRenew)
		b.take(b.a)
		if got := b.take(other); len(got) > 0 {
			t.Fatalf("another process has %s, which is in work until %v", got[0].Key, b.held[0].Expires)
		}
	}
	b.now = b.held[0].Expires.Add(tieRenew)
	b.take(b.a) // gives the shard back
	if got := b.take(other); len(got) != 2 {
		t.Errorf("%d keys came to the other process, want both", len(got))
	}
	if n, _ := queue.Lanes(b.a); n != 0 {
		t.Errorf("%d keys are left in memory", n)
	}
}
