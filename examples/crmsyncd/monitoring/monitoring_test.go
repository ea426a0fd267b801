// Package monitoring_test keeps the Prometheus rules and the Grafana dashboard
// true: they ask for what sync/metrics exports, and every alert leads to its
// runbook.
package monitoring_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v4"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync/alert"
	"github.com/urbanhub/crmsync/sync/metrics"
)

// A rule is an entry of rules.yaml.
type rule struct {
	Record, Alert, Expr string
	Labels, Annotations map[string]string
}

func rules(t *testing.T) (all []rule) {
	t.Helper()
	var file struct {
		Groups []struct{ Rules []rule }
	}
	text, err := os.ReadFile("rules.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	if len(all) == 0 {
		t.Fatal("rules.yaml has no rules")
	}
	return all
}

// queries returns every expression, by where it is.
func queries(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, r := range rules(t) {
		out["rules.yaml: "+r.Record+r.Alert+" "+r.Labels["window"]] = r.Expr
	}
	type query struct{ Expr string }
	var board struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []query
		}
	}
	text, err := os.ReadFile("dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &board)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range board.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %s asks for nothing", p.Title)
		}
		for i, q := range p.Targets {
			out["dashboard.json: "+p.Title+" "+string(rune('A'+i))] = q.Expr
		}
	}
	return out
}

// A register notes the names of what is registered, with their labels.
type register map[string][]string

var descForm = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

// Register implements [prometheus.Registerer].
func (r register) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc, 100)
	c.Describe(descs)
	close(descs)
	for d := range descs {
		m := descForm.FindStringSubmatch(d.String())
		labels := strings.FieldsFunc(m[2], func(c rune) bool { return c == ',' })
		r[m[1]] = labels
		if _, ok := c.(*prometheus.HistogramVec); ok {
			r[m[1]+"_bucket"], r[m[1]+"_sum"], r[m[1]+"_count"] = append(slices.Clip(labels), "le"), labels, labels
		}
	}
	return nil
}

// MustRegister implements [prometheus.Registerer].
func (r register) MustRegister(all ...prometheus.Collector) {
	for _, c := range all {
		_ = r.Register(c)
	}
}

// Unregister implements [prometheus.Registerer].
func (r register) Unregister(prometheus.Collector) bool { return false }

// exported is what the collector exports, and what rules.yaml records.
func exported(t *testing.T) register {
	t.Helper()
	r := register{}
	if _, err := metrics.New(metrics.Options{Registerer: r, Queue: memqueue.New(nil)}); err != nil {
		t.Fatal(err)
	}
	if len(r) < 30 {
		t.Fatalf("the collector has only %d metrics", len(r))
	}
	for _, rule := range rules(t) {
		if rule.Record != "" {
			r[rule.Record] = nil
		}
	}
	return r
}

var (
	selectorForm = regexp.MustCompile(`(crmsync[a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\})?`)
	matcherForm  = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(?:=~|!~|!=|=)\s*"`)
	groupForm    = regexp.MustCompile(`\b(?:by|without)\s*\(([^)]*)\)`)
)

// wrong returns what a query asks for that nobody exports.
func wrong(query string, known register) (out []string) {
	var within []string
	for _, m := range selectorForm.FindAllStringSubmatch(query, -1) {
		labels, ok := known[m[1]]
		if !ok {
			out = append(out, m[1])
			continue
		}
		within = append(within, labels...)
		for _, l := range matcherForm.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) {
				out = append(out, m[1]+"{"+l[1]+"}")
			}
		}
	}
	for _, g := range groupForm.FindAllStringSubmatch(query, -1) {
		for name := range strings.SplitSeq(g[1], ",") {
			if name = strings.TrimSpace(name); !slices.Contains(within, name) {
				out = append(out, "by ("+name+")")
			}
		}
	}
	return out
}

func TestQueriesAskForWhatIsExported(t *testing.T) {
	known, asked := exported(t), map[string]bool{}
	for where, query := range queries(t) {
		for _, what := range wrong(query, known) {
			t.Errorf("%s asks for %s, which nobody exports", where, what)
		}
		for _, m := range selectorForm.FindAllStringSubmatch(query, -1) {
			asked[strings.NewReplacer("_bucket", "", "_count", "", "_sum", "").Replace(m[1])] = true
		}
	}
	for name := range known {
		base := strings.NewReplacer("_bucket", "", "_count", "", "_sum", "").Replace(name)
		if !asked[base] {
			t.Errorf("%s is shown nowhere", name)
		}
	}
}

func TestWrong(t *testing.T) {
	known := register{"crmsync_a_total": {"flow"}, "crmsync:a:ratio": nil}
	for query, want := range map[string]int{
		`sum by (flow) (rate(crmsync_a_total{flow="x"}[5m]))`: 0, `crmsync:a:ratio > 1`: 0, `crmsync_b_total`: 1,
		`crmsync_a_total{flows=~"x"}`: 1, `sum by (system) (crmsync_a_total)`: 1, `crmsync:b:ratio`: 1,
	} {
		if got := wrong(query, known); len(got) != want {
			t.Errorf("%s: %v, want %d", query, got, want)
		}
	}
}

// Every alert says how urgent it is, what it is about and what to do.
func TestAlertsLeadToTheirRunbooks(t *testing.T) {
	const page = "https://github.com/urbanhub/crmsync/blob/main/docs/operations.md#"
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, r := range rules(t) {
		if r.Alert == "" {
			continue
		}
		named[r.Alert] = true
		if s := r.Labels["severity"]; s != "critical" && s != "warning" {
			t.Errorf("%s has the severity %q", r.Alert, s)
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || strings.Contains(r.Annotations["summary"], "{{") {
			t.Errorf("%s says %q", r.Alert, r.Annotations)
		}
		if r.Annotations["runbook_url"] != page+strings.ToLower(r.Alert) || !strings.Contains(string(text), "\n## "+r.Alert+"\n") {
			t.Errorf("%s leads to %s, of which docs/operations.md knows nothing", r.Alert, r.Annotations["runbook_url"])
		}
	}
	for _, r := range alert.Rules(alert.Objectives{}) {
		if !named[r.Name] {
			t.Errorf("sync/alert has a rule %s, and rules.yaml has not", r.Name)
		}
	}
}

// Where an alert looks at two windows, the short one is a twelfth of the long
// one, and both must agree.
func TestBurnRatesHaveTwoWindows(t *testing.T) {
	short, found := map[string]string{"1h": "5m", "6h": "30m", "3d": "6h"}, 0
	for _, r := range rules(t) {
		window := r.Labels["window"]
		if window == "" {
			continue
		}
		found++
		ratios := regexp.MustCompile(`crmsync:(\w+):ratio_rate(\w+) > ([\d.]+) \* ([\d.]+)`).FindAllStringSubmatch(r.Expr, -1)
		if len(ratios) != 2 || ratios[0][2] != window || ratios[1][2] != short[window] || ratios[0][1] != ratios[1][1] ||
			ratios[0][3] != ratios[1][3] || ratios[0][4] != ratios[1][4] || strings.Count(r.Expr, "\n")+strings.Count(r.Expr, " and ") < 2 {
			t.Errorf("%s over %s asks for %s", r.Alert, window, r.Expr)
		}
	}
	if found != 9 {
		t.Errorf("%d alerts over two windows, want 9", found)
	}
}
