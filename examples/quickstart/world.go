package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// The secrets that both ends of the story know.
const (
	hubspotSecret = "quickstart-client-secret"
	birdKey       = "quickstart-signing-key-of-32-bytes-or-more"
	flowSecret    = "quickstart-flow-secret"
)

// publicURL is our address as Bird knows it, which takes no loopback address
// for its webhooks.
const publicURL = "https://sync.example.com"

// A world is both vendors, the engine between them, and the web server that
// receives their webhooks.
type world struct {
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	flow    *sync.Flow // of contacts
	deals   *sync.Flow
	store   sync.Store
	queue   sync.Queue
	engine  *sync.Engine
	adapter *hubspot.Adapter
	tally   *tally
	feed    *dashboard.Feed
	cfg     sync.Config  // of the engine
	created perSide[int] // by the set-up

	web     *http.Server
	baseURL string
	stop    context.CancelFunc
	stopped chan struct{}
}

// newWorld starts the simulators, sets both accounts up and builds the engine,
// which does not run yet.
func newWorld(ctx context.Context, seed uint64) (*world, error) {
	w := &world{tally: newTally(), feed: dashboard.NewFeed(0), store: memstore.New(), queue: memqueue.New(nil)}
	w.bird = birdtest.NewServer(&birdtest.Options{Seed: seed})
	w.hubspot = hubspottest.NewServer(&hubspottest.Options{Seed: seed, SearchLag: 200 * time.Millisecond})
	opts, err := w.setUp(ctx)
	if err != nil {
		return w, err
	}
	return w, w.build(opts)
}

// build composes the engine as a host application would.
func (w *world) build(opts urbanhub.Options) error {
	set, err := urbanhub.Set(opts).Compile()
	if err != nil {
		return err
	}
	w.flow, w.deals = set.Flows[0], set.Flows[1]
	birdAdapter, err := bird.New(w.bird.WorkspaceID, w.bird.AccessKey, &bird.Options{
		BaseURL: w.bird.URL, Fields: w.flow.Names(sync.Left), Conversations: w.deals.Names(sync.Left)})
	if err != nil {
		return err
	}
	w.adapter, err = hubspot.New(hubspot.Static(w.hubspot.Token), &hubspot.Options{
		BaseURL: w.hubspot.URL, Region: "CO", SearchLag: time.Second,
		Objects: map[sync.Kind]hubspot.Object{
			hubspot.Contact: {Properties: w.flow.Names(sync.Right)},
			hubspot.Deal:    {Properties: w.deals.Names(sync.Right), Unique: []string{w.deals.Right.CreateKey}},
		}})
	if err != nil {
		return err
	}
	w.cfg = sync.Config{
		Peers: map[sync.System]sync.Peer{
			bird.System:    {Source: birdAdapter, Sink: birdAdapter},
			hubspot.System: {Source: w.adapter, Sink: w.adapter},
		},
		Store: w.store, Queue: w.queue, Observer: w.observe,
		SweepInterval: -1, // the story sweeps when it says so
	}
	set.AddTo(&w.cfg)
	w.engine, err = sync.New(w.cfg)
	return err
}

// observe is the engine's observer.
func (w *world) observe(e sync.Event) {
	w.tally.observe(e)
	w.feed.Observe(e)
}

// listen serves the webhook receivers and tells the vendors their addresses.
func (w *world) listen() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.baseURL = "http://" + listener.Addr().String()
	mux := http.NewServeMux()
	if err := w.mount(mux); err != nil {
		return err
	}
	w.web = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = w.web.Serve(listener) }() // ends with Shutdown in close
	w.hubspot.Subscribe(w.baseURL+"/webhooks/hubspot", hubspotSecret)
	w.bird.Proxy(publicURL, w.baseURL)
	w.bird.OnContactChange(w.baseURL+"/flows/bird", flowSecret)
	return nil
}

// mount puts the three receivers on the mux.
func (w *world) mount(mux *http.ServeMux) error {
	hs, err := hubspot.NewReceiver(w.engine, hubspot.ReceiverOptions{
		PublicURL: w.baseURL + "/webhooks/hubspot", Secrets: []string{hubspotSecret},
		Kinds: []sync.Kind{hubspot.Contact, hubspot.Deal}})
	if err != nil {
		return err
	}
	native, err := bird.NewReceiver(w.engine, bird.ReceiverOptions{
		PublicURL: publicURL + "/webhooks/bird", Secrets: []string{birdKey},
		Kinds: []sync.Kind{bird.Contact, bird.ConversationKind}, Witness: w.deals.Names(sync.Left)})
	if err != nil {
		return err
	}
	flow, err := bird.NewFlowReceiver(w.engine, bird.FlowOptions{
		Secrets: []string{flowSecret}, Witness: w.flow.Names(sync.Left),
		Map: bird.FlowMap{Events: map[string]bird.FlowEvent{
			"tour.completed": {Fact: "tour.completed"}, "lease.signed": {Fact: "lease.signed"}}}})
	if err != nil {
		return err
	}
	mux.Handle("/webhooks/hubspot", hs)
	mux.Handle("/webhooks/bird", native)
	mux.Handle("/flows/bird", flow)
	return nil
}

// run starts the engine, which goes on after the story; close stops it.
func (w *world) run(ctx context.Context) {
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.stopped = make(chan struct{})
	go func() {
		defer close(w.stopped)
		if err := w.engine.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "quickstart:", err)
		}
	}()
}

// close stops everything in the reverse order.
func (w *world) close() {
	if w.stop != nil {
		w.stop()
		<-w.stopped
	}
	if w.web != nil {
		_ = w.web.Shutdown(context.Background())
	}
	if w.adapter != nil {
		_ = w.adapter.Close(context.Background())
	}
	w.bird.Close()
	w.hubspot.Close()
}

// settle waits until every webhook is delivered and the queue holds no work,
// looking twice so that what the last work caused is waited for too.
func (w *world) settle(ctx context.Context) error {
	for calm := 0; calm < 3; {
		if err := w.bird.WaitWebhooks(ctx); err != nil {
			return err
		}
		if err := w.hubspot.WaitWebhooks(ctx); err != nil {
			return err
		}
		stats, err := w.queue.Stats(ctx, time.Now())
		if err != nil {
			return err
		}
		if calm++; stats.Waiting+stats.Leased > 0 {
			calm = 0
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}
