package metrics_test

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/metrics"
)

func ExampleNew() {
	queue, registry := memqueue.New(nil), prometheus.NewRegistry()
	c, err := metrics.New(metrics.Options{Registerer: registry, Queue: queue})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := sync.Config{Queue: queue, Observer: c.Observe /* and flows, peers, a store */}
	cfg.Observer(sync.Event{Type: sync.EventEnqueued, Count: 2})
	n, err := testutil.GatherAndCount(registry, "crmsync_events_accepted_total")
	fmt.Println(n, err)
	// Output: 1 <nil>
}
