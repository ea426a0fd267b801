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

// keyIn returns a key of a shard that begins with the prefix.
func keyIn(shard, shards int, prefix string) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint(prefix, i); queue.ShardOf(key, shards) == shard {
			return key
		}
	}
}

// Suspects of two shards wait for their turn when the shard of those in front
// is given back: the one that stays gets its turn at once.
func TestSuspectsDoNotWaitForAShardThatLeaves(t *testing.T) {
	t.Parallel()
	const shards, lease = 2, time.Minute
	ctx, now := context.Background(), time.Unix(1e9, 0)
	log := memqueue.NewLog(&memqueue.Options{Shards: shards})
	process := func(owner string) *queue.Queue {
		q, err := queue.New(log, &queue.Options{Owner: owner})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	take := func(q *queue.Queue, n int) (keys []string) {
		t.Helper()
		lanes, err := q.Take(ctx, now, n, lease)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range lanes {
			keys = append(keys, l.Key)
		}
		return keys
	}
	stays, first, second := keyIn(0, shards, "z"), keyIn(1, shards, "a"), keyIn(1, shards, "b")
	for _, key := range []string{stays, first, second} {
		if err := log.Append(ctx, now, []sync.Message{{ID: key, Key: key}}); err != nil {
			t.Fatal(err)
		}
	}
	for death := range 3 { // each counts one more suspect of the second shard
		take(process(fmt.Sprint("dead", death)), 5)
		now = now.Add(time.Hour)
	}
	q := process("alive")
	if got := take(q, 5); len(got) != 1 || got[0] != stays {
		t.Fatalf("got %v, want %s alone", got, stays)
	}
	now = now.Add(lease) // it comes back, behind the others
	take(process("another"), 5)
	if got := take(q, 5); len(got) != 1 || got[0] != stays {
		t.Errorf("got %v, want %s", got, stays)
	}
}
