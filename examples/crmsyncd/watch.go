package main

import (
	"context"
	"fmt"
	"net/http"
	stdsync "sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
	"github.com/urbanhub/crmsync/sync/dashboard"
	"github.com/urbanhub/crmsync/sync/metrics"
)

// A watch is all who are told what the engine does.
type watch struct {
	registry  *prometheus.Registry
	collector *metrics.Collector
	alerts    *alert.Manager
	feed      *dashboard.Feed

	mu        stdsync.Mutex
	followers map[int]func(p sync.Progress) // of runs
	next      int
}

func (d *deployment) newWatch() (*watch, error) {
	w := &watch{registry: prometheus.NewRegistry(), feed: dashboard.NewFeed(0), followers: map[int]func(sync.Progress){}}
	w.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	modes, quotas := func() []sync.Mode { return d.engine.Modes() }, func() []sync.Quota { return d.engine.Quotas() } // it is made later
	var err error
	if w.collector, err = metrics.New(metrics.Options{Registerer: w.registry, Queue: newSeldom(d.storage.queue), Modes: modes, Quotas: quotas}); err != nil {
		return nil, err
	}
	w.alerts, err = alert.New(alert.Options{
		Rules: alert.Rules(alert.Objectives(d.cfg.Alerts.Objectives)), Notifiers: d.notifiers(), Queue: d.storage.queue,
		Systems: []sync.System{bird.System, hubspot.System}, Lag: d.cfg.Alerts.Objectives.Lag, Repeat: d.cfg.Alerts.Repeat,
		Runbooks: d.cfg.Alerts.Runbooks, Logger: d.log, Modes: modes, Quotas: quotas})
	return w, err
}

// observe is the engine's observer.
func (w *watch) observe(e sync.Event) {
	w.collector.Observe(e)
	w.alerts.Observe(e)
	w.feed.Observe(e)
	if e.Progress == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, show := range w.followers {
		show(*e.Progress)
	}
}

// follow has the progress of runs shown until stop is called.
func (w *watch) follow(show func(p sync.Progress)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next++
	id := w.next
	w.followers[id] = show
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.followers, id)
	}
}

// notifiers are those that the configuration names.
func (d *deployment) notifiers() []alert.Notifier {
	client := &http.Client{Timeout: 10 * time.Second}
	var out []alert.Notifier
	a := &d.cfg.Alerts
	if a.Log {
		out = append(out, alert.Log{Logger: d.log})
	}
	if a.SlackURL.set() {
		out = append(out, alert.Slack{URL: a.SlackURL.text, Client: client})
	}
	if a.PagerDutyKey.set() {
		out = append(out, alert.PagerDuty{RoutingKey: a.PagerDutyKey.text, Source: d.cfg.Name, Client: client})
	}
	if a.WebhookURL.set() {
		out = append(out, alert.Webhook{URL: a.WebhookURL.text, Client: client})
	}
	return out
}

// told counts a call to a vendor.
func (d *deployment) told(c sync.Call) { d.watch.collector.Call(c) }

// shown are the alerts as the dashboard shows them.
func (w *watch) shown(now time.Time) []dashboard.Alert {
	var out []dashboard.Alert
	for _, a := range w.alerts.Active(now) {
		out = append(out, dashboard.Alert{Rule: a.Rule, Severity: string(a.Severity), Since: a.Since, Runbook: a.Runbook,
			Text: fmt.Sprintf("%s %s", a.Summary, a.Description)})
	}
	return out
}

// runWatches compares both accounts with what the mapping needs until ctx ends.
func (d *deployment) runWatches(ctx context.Context) error {
	need, err := d.cfg.hubspotSchema()
	if err != nil {
		return err
	}
	needBird, err := d.cfg.birdSchema()
	if err != nil {
		return err
	}
	done := make(chan error, 2)
	every := d.cfg.Engine.WatchInterval
	go func() { done <- d.hubspot.Watch(ctx, need, hubspot.WatchOptions{Every: every}) }()
	go func() { done <- d.bird.Watch(ctx, needBird, bird.WatchOptions{Every: every}) }()
	first := <-done
	if second := <-done; first == nil {
		first = second
	}
	return first
}
