package docs_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
	"github.com/urbanhub/crmsync/sync/dashboard"
	"github.com/urbanhub/crmsync/sync/metrics"
)

// observed is the code of monitoring.md.
func observed(cfg sync.Config, logger *slog.Logger) (sync.Config, *alert.Manager, error) {
	queue, registry, feed := memqueue.New(nil), prometheus.NewRegistry(), dashboard.NewFeed(0)
	alerts, err := alert.New(alert.Options{Queue: queue, Systems: []sync.System{"bird", "hubspot"},
		Notifiers: []alert.Notifier{alert.Log{Logger: logger}}, Next: feed.Observe,
		Runbooks: "https://docs.example.com/operations.md"})
	if err != nil {
		return cfg, nil, err
	}
	collector, err := metrics.New(metrics.Options{Registerer: registry, Queue: queue, Next: alerts.Observe})
	if err != nil {
		return cfg, nil, err
	}
	cfg.Queue, cfg.Observer = queue, collector.Observe
	return cfg, alerts, nil // go alerts.Run(ctx) beside engine.Run(ctx)
}

func TestWhatObserversAreTold(t *testing.T) {
	var log bytes.Buffer
	cfg, alerts, err := observed(sync.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cfg.Observer(sync.Event{Type: sync.EventTripped, At: now, Flow: "contacts", Err: &sync.Error{Rule: "guard.creations"}})
	alerts.Evaluate(t.Context(), now)
	if !strings.Contains(log.String(), "GuardTripped") {
		t.Errorf("the alert was not told: %s", log.String())
	}
}
