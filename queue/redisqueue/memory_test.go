package redisqueue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

// TestServerIsFull has the server beyond its maxmemory all the time: that
// refuses whoever pushes, and nobody who makes room.
func TestServerIsFull(t *testing.T) {
	for _, spread := range []bool{false, true} {
		t.Run(fmt.Sprint("spread ", spread), func(t *testing.T) {
			t.Parallel()
			const n = 20
			ctx, now, client := t.Context(), t0, redistest.Start(t).Client()
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			process := func() *queue.Queue {
				log, err := redisqueue.NewLog(client, &redisqueue.Options{Spread: spread, Shards: 4})
				must(err)
				q, err := queue.New(log, nil)
				must(err)
				return q
			}
			push := func(q *queue.Queue, i int) error {
				return q.Push(ctx, now, sync.Message{ID: fmt.Sprint("m", i), Key: fmt.Sprint("k", i)})
			}
			limit := func(bytes string) { must(client.ConfigSet(ctx, "maxmemory", bytes).Err()) }
			first := process()
			msgs := make([]sync.Message, n) // of which several make a pack, to be done in part
			for i := range msgs {
				msgs[i] = sync.Message{ID: fmt.Sprint("m", i), Key: fmt.Sprint("k", i)}
			}
			must(first.Push(ctx, now, msgs...))
			lanes, err := first.Take(ctx, now, 3, time.Minute)
			must(err)

			limit("1")
			must(first.Done(ctx, now, lanes[0])) // and dies
			ruled(t, push(first, n), sync.Retry, "redis.memory")
			must(push(first, 0)) // is there already
			now = now.Add(time.Hour)
			second := process()
			lanes, err = second.Take(ctx, now, 3, time.Minute)
			must(err)
			if len(lanes) != 3 {
				t.Fatalf("%d keys, want 3", len(lanes))
			}
			must(second.Retry(ctx, now, lanes[0], now.Add(time.Second), sync.Failure{Action: "retry", Error: "x"}))
			must(second.Bury(ctx, now, lanes[1], sync.Failure{Action: "invalid", Error: "x"}))
			must(second.Done(ctx, now, lanes[2]))
			_, err = second.Replay(ctx, now, lanes[1].Messages[0].ID)
			ruled(t, err, sync.Retry, "redis.memory")
			must(second.Close(ctx))

			now = now.Add(time.Minute)
			third, left := process(), n-3
			for range 2 * n {
				lanes, err := third.Take(ctx, now, n, time.Minute)
				must(err)
				for _, l := range lanes {
					left -= len(l.Messages)
					must(third.Done(ctx, now, l))
				}
			}
			st, err := third.Stats(ctx, now)
			must(err)
			if left != 0 || st.Waiting+st.Leased != 0 || st.Dead != 1 {
				t.Errorf("%d messages did not come; %+v", left, st)
			}
			limit("0")
			must(push(first, n))
		})
	}
}
