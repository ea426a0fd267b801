// Command embed is a web service with a sync of contacts in it; see README.md.
package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := serve(ctx, "127.0.0.1:8700", "127.0.0.1:8703", "crmsync.db", os.Getenv)
	stop()
	if err != nil {
		slog.Error("the service ended", slog.Any("error", err))
		os.Exit(1)
	}
}

// serve is the service as it was, with a sync beside it, until ctx ends.
func serve(ctx context.Context, addr, boardAddr, file string, env func(string) string) error {
	store, err := sqlitestore.Open(ctx, file, nil)
	if err != nil {
		return err
	}
	defer func() { _ = store.Close() }() // after all who use it
	queue, err := sqlitequeue.Open(ctx, store)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("Flats to let.\n")) })
	engine, board, err := embed(mux, sync.Config{Store: store, Queue: queue, Logger: slog.Default()}, env)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return engine.Run(ctx) })
	group.Go(func() error { return listen(ctx, addr, mux) })
	group.Go(func() error { return listen(ctx, boardAddr, board) })    // lead no proxy here, until Authorize says who may
	group.Go(func() error { <-ctx.Done(); board.Close(); return nil }) // its streams would not end by themselves
	return errors.Join(group.Wait(), queue.Close(context.WithoutCancel(ctx)))
}

// listen serves until ctx ends, and waits a while for what is under way.
func listen(ctx context.Context, addr string, h http.Handler) error {
	server, ended := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 5 * time.Second}, make(chan error, 1)
	context.AfterFunc(ctx, func() { ended <- server.Shutdown(context.WithoutCancel(ctx)) })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	defer time.AfterFunc(10*time.Second, func() { _ = server.Close() }).Stop() // on those who send nothing more
	return <-ended
}

// embed composes the sync and mounts what it serves on the service's own mux.
func embed(mux *http.ServeMux, cfg sync.Config, env func(string) string) (*sync.Engine, *dashboard.Dashboard, error) {
	flow, err := urbanhub.Contacts(urbanhub.Options{Region: "CO"})
	if err != nil {
		return nil, nil, err
	}
	left, err1 := bird.New(env("BIRD_WORKSPACE"), env("BIRD_KEY"), &bird.Options{BaseURL: env("BIRD_URL"), Fields: flow.Names(sync.Left)})
	right, err2 := hubspot.New(hubspot.Static(env("HUBSPOT_TOKEN")), &hubspot.Options{BaseURL: env("HUBSPOT_URL"),
		Objects: map[sync.Kind]hubspot.Object{hubspot.Contact: {Properties: flow.Names(sync.Right)}}})
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	feed := dashboard.NewFeed(0)
	cfg.Flows, cfg.Observer = []*sync.Flow{flow}, feed.Observe
	cfg.Peers = map[sync.System]sync.Peer{bird.System: {Source: left, Sink: left}, hubspot.System: {Source: right, Sink: right}}
	engine, err := sync.New(cfg)
	if err != nil {
		return nil, nil, err
	}
	fromHubSpot, err := hubspot.NewReceiver(engine, hubspot.ReceiverOptions{Secrets: []string{env("HUBSPOT_SECRET")}, PublicURL: env("PUBLIC_URL") + "/webhooks/hubspot"})
	fromBird, err1 := bird.NewFlowReceiver(engine, bird.FlowOptions{Secrets: []string{env("BIRD_FLOW_SECRET")}})
	board, err2 := dashboard.New(dashboard.Options{Engine: engine, Config: cfg, Feed: feed, Prefix: "/sync"})
	if err := errors.Join(err, err1, err2); err != nil {
		return nil, nil, err
	}
	mux.Handle("/webhooks/hubspot", fromHubSpot)
	mux.Handle("/flows/bird", fromBird)
	return engine, board, nil
}
