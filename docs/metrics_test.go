package docs_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync/metrics"
)

// A register notes what is registered with it.
type register struct{ metrics []metric }

// A metric is one that the collector has.
type metric struct{ name, kind, help, labels string }

var descForm = regexp.MustCompile(`fqName: "([^"]*)", help: "([^"]*)",(?: unit: "[^"]*",)? constLabels: \{[^}]*\}, variableLabels: \{([^}]*)\}`)

// Register implements [prometheus.Registerer].
func (r *register) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 100)
	c.Describe(descs)
	close(descs)
	for d := range descs {
		m := descForm.FindStringSubmatch(d.String())
		if m == nil {
			return fmt.Errorf("cannot read %s", d)
		}
		kind := "gauge"
		switch c.(type) {
		case prometheus.Counter, *prometheus.CounterVec:
			kind = "counter"
		case *prometheus.HistogramVec:
			kind = "histogram"
		}
		if _, gauge := c.(prometheus.Gauge); gauge {
			kind = "gauge" // a gauge can do all that a counter can
		}
		r.metrics = append(r.metrics, metric{m[1], kind, m[2], m[3]})
	}
	return nil
}

// MustRegister implements [prometheus.Registerer].
func (r *register) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// Unregister implements [prometheus.Registerer].
func (r *register) Unregister(prometheus.Collector) bool { return false }

// TestMetricsTable keeps the table of metrics as the collector has them.
func TestMetricsTable(t *testing.T) {
	r := &register{}
	if _, err := metrics.New(metrics.Options{Registerer: r, Queue: memqueue.New(nil)}); err != nil {
		t.Fatal(err)
	}
	if len(r.metrics) < 25 {
		t.Fatalf("the collector has only %d metrics", len(r.metrics))
	}
	slices.SortFunc(r.metrics, func(a, b metric) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	b.WriteString("| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n")
	for _, m := range r.metrics {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.name, m.kind, strings.ReplaceAll(m.labels, ",", ", "), m.help)
	}
	generated(t, "docs/monitoring.md", "metrics", b.String())
}

var metricName = regexp.MustCompile(`\bcrmsync_[a-z0-9_]+`)

// TestMetricsThatPagesName finds names of metrics that are none.
func TestMetricsThatPagesName(t *testing.T) {
	r := &register{}
	if _, err := metrics.New(metrics.Options{Registerer: r, Queue: memqueue.New(nil)}); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, m := range r.metrics {
		known[m.name] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			known[m.name+suffix] = m.kind == "histogram"
		}
	}
	named := 0
	for path := range pages(t) {
		for _, name := range metricName.FindAllString(read(t, path), -1) {
			if !strings.HasSuffix(name, "_") { // the prefix alone
				named++
				if !known[name] {
					t.Errorf("%s names the metric %s, which the collector does not have", path, name)
				}
			}
		}
	}
	if named < len(r.metrics) {
		t.Errorf("only %d names of metrics were found", named)
	}
}
