package metrics

import (
	"errors"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/urbanhub/crmsync/sync"
)

// Options are what a [Collector] is made of.
type Options struct {
	// Registerer is where the metrics are registered; it is required. There
	// is no default, so that two engines in one process do not meet.
	Registerer prometheus.Registerer
	// Queue, when not nil, is asked at each scrape what waits in it.
	Queue sync.Queue
	// Timeout bounds what a scrape waits for the queue, 2 s by default.
	Timeout time.Duration
	// Modes and Quotas, when not nil, are asked at each scrape. They are those
	// of [sync.Engine.Modes] and [sync.Engine.Quotas]; the engine may be made
	// after the collector.
	Modes  func() []sync.Mode
	Quotas func() []sync.Quota
	// Next, when not nil, is told every event too.
	Next sync.Observer
}

// A Collector counts what an engine tells its observer. It is safe for
// concurrent use.
type Collector struct {
	next       sync.Observer
	enqueued   prometheus.Counter
	terminal   *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	lag        *prometheus.HistogramVec
	wait       *prometheus.HistogramVec
	requests   *prometheus.HistogramVec
	calls      *prometheus.CounterVec
	callFor    *prometheus.HistogramVec
	batches    *prometheus.HistogramVec
	elided     *prometheus.CounterVec
	written    *prometheus.CounterVec
	created    *prometheus.CounterVec
	echoes     *prometheus.CounterVec
	conflicts  *prometheus.CounterVec
	held       *prometheus.CounterVec
	lost       *prometheus.CounterVec
	tripped    *prometheus.CounterVec
	gaps       *prometheus.CounterVec
	degraded   *prometheus.GaugeVec
	cells      *prometheus.CounterVec
	agreement  *prometheus.GaugeVec
	success    *prometheus.GaugeVec
	progress   *prometheus.GaugeVec
	webhooks   *prometheus.CounterVec
	webhookFor *prometheus.HistogramVec
}

// lagBuckets reach from a moment to a day: most changes take less than a
// second, those of an outage hours.
var lagBuckets = []float64{.05, .1, .25, .5, .75, 1, 1.5, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}

// batchBuckets reach to the 100 records that HubSpot takes at once.
var batchBuckets = []float64{1, 2, 5, 10, 25, 50, 75, 99, 100}

// New makes a collector and registers its metrics.
func New(o Options) (*Collector, error) {
	if o.Registerer == nil {
		return nil, &sync.Error{Op: "new metrics", Action: sync.Fatal, Field: "Options.Registerer", Rule: "required",
			Hint: "give it prometheus.NewRegistry() or prometheus.DefaultRegisterer", Err: errors.New("there is nowhere to register")}
	}
	r := registry{to: o.Registerer}
	c := &Collector{
		next:       o.Next,
		enqueued:   r.counter("events_accepted_total", "Changes and facts that became durable."),
		terminal:   r.counters("events_terminal_total", "Changes and facts that came to their end, by outcome: applied, unchanged or dead.", "system", "kind", "outcome"),
		attempts:   r.counters("attempts_total", "Attempts that failed, by what is done about it.", "action"),
		lag:        r.histograms("sync_lag_seconds", "From a change, by its system's clock, to its confirmation by the other side.", lagBuckets, "system", "kind", "reason"),
		wait:       r.histograms("queue_wait_seconds", "From the queue's taking a message to its being worked on.", lagBuckets, "priority"),
		requests:   r.histograms("vendor_request_duration_seconds", "Reads and writes of records, as the engine waits for them.", prometheus.DefBuckets, "system", "operation"),
		calls:      r.counters("vendor_calls_total", "Calls of a system's API, by what they asked for and what came of them: 2xx, 3xx, 4xx, 429, 5xx or none.", "system", "operation", "code"),
		callFor:    r.histograms("vendor_call_duration_seconds", "How long a system took to answer a call.", prometheus.DefBuckets, "system", "operation"),
		batches:    r.histograms("vendor_batch_records", "Records in a call for many; the fill of a batch.", batchBuckets, "system", "operation"),
		elided:     r.counters("reads_elided_total", "Reads that a snapshot or an echo stood for.", "system"),
		written:    r.counters("fields_written_total", "Fields written to a system.", "flow", "system"),
		created:    r.counters("records_created_total", "Records created to match another.", "flow", "system"),
		echoes:     r.counters("echo_suppressed_total", "Looks that found no difference.", "flow"),
		conflicts:  r.counters("conflicts_total", "Fields edited on both sides, by the rule that decided.", "flow", "rule", "winner", "ambiguous"),
		held:       r.counters("held_total", "Records whose match is ambiguous and waits for a person.", "flow"),
		lost:       r.counters("lost_updates_total", "Edits that a write had overwritten unseen, found in the system's history.", "flow"),
		tripped:    r.counters("guards_tripped_total", "Guards and breakers of oscillating fields that stopped something; the field is that of a breaker.", "flow", "rule", "field"),
		gaps:       r.counters("feed_gaps_total", "Streams of changes that lost their place.", "system"),
		degraded:   r.gauges("field_degraded", "1 while a field pauses because its system cannot hold it.", "system", "kind", "field"),
		cells:      r.counters("reconcile_cells_total", "Fields that verifications compared, by result: equal, mismatch or skipped.", "flow", "result"),
		agreement:  r.gauges("agreement_ratio", "Equal fields among those compared by the last verification.", "flow"),
		success:    r.gauges("last_success_timestamp_seconds", "When a task last came to its end, such as the sweep of a system.", "task", "of"),
		progress:   r.gauges("run_records_done", "Records that a run has gone through.", "flow", "run"),
		webhooks:   r.counters("webhook_requests_total", "Requests to a receiver, by status.", "source", "code"),
		webhookFor: r.histograms("webhook_duration_seconds", "How long a receiver took to answer.", prometheus.DefBuckets, "source"),
	}
	r.gauges("build_info", "1; the labels tell versions.", "version", "goversion").WithLabelValues(version(), runtime.Version()).Set(1)
	r.register(newStanding(o.Modes, o.Quotas))
	if o.Queue != nil {
		r.register(newBacklog(o.Queue, o.Timeout))
	}
	return c, r.err
}

// version is that of the module as it was built into the program.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == "github.com/urbanhub/crmsync" && m.Version != "" {
			return m.Version
		}
	}
	return "unknown"
}
