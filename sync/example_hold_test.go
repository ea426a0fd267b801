package sync_test

import (
	"context"
	"fmt"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// Two records of the other side have the address of a new one. A person says
// which of them it is.
func ExampleEngine_Resolve() {
	ctx := context.Background()
	left, right := newFake(leftSystem, "L"), newFake(rightSystem, "R")
	engine, err := sync.New(sync.Config{Flows: []*sync.Flow{people()}, Store: memstore.New(), Queue: memqueue.New(nil),
		Peers: map[sync.System]sync.Peer{leftSystem: {Source: left, Sink: left}, rightSystem: {Source: right, Sink: right}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	right.create("mail", "ana@example.com", "fullname", "Ana Gil")
	right.create("mail", "ana@example.com", "fullname", "A. G.")
	ana := left.create("email", "ana@example.com")
	if err := engine.Enqueue(ctx, sync.Change{ID: "webhook 1", Ref: ana, Reason: sync.ReasonWebhook}); err != nil {
		fmt.Println(err)
	}
	if err := engine.RunOnce(ctx); err != nil {
		fmt.Println(err)
	}

	holds, err := engine.Holds(ctx, "people", "", 0)
	if err != nil {
		fmt.Println(err)
	}
	for _, h := range holds {
		fmt.Println(h.Ref, "may be", h.Candidates[sync.Right])
		decision := sync.Resolution{Flow: "people", Ref: h.Ref, With: h.Candidates[sync.Right][0], Actor: "maria@example.com"}
		if err := engine.Resolve(ctx, decision); err != nil {
			fmt.Println(err)
		}
	}
	if err := engine.RunOnce(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(left.get(ana, "name"))
	// Output:
	// alpha:contact:L1 may be [beta:contact:R1 beta:contact:R2]
	// Ana Gil
}
