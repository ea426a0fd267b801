package memqueue_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A queue drops an ID that it knows, and gives all that waits for one key to
// one holder, in order.
func Example() {
	ctx, now := context.Background(), time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	queue := memqueue.New(nil)
	first := sync.Message{ID: "webhook 1", Key: "crm/contact/512"}
	second := sync.Message{ID: "webhook 2", Key: "crm/contact/512"}
	fmt.Println("pushed:", queue.Push(ctx, now, first, second, first))

	lanes, err := queue.Take(ctx, now, 10, time.Minute)
	fmt.Println("lanes:", len(lanes), err)
	for _, m := range lanes[0].Messages {
		fmt.Println(lanes[0].Key, m.ID)
	}
	again, err := queue.Take(ctx, now, 10, time.Minute)
	fmt.Println("for others:", len(again), err)
	fmt.Println("done:", queue.Done(ctx, now, lanes[0]))
	// Output:
	// pushed: <nil>
	// lanes: 1 <nil>
	// crm/contact/512 webhook 1
	// crm/contact/512 webhook 2
	// for others: 0 <nil>
	// done: <nil>
}
