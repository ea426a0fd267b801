package main

import (
	"context"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// Where the receivers are, below the public URL.
const (
	hubspotPath = "/webhooks/hubspot"
	actionsPath = "/webhooks/hubspot/actions"
	birdPath    = "/webhooks/bird"
	flowPath    = "/flows/bird"
)

// answering bounds what a receiver does: HubSpot waits 5 seconds.
const answering = 4 * time.Second

// mount serves the receivers. Each keeps itself from taking on too much.
func (d *deployment) mount(mux *http.ServeMux) error {
	for path, receiver := range map[string]func() (http.Handler, error){
		hubspotPath: d.hubspotReceiver, actionsPath: d.actionReceiver, birdPath: d.birdReceiver, flowPath: d.flowReceiver,
	} {
		h, err := receiver()
		if err != nil {
			return err
		}
		mux.Handle(path, d.watch.collector.Webhook(source(path), d.traced(source(path), timed(h))))
	}
	return nil
}

func source(path string) string {
	if path == hubspotPath || path == actionsPath {
		return string(hubspot.System)
	}
	return string(bird.System)
}

// timed keeps a receiver from working for too long.
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), answering)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (d *deployment) hubspotReceiver() (http.Handler, error) {
	h := &d.cfg.HubSpot
	return hubspot.NewReceiver(d.engine, hubspot.ReceiverOptions{PublicURL: d.cfg.PublicURL + hubspotPath, Secrets: texts(h.ClientSecret, h.ClientSecretOld),
		PortalID: int64(h.Portal), Kinds: kinds(d.set.Flows, hubspot.System), AllowV1: h.AllowV1,
		MaxConcurrent: d.cfg.Receivers.MaxConcurrent, MaxPerSecond: d.cfg.Receivers.MaxPerSecond, OldUntil: d.cfg.Receivers.oldUntil(), Logger: d.log})
}

func (d *deployment) actionReceiver() (http.Handler, error) {
	h := &d.cfg.HubSpot
	actions := map[int64]hubspot.WorkflowAction{}
	for id, a := range h.Actions {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, err
		}
		if a.Fact == "" && d.cfg.Mapping.WorkflowMessages {
			a.Fact = urbanhub.MessageRequested
		}
		actions[n] = hubspot.WorkflowAction{Fact: a.Fact, Wait: a.Wait}
	}
	return hubspot.NewActionReceiver(d.engine, hubspot.ActionOptions{PublicURL: d.cfg.PublicURL + actionsPath, Secrets: texts(h.ClientSecret, h.ClientSecretOld),
		PortalID: int64(h.Portal), Actions: actions,
		MaxConcurrent: d.cfg.Receivers.MaxConcurrent, MaxPerSecond: d.cfg.Receivers.MaxPerSecond, OldUntil: d.cfg.Receivers.oldUntil(), Logger: d.log})
}

func (d *deployment) birdReceiver() (http.Handler, error) {
	b := &d.cfg.Bird
	return bird.NewReceiver(d.engine, bird.ReceiverOptions{PublicURL: d.cfg.PublicURL + birdPath, Secrets: texts(b.SigningKey, b.SigningKeyOld),
		Kinds: kinds(d.set.Flows, bird.System), Witness: fields(d.set.Flows, bird.System, bird.ConversationKind),
		MaxConcurrent: d.cfg.Receivers.MaxConcurrent, MaxPerSecond: d.cfg.Receivers.MaxPerSecond, OldUntil: d.cfg.Receivers.oldUntil(), Logger: d.log})
}

func (d *deployment) flowReceiver() (http.Handler, error) {
	zone, err := time.LoadLocation(d.cfg.Bird.Zone)
	if err != nil {
		return nil, err
	}
	calls, err := d.cfg.flowMap()
	if err != nil {
		return nil, err
	}
	return bird.NewFlowReceiver(d.engine, bird.FlowOptions{Secrets: texts(d.cfg.Bird.FlowSecret, d.cfg.Bird.FlowSecretOld), Map: calls, Location: zone,
		Witness:       fields(d.set.Flows, bird.System, bird.Contact),
		MaxConcurrent: d.cfg.Receivers.MaxConcurrent, MaxPerSecond: d.cfg.Receivers.MaxPerSecond, OldUntil: d.cfg.Receivers.oldUntil(), Logger: d.log})
}

// flowMap says what calls from Flows look like: by default as in
// docs/bird-flows.md, with the events of the preset that Bird does not know.
func (c *config) flowMap() (bird.FlowMap, error) {
	if c.Bird.FlowMap == "" {
		events := map[string]bird.FlowEvent{}
		for _, name := range []string{"tour.completed", "application.submitted", "lease.signed"} {
			events[name] = bird.FlowEvent{Fact: name}
		}
		return bird.FlowMap{Events: events}, nil
	}
	source, err := os.ReadFile(c.Bird.FlowMap)
	if err != nil {
		return bird.FlowMap{}, problems{{Key: "bird.flow_map", Hint: "the file cannot be read: " + err.Error()}}
	}
	calls, err := bird.LoadFlowMap(c.Bird.FlowMap, source)
	if err != nil {
		return calls, problems{{Key: "bird.flow_map", Hint: err.Error()}}
	}
	return calls, nil
}

// scrapes is how many may read the metrics at once.
const scrapes = 8

// mountAdmin serves what people and Prometheus look at. It returns no dashboard
// where there is none.
func (d *deployment) mountAdmin(mux *http.ServeMux) (*dashboard.Dashboard, error) {
	mux.Handle("GET /metrics", d.named(promhttp.HandlerFor(d.watch.registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapes})))
	c := &d.cfg.Dashboard
	if !d.cfg.withDashboard() {
		if !c.Off {
			d.log.Warn("the dashboard is not served: behind a proxy everybody would seem to be on this machine", "hint", getDashboard)
		}
		return nil, nil
	}
	opts := dashboard.Options{Engine: d.engine, Config: d.settled, Feed: d.watch.feed, Prefix: c.Path, Name: d.cfg.Name, ReadOnly: c.ReadOnly,
		Plain: c.Plain, Alerts: d.watch.shown, TestAlerts: d.watch.alerts.Test, Logger: d.log}
	var lock func(http.Handler) http.Handler
	opts.Authorize, opts.Actor, lock = c.access()
	board, err := dashboard.New(opts)
	if err == nil {
		mux.Handle(c.Path+"/", lock(d.named(board)))
		mux.Handle("GET /{$}", http.RedirectHandler(c.Path+"/", http.StatusFound))
	}
	return board, err
}
