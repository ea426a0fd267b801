package crmsync_test

import (
	"context"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// The program of the README: readme_test.go keeps the two the same.
func Example() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, http.DefaultServeMux); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, mux *http.ServeMux) error {
	flow, err := urbanhub.Contacts(urbanhub.Options{Region: "CO"})
	if err != nil {
		return err
	}
	left, err := bird.New(os.Getenv("BIRD_WORKSPACE"), os.Getenv("BIRD_KEY"), &bird.Options{Fields: flow.Names(sync.Left)})
	if err != nil {
		return err
	}
	right, err := hubspot.New(os.Getenv("HUBSPOT_TOKEN"), &hubspot.Options{Properties: flow.Names(sync.Right)})
	if err != nil {
		return err
	}
	engine, err := sync.New(sync.Config{
		Flows: []*sync.Flow{flow},
		Peers: map[sync.System]sync.Peer{"bird": {Source: left, Sink: left}, "hubspot": {Source: right, Sink: right}},
		Store: memstore.New(), Queue: memqueue.New(nil), Logger: slog.Default(),
	})
	if err != nil {
		return err
	}
	webhooks, err := hubspot.NewReceiver(engine, hubspot.ReceiverOptions{
		PublicURL: "https://sync.example.com/webhooks/hubspot", Secrets: []string{os.Getenv("HUBSPOT_SECRET")}})
	if err != nil {
		return err
	}
	flows, err := bird.NewFlowReceiver(engine, bird.FlowOptions{Secrets: []string{os.Getenv("BIRD_FLOW_SECRET")}})
	if err != nil {
		return err
	}
	mux.Handle("/webhooks/hubspot", webhooks)
	mux.Handle("/flows/bird", flows)
	return engine.Run(ctx) // until ctx ends; work under way is finished first
}
