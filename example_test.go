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
	flow := must(urbanhub.Contacts(urbanhub.Options{Region: "CO"}))
	left := must(bird.New(os.Getenv("BIRD_WORKSPACE"), os.Getenv("BIRD_KEY"), &bird.Options{
		Fields: flow.Names(sync.Left), Logger: slog.Default()}))
	right := must(hubspot.New(hubspot.Static(os.Getenv("HUBSPOT_TOKEN")), &hubspot.Options{
		Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: flow.Names(sync.Right)}}, Logger: slog.Default()}))
	engine := must(sync.New(sync.Config{
		Flows: []*sync.Flow{flow},
		Peers: map[sync.System]sync.Peer{
			"bird":    {Source: left, Sink: left},
			"hubspot": {Source: right, Sink: right},
		},
		Store: memstore.New(), Queue: memqueue.New(nil), Logger: slog.Default(),
	}))
	mux.Handle("/webhooks/hubspot", must(hubspot.NewReceiver(engine, hubspot.ReceiverOptions{
		PublicURL: "https://sync.example.com/webhooks/hubspot", Secrets: []string{os.Getenv("HUBSPOT_SECRET")}, Logger: slog.Default()})))
	mux.Handle("/flows/bird", must(bird.NewFlowReceiver(engine, bird.FlowOptions{
		Secrets: []string{os.Getenv("BIRD_FLOW_SECRET")}, Logger: slog.Default()})))
	return engine.Run(ctx) // until ctx ends; work under way is finished first
}

// must ends a program that is not configured rightly.
func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}
