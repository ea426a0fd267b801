package redisqueue_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A program makes the client, checks the server once, keeps Run running, and
// gives the queue to its engine. Messages that other processes push are known
// at once, so looking for more can wait.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"redis.example.com:6379"}})
	defer func() { _ = client.Close() }()

	log, err := redisqueue.NewLog(client, &redisqueue.Options{Prefix: "urbanhub", Logger: slog.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err := log.Check(ctx); err != nil {
		fmt.Println(err)
		return
	}
	stopped := make(chan error, 1)
	go func() { stopped <- log.Run(ctx) }()

	q, err := queue.New(log, &queue.Options{Pause: time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = q.Push(ctx, time.Now(), sync.Message{ID: "event-1", Key: "crm/contact/512", Payload: []byte(`{"v":1}`)})
	fmt.Println(err)

	if err := q.Close(ctx); err != nil { // gives back the shards
		fmt.Println(err)
	}
	cancel()
	fmt.Println(<-stopped)
}
