package pgqueue_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/queue/pgqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A program gives its own pool, migrates once, keeps Run running and gives the
// queue to its engine.
func Example() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := pgxpool.New(ctx, "postgres://crmsync@db.example.com/crm")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	if err := pgqueue.Migrate(ctx, pool, ""); err != nil {
		fmt.Println(err)
		return
	}
	q, err := pgqueue.New(pool, &pgqueue.Options{Logger: slog.Default()})
	if err != nil {
		fmt.Println(err)
		return
	}
	stopped := make(chan error, 1)
	go func() { stopped <- q.Run(ctx) }()

	// … sync.Config{Queue: q, …}, and when the engine has stopped:
	if err := q.Close(ctx); err != nil {
		fmt.Println(err)
	}
	cancel()
	if err := <-stopped; err != nil {
		fmt.Println(err)
	}
}

// A host pushes in its own transaction: the message is there exactly if the
// order is.
func ExampleLog_EnqueueTx() {
	order := func(ctx context.Context, pool *pgxpool.Pool, q *pgqueue.Queue) error {
		tx, err := pool.Begin(ctx)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }() // does nothing after the commit
		if _, err := tx.Exec(ctx, "INSERT INTO orders (id) VALUES ($1)", 42); err != nil {
			return err
		}
		msg := sync.Message{ID: "order-42", Key: "crm/contact/7", Payload: []byte(`{"order":42}`)}
		if err := q.EnqueueTx(ctx, tx, time.Now(), msg); err != nil {
			return err
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		q.Wake()
		return nil
	}
	_ = order
}
