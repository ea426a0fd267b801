package alert_test

import (
	"context"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
)

// A printer prints alerts.
type printer struct{}

func (printer) Notify(_ context.Context, a alert.Alert) error {
	fmt.Println(a.Severity, a.Key(), a.Summary)
	return nil
}

func ExampleManager() {
	m, err := alert.New(alert.Options{Notifiers: []alert.Notifier{printer{}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := sync.Config{Observer: m.Observe /* and flows, peers, a store, a queue */}
	now := time.Now()
	cfg.Observer(sync.Event{Type: sync.EventTripped, At: now, Flow: "contacts", Err: &sync.Error{Rule: "guard.creates"}})
	m.Evaluate(context.Background(), now) // as Run does every 10 s
	// Output: critical GuardTripped flow=contacts rule=guard.creates A guard stopped a flow.
}
