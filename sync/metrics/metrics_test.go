package metrics_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/metrics"
)

func newCollector(t *testing.T, o metrics.Options) (*metrics.Collector, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewRegistry()
	o.Registerer = r
	c, err := metrics.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

var contact = sync.Ref{System: "crm", Kind: "contact", ID: "17"}

func TestEventsAreCounted(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	conflict := &sync.Decision{Field: "email", Rule: "policy.owner", Winner: sync.Right, Conflict: true, Before: [2]sync.Value{sync.Text("secret")}}
	for name, tt := range map[string]struct {
		event sync.Event
		want  string // metric and value, without the prefix
	}{
		"enqueued":     {sync.Event{Type: sync.EventEnqueued, Count: 3}, `events_accepted_total 3`},
		"applied":      {sync.Event{Type: sync.EventSynced, Ref: contact, Count: 1}, `events_terminal_total{kind="contact",outcome="applied",system="crm"} 1`},
		"unchanged":    {sync.Event{Type: sync.EventSynced, Ref: contact}, `events_terminal_total{kind="contact",outcome="unchanged",system="crm"} 1`},
		"dead":         {sync.Event{Type: sync.EventBuried, Ref: contact, Count: 2}, `events_terminal_total{kind="contact",outcome="dead",system="crm"} 2`},
		"retried":      {sync.Event{Type: sync.EventRetried, Action: sync.RetryAt}, `attempts_total{action="retry-at"} 1`},
		"elided":       {sync.Event{Type: sync.EventRead, Ref: contact, Elided: true}, `reads_elided_total{system="crm"} 1`},
		"fields":       {sync.Event{Type: sync.EventWrote, Flow: "people", Ref: contact, Count: 4}, `fields_written_total{flow="people",system="crm"} 4`},
		"created":      {sync.Event{Type: sync.EventCreated, Flow: "people", Ref: contact}, `records_created_total{flow="people",system="crm"} 1`},
		"echo":         {sync.Event{Type: sync.EventEcho, Flow: "people"}, `echo_suppressed_total{flow="people"} 1`},
		"held":         {sync.Event{Type: sync.EventHeld, Flow: "people"}, `held_total{flow="people"} 1`},
		"lost":         {sync.Event{Type: sync.EventLost, Flow: "people"}, `lost_updates_total{flow="people"} 1`},
		"conflict":     {sync.Event{Type: sync.EventDecided, Flow: "people", Decision: conflict}, `conflicts_total{ambiguous="false",flow="people",rule="policy.owner",winner="right"} 1`},
		"oscillation":  {sync.Event{Type: sync.EventTripped, Flow: "people", Decision: conflict}, `guards_tripped_total{field="email",flow="people",rule="oscillation"} 1`},
		"guard":        {sync.Event{Type: sync.EventTripped, Flow: "people", Err: &sync.Error{Rule: "guard.creates"}}, `guards_tripped_total{field="",flow="people",rule="guard.creates"} 1`},
		"degraded":     {sync.Event{Type: sync.EventDegraded, Ref: contact, Err: &sync.Error{Field: "score"}}, `field_degraded{field="score",kind="contact",system="crm"} 1`},
		"recovered":    {sync.Event{Type: sync.EventRecovered, Ref: contact, Err: &sync.Error{Field: "score"}}, `field_degraded{field="score",kind="contact",system="crm"} 0`},
		"gap":          {sync.Event{Type: sync.EventGap, Ref: contact}, `feed_gaps_total{system="crm"} 1`},
		"swept":        {sync.Event{Type: sync.EventSwept, Ref: contact, At: at}, `last_success_timestamp_seconds{of="crm",task="sweep"} 1.8e+09`},
		"progress":     {sync.Event{Type: sync.EventProgress, Flow: "people", Progress: &sync.Progress{Run: "first", Done: 9}}, `run_records_done{flow="people",run="first"} 9`},
		"mismatches":   {verified(at), `reconcile_cells_total{flow="people",result="mismatch"} 1`},
		"equal":        {verified(at), `reconcile_cells_total{flow="people",result="equal"} 3`},
		"agreement":    {verified(at), `agreement_ratio{flow="people"} 0.75`},
		"verification": {verified(at), `last_success_timestamp_seconds{of="people",task="verify"} 1.8e+09`},
	} {
		t.Run(name, func(t *testing.T) {
			c, r := newCollector(t, metrics.Options{})
			c.Observe(tt.event)
			has(t, r, tt.want)
		})
	}
}

func verified(at time.Time) sync.Event {
	return sync.Event{Type: sync.EventVerified, At: at, Agreement: &sync.Agreement{Flow: "people", Tally: sync.Tally{Compared: 4, Equal: 3, Skipped: 2}}}
}

// text returns what a scrape shows.
func text(t *testing.T, r *prometheus.Registry) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	return w.Body.String()
}

func has(t *testing.T, r *prometheus.Registry, want string) {
	t.Helper()
	all := text(t, r)
	if !strings.Contains(all, "crmsync_"+want+"\n") {
		t.Errorf("want %s in\n%s", want, all)
	}
	if strings.Contains(all, "secret") || strings.Contains(all, `"17"`) {
		t.Errorf("a value or an id became a metric:\n%s", all)
	}
}

func TestModesAndQuotasAreAskedAtEachScrape(t *testing.T) {
	var modes []sync.Mode
	_, r := newCollector(t, metrics.Options{Modes: func() []sync.Mode { return modes },
		Quotas: func() []sync.Quota {
			return []sync.Quota{{System: "crm", Name: "day", Used: 7, Limit: 10}, {System: "crm", Name: "day", Used: 8, Limit: 10}}
		}})
	if all := text(t, r); strings.Contains(all, "mode_active{") {
		t.Errorf("a mode is on:\n%s", all)
	}
	modes = []sync.Mode{{System: "crm", Name: "calls wait: records", Why: "secret"}, {System: "crm", Name: "calls wait: records"}, {Name: "webhooks refused"}}
	has(t, r, `mode_active{mode="calls wait: records",system="crm"} 1`)
	has(t, r, `mode_active{mode="webhooks refused",system=""} 1`)
	has(t, r, `quota_used{quota="day",system="crm"} 7`)
	has(t, r, `quota_limit{quota="day",system="crm"} 10`)
}

func TestTheLagIsThatOfWritesAlone(t *testing.T) {
	c, r := newCollector(t, metrics.Options{})
	c.Observe(sync.Event{Type: sync.EventSynced, Ref: contact, Reason: sync.ReasonWebhook, Count: 1, Lag: 700 * time.Millisecond})
	c.Observe(sync.Event{Type: sync.EventSynced, Ref: contact, Reason: sync.ReasonWebhook, Lag: time.Hour})              // an echo
	c.Observe(sync.Event{Type: sync.EventSynced, Ref: contact, Reason: sync.ReasonWebhook, Count: 1, Lag: -time.Second}) // a clock ahead
	labels := `kind="contact",reason="webhook",system="crm"`
	has(t, r, `sync_lag_seconds_bucket{`+labels+`,le="0.5"} 1`)
	has(t, r, `sync_lag_seconds_bucket{`+labels+`,le="0.75"} 2`)
	has(t, r, `sync_lag_seconds_count{`+labels+`} 2`)
	has(t, r, `sync_lag_seconds_sum{`+labels+`} 0.7`)
}

func TestTheBacklogIsReadAtEachScrape(t *testing.T) {
	q := memqueue.New(nil)
	_, r := newCollector(t, metrics.Options{Queue: q})
	has(t, r, `events_pending{state="waiting"} 0`)
	has(t, r, `oldest_pending_age_seconds 0`)
	now := time.Now()
	err := q.Push(t.Context(), now.Add(-time.Hour), sync.Message{ID: "1", Key: "a", Priority: sync.Sweep}, sync.Message{ID: "2", Key: "b", Priority: sync.Live})
	if err != nil {
		t.Fatal(err)
	}
	has(t, r, `events_pending{state="waiting"} 2`)
	has(t, r, `events_waiting{priority="sweep"} 1`)
	_, told, _ := strings.Cut(text(t, r), "\ncrmsync_oldest_pending_age_seconds ")
	told, _, _ = strings.Cut(told, "\n")
	if age, err := strconv.ParseFloat(told, 64); err != nil || age < 3600 || age > 3600+time.Since(now).Seconds() {
		t.Errorf("the oldest message is an hour old and a little, not %q s", told)
	}
	lanes, err := q.Take(t.Context(), now, 1, time.Minute)
	if err != nil || len(lanes) != 1 {
		t.Fatal(lanes, err)
	}
	if err := q.Bury(t.Context(), now.Add(-time.Minute), lanes[0], sync.Failure{}); err != nil {
		t.Fatal(err)
	}
	has(t, r, `dlq_events 1`)
	has(t, r, `queue_up 1`)
}

// A silent queue answers with an error.
type silentQueue struct{ sync.Queue }

func (silentQueue) Stats(context.Context, time.Time) (sync.QueueStats, error) {
	return sync.QueueStats{}, errors.New("down")
}

func TestAScrapeWorksWithoutTheQueue(t *testing.T) {
	_, r := newCollector(t, metrics.Options{Queue: silentQueue{}})
	has(t, r, `queue_up 0`)
	if strings.Contains(text(t, r), "crmsync_events_pending{") {
		t.Error("the backlog of a queue that is down is not known")
	}
}

func TestReceiversAreMeasured(t *testing.T) {
	c, r := newCollector(t, metrics.Options{})
	h := c.Webhook("crm", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
	has(t, r, `webhook_requests_total{code="503",source="crm"} 1`)
	has(t, r, `webhook_duration_seconds_count{source="crm"} 1`)
}

func TestCallsAndBatchesAreCounted(t *testing.T) {
	c, r := newCollector(t, metrics.Options{})
	for _, status := range []int{200, 207, 404, 429, 503, 0, 999} {
		c.Call(sync.Call{System: "crm", Operation: "batch read", Status: status, Records: 30, Duration: 200 * time.Millisecond})
	}
	c.Call(sync.Call{System: "crm", Operation: "get", Status: 200})
	of := `operation="batch read",system="crm"`
	for code, n := range map[string]string{"2xx": "2", "4xx": "1", "429": "1", "5xx": "1", "none": "2"} {
		has(t, r, `vendor_calls_total{code="`+code+`",`+of+`} `+n)
	}
	has(t, r, `vendor_batch_records_sum{`+of+`} 210`)
	has(t, r, `vendor_batch_records_bucket{`+of+`,le="25"} 0`)
	has(t, r, `vendor_call_duration_seconds_bucket{`+of+`,le="0.25"} 7`)
	if strings.Contains(text(t, r), `vendor_batch_records_count{operation="get"`) {
		t.Error("a call for one record is no batch")
	}
}

func TestTheNextObserverIsTold(t *testing.T) {
	var told []sync.EventType
	c, _ := newCollector(t, metrics.Options{Next: func(e sync.Event) { told = append(told, e.Type) }})
	c.Observe(sync.Event{Type: sync.EventEcho})
	c.Observe(sync.Event{Type: "unheard of"})
	if len(told) != 2 {
		t.Errorf("told of %v", told)
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	c, r := newCollector(t, metrics.Options{Queue: memqueue.New(nil)})
	c.Observe(sync.Event{Type: sync.EventSynced, Ref: contact, Count: 1})
	c.Call(sync.Call{System: "crm", Operation: "batch read", Status: 200, Records: 1})
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestTwoEnginesNeedTwoRegisterers(t *testing.T) {
	_, r := newCollector(t, metrics.Options{})
	if _, err := metrics.New(metrics.Options{Registerer: r}); err == nil {
		t.Error("metrics were registered twice")
	}
	if _, err := metrics.New(metrics.Options{}); sync.ActionOf(err) != sync.Fatal {
		t.Errorf("without a registerer: %v", err)
	}
}
