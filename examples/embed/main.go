// Command embed is a web service of somebody's own that keeps Bird's and
// HubSpot's contacts in step as well. README.md tells how to try it.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
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
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := serve(ctx, "127.0.0.1:8700", "crmsync.db", os.Getenv)
	stop()
	if err != nil {
		slog.Error("the service ended", slog.Any("error", err))
		os.Exit(1)
	}
}

// serve is the service as it was, with a sync beside it, until ctx ends.
func serve(ctx context.Context, addr, file string, env func(string) string) error {
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
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Flats to let.") })
	engine, board, err := embed(mux, sync.Config{Store: store, Queue: queue, Logger: slog.Default()}, env)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: addr, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return engine.Run(ctx) })
	group.Go(server.ListenAndServe)
	group.Go(func() error {
		<-ctx.Done()
		board.Close() // whose streams Shutdown would wait for
		return server.Shutdown(context.WithoutCancel(ctx))
	})
	if err = group.Wait(); errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, queue.Close(context.WithoutCancel(ctx)))
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
	fromHubSpot, err := hubspot.NewReceiver(engine, hubspot.ReceiverOptions{Secrets: []string{env("HUBSPOT_SECRET")},
		PublicURL: cmp.Or(env("PUBLIC_URL"), "https://sync.example.com") + "/webhooks/hubspot"})
	fromBird, err1 := bird.NewFlowReceiver(engine, bird.FlowOptions{Secrets: []string{env("BIRD_FLOW_SECRET")}})
	board, err2 := dashboard.New(dashboard.Options{Engine: engine, Config: cfg, Feed: feed, Prefix: "/sync"})
	if err := errors.Join(err, err1, err2); err != nil {
		return nil, nil, err
	}
	mux.Handle("/webhooks/hubspot", fromHubSpot)
	mux.Handle("/flows/bird", fromBird)
	mux.Handle("/sync/", board) // for this machine only, until Authorize says who may
	return engine, board, nil
}
