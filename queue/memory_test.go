package queue_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// TestMemoryIsBounded has far more messages than the windows allow, of many
// hot keys one after the other, and of many sleeping keys.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	const keys, perKey, window, inMemory = 300, 100, 64, 16
	ctx, now := context.Background(), time.Unix(1e9, 0)
	q, err := queue.New(memqueue.NewLog(&memqueue.Options{Shards: 1}), &queue.Options{Window: window, PerKey: inMemory})
	if err != nil {
		t.Fatal(err)
	}
	push := func(round string) {
		for k := range keys {
			var msgs []sync.Message
			for i := range perKey {
				msgs = append(msgs, sync.Message{ID: fmt.Sprint(round, k, "-", i), Key: fmt.Sprint(k), Priority: sync.Backfill})
			}
			if err := q.Push(ctx, now, msgs...); err != nil {
				t.Fatal(err)
			}
		}
	}
	work := func(what string, n, limit int, settle func(sync.Lane) error) (messages int) {
		t.Helper()
		for idle := 0; idle < 3; idle++ {
			lanes, err := q.Take(ctx, now, n, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range lanes {
				idle = -1
				messages += len(l.Messages)
				if err := settle(l); err != nil {
					t.Fatal(err)
				}
			}
			if n := queue.InMemory(q); n > limit {
				t.Fatalf("%s: %d messages in memory, want at most %d", what, n, limit)
			}
		}
		return messages
	}
	done := func(l sync.Lane) error { return q.Done(ctx, now, l) }
	// The window, the limit for hot keys, and two keys on top.
	most := window + 4*window + 2*inMemory
	push("first")
	const live = 3000 // so that the backfill is read faster than it is worked off
	for i := range live {
		if err := q.Push(ctx, now, sync.Message{ID: fmt.Sprint("live", i), Key: fmt.Sprint("live", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := work("hot keys", 1, most+window, done); n != keys*perKey+live {
		t.Errorf("%d messages came, want %d", n, keys*perKey+live)
	}
	push("second")
	work("putting to sleep", 5, most+keys, func(l sync.Lane) error {
		return q.Retry(ctx, now, l, now.Add(time.Hour), sync.Failure{})
	})
	if n := queue.InMemory(q); n > keys {
		t.Errorf("%d messages in memory for %d sleeping keys", n, keys)
	}
	now = now.Add(time.Hour)
	if n := work("waking", 5, most+keys, done); n != keys*perKey {
		t.Errorf("%d messages came, want %d", n, keys*perKey)
	}
	if n, ok := queue.Lanes(q); n != 0 || !ok {
		t.Errorf("%d keys left in memory, accounts consistent: %v", n, ok)
	}
}
