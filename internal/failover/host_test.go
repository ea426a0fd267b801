//go:build unix

package failover

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
)

// Where the receivers are.
const (
	hubspotPath = "/webhooks/hubspot"
	flowPath    = "/flows/bird"
)

// A host runs an engine as a production service does: with receivers, alerts
// and health, at the defaults.
type host struct {
	*ground
	town   *town
	set    *mapping.Compiled
	engine *sync.Engine
	alerts *alert.Manager
	pager  pager
	queue  *ledger
	door   *door
	said   speech
}

// start starts a host before the town and stops it when the test ends.
func start(t *testing.T, v *town, g *ground) *host {
	t.Helper()
	set, err := urbanhub.Set(urbanhub.Options{UniqueActivities: v.unique}).Compile()
	if err != nil {
		t.Fatal(err)
	}
	h := &host{ground: g, town: v, set: set, queue: &ledger{Queue: g.queue}, door: &door{answers: map[int]int{}}}
	h.alerts, err = alert.New(alert.Options{Rules: impatient(alert.Rules(alert.Objectives{})), Notifiers: []alert.Notifier{&h.pager},
		Queue: h.queue, Interval: 500 * time.Millisecond, Modes: func() []sync.Mode { return h.engine.Modes() }})
	if err == nil {
		h.engine, err = h.build(t, sync.Config{Store: h.store, Queue: h.queue, Observer: h.alerts.Observe,
			Logger: slog.New(slog.NewTextHandler(&h.said, &slog.HandlerOptions{Level: slog.LevelWarn}))}, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.acquaint(t)
	h.run(t)
	return h
}

// acquaint lets an engine over the same store, which hurries, get to know the
// people. They are equal.
func (h *host) acquaint(t *testing.T) {
	t.Helper()
	e, err := h.build(t, sync.Config{Store: h.store, Queue: memqueue.New(nil), SweepInterval: -1}, 5000)
	if err != nil {
		t.Fatal(err)
	}
	flow := h.set.Flows[0].Name
	if _, err := e.Backfill(t.Context(), sync.Load{Flow: flow, From: sync.Left}); err != nil {
		t.Fatal(err)
	}
	if err := e.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, err := e.Verify(t.Context(), flow); err != nil || a.Ratio() < 1 || a.Compared < len(h.town.people) {
		t.Fatalf("before the outage: %+v, %v", a, err)
	}
}

// build makes an engine with adapters of its own, which read so many of Bird's
// contacts a second; 0 is as many as Bird allows.
func (h *host) build(t *testing.T, cfg sync.Config, perSecond int) (*sync.Engine, error) {
	t.Helper()
	v, people, deals := h.town, h.set.Flows[0], h.set.Flows[1]
	birds, err := bird.New(v.bird.WorkspaceID, v.bird.AccessKey, &bird.Options{BaseURL: v.bird.URL, HTTPClient: client(t),
		Fields: people.Names(sync.Left), Conversations: deals.Names(sync.Left), Permits: h.permits, GETPerSecond: perSecond})
	if err != nil {
		return nil, err
	}
	hs, err := hubspot.New(hubspot.Static(v.hubspot.Token), &hubspot.Options{BaseURL: v.hubspot.URL, HTTPClient: client(t),
		Region: "CO", Permits: h.permits, Objects: map[sync.Kind]hubspot.Object{
			hubspot.Contact: {Properties: people.Names(sync.Right)},
			hubspot.Deal:    {Properties: deals.Names(sync.Right), Unique: []string{deals.Right.CreateKey}},
		}})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = hs.Close(context.WithoutCancel(t.Context())) })
	cfg.Peers = map[sync.System]sync.Peer{
		bird.System:    {Source: birds, Sink: birds},
		hubspot.System: {Source: hs, Sink: hs},
	}
	h.set.AddTo(&cfg)
	return sync.New(cfg)
}

// client is one whose connections end with the test.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

// run serves and works until the test ends.
func (h *host) run(t *testing.T) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	webhooks := "http://" + listener.Addr().String()
	mux, err := h.mount(webhooks)
	if err != nil {
		t.Fatal(err)
	}
	h.door.next = mux
	web := &http.Server{Handler: h.door, ReadHeaderTimeout: 5 * time.Second}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var all stdsync.WaitGroup
	all.Go(func() { _ = web.Serve(listener) }) // ends with Close below
	all.Go(func() { h.alerts.Run(ctx) })
	all.Go(func() {
		if err := h.engine.Run(ctx); err != nil {
			t.Errorf("the engine: %v", err)
		}
	})
	if h.running != nil {
		all.Go(func() {
			if err := h.running(ctx); err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("the queue: %v", err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		_ = web.Close()
		all.Wait()
	})
	h.town.tell(webhooks)
}

// mount makes both receivers.
func (h *host) mount(webhooks string) (*http.ServeMux, error) {
	hs, err := hubspot.NewReceiver(h.engine, hubspot.ReceiverOptions{PublicURL: webhooks + hubspotPath,
		Secrets: []string{hubspotSecret}, Kinds: []sync.Kind{hubspot.Contact, hubspot.Deal}})
	if err != nil {
		return nil, err
	}
	flow, err := bird.NewFlowReceiver(h.engine, bird.FlowOptions{Secrets: []string{flowSecret}, Witness: h.set.Flows[0].Names(sync.Left)})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(hubspotPath, hs)
	mux.Handle(flowPath, flow)
	return mux, nil
}
