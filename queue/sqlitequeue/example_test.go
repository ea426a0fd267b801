package sqlitequeue_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// What was pushed and not done is delivered when the program starts again.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "crmsync")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()

	for start := range 2 {
		store, err := sqlitestore.Open(ctx, filepath.Join(dir, "crmsync.db"), nil)
		if err != nil {
			log.Fatal(err)
		}
		queue, err := sqlitequeue.Open(ctx, store) // for sync.Config.Queue, as store for sync.Config.Store
		if err != nil {
			log.Fatal(err)
		}
		if start == 0 {
			err = queue.Push(ctx, time.Now(), sync.Message{ID: "event-1", Key: "crm:contact:512", Payload: []byte("look here")})
			fmt.Println("pushed:", err)
		} else {
			lanes, err := queue.Take(ctx, time.Now(), 10, time.Minute)
			fmt.Println("taken:", lanes[0].Key, lanes[0].Messages[0].ID, err)
			fmt.Println("done:", queue.Done(ctx, time.Now(), lanes[0]))
		}
		_ = queue.Close(ctx) // gives back what is leased
		_ = store.Close()
	}
	// Output:
	// pushed: <nil>
	// taken: crm:contact:512 event-1 <nil>
	// done: <nil>
}
