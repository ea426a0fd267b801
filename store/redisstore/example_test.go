package redisstore_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/sync"
)

// A program makes the client, checks the server once, and gives the store to
// its engine, and as Permits to the options of its adapters.
func Example() {
	ctx := context.Background()
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"redis.example.com:6379"}})
	defer func() { _ = client.Close() }()

	store, err := redisstore.New(client, &redisstore.Options{Prefix: "urbanhub", Logger: slog.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	warnings, err := store.Check(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, w := range warnings {
		fmt.Println("can be lost:", w)
	}
	link, err := store.Link(ctx, "contacts", sync.Ref{System: "crm", Kind: "contact", ID: "512"})
	if errors.Is(err, sync.ErrNotFound) {
		fmt.Println("not linked yet")
	}
	fmt.Println(link.State)
}

// Processes that share a store share the vendor's quota.
func ExampleStore_Take() {
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{"redis.example.com:6379"}})
	defer func() { _ = client.Close() }()
	store, err := redisstore.New(client, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	got, again, err := store.Take(context.Background(), time.Now(), "crm account 7 10s", 100, 10*time.Second, 8)
	if err != nil {
		fmt.Println(err) // an adapter goes on with a small share of its own
		return
	}
	if got < 8 {
		fmt.Println("ask again at", again)
	}
}
