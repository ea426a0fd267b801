package queue_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A worker takes a key with all its messages, and finishes, retries or buries
// them. The log can be replaced by a durable one without touching the worker.
func Example() {
	ctx, now := context.Background(), time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	q, err := queue.New(memqueue.NewLog(nil), nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = q.Close(ctx) }() // gives the shards back

	err = q.Push(ctx, now,
		sync.Message{ID: "e1", Key: "contact/512"},
		sync.Message{ID: "e2", Key: "contact/512"},
		sync.Message{ID: "e1", Key: "contact/512"}, // the webhook came twice
	)
	fmt.Println("pushed:", err)

	lanes, _ := q.Take(ctx, now, 10, 30*time.Second)
	for _, lane := range lanes {
		fmt.Println(lane.Key, len(lane.Messages), "messages")
		_ = q.Retry(ctx, now, lane, now.Add(time.Minute), sync.Failure{Action: "retry", Error: "503"})
	}
	lanes, _ = q.Take(ctx, now, 10, 30*time.Second)
	fmt.Println("asleep:", len(lanes) == 0)

	now = now.Add(time.Minute)
	lanes, _ = q.Take(ctx, now, 10, 30*time.Second)
	for _, lane := range lanes {
		fmt.Println(lane.Key, lane.Attempts, "failed attempt:", q.Done(ctx, now, lane))
	}
	// Output:
	// pushed: <nil>
	// contact/512 2 messages
	// asleep: true
	// contact/512 1 failed attempt: <nil>
}
