package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	stdsync "sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A backend is a collector of traces that keeps what it is sent.
type backend struct {
	*httptest.Server
	mu    stdsync.Mutex
	spans map[string]*otlp.Span // by id
	said  string                // everything, as text
	auth  map[string]bool       // Authorization headers
	down  bool
}

func newBackend(t *testing.T) *backend {
	t.Helper()
	b := &backend{spans: map[string]*otlp.Span{}, auth: map[string]bool{}}
	b.Server = httptest.NewServer(http.HandlerFunc(b.take))
	t.Cleanup(b.Close)
	return b
}

func (b *backend) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.down:
		http.Error(w, "no room for "+canary, http.StatusInsufficientStorage)
		return
	case err != nil || r.URL.Path != tracesPath || proto.Unmarshal(body, &sent) != nil:
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.auth[r.Header.Get("Authorization")] = true
	b.said += sent.String()
	for _, resource := range sent.ResourceSpans {
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				b.spans[string(s.SpanId)] = s
			}
		}
	}
}

// named are the spans of a name.
func (b *backend) named(name string) (out []*otlp.Span) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.spans {
		if s.Name == name {
			out = append(out, s)
		}
	}
	return out
}

// way follows a span to the webhook it came of: up its parents, and from the
// work over its links to what asked for it.
func (b *backend) way(s *otlp.Span) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for s != nil {
		out = append(out, s.Name)
		next := b.spans[string(s.ParentSpanId)]
		for _, link := range s.Links {
			next = b.spans[string(link.SpanId)]
		}
		s = next
	}
	return out
}

// A write can be followed back to the webhook that caused it.
func TestTraces(t *testing.T) {
	b := newBackend(t)
	r := newRig(t, "engine: {sweep_interval: 1h}\ntracing: {endpoint: '"+b.URL+"'}\n", "CRMSYNC_TRACING_AUTHORIZATION=Bearer of the collector")
	r.must(exitDone, "setup", "--yes")
	stop := r.serve()
	if _, err := r.bird.Create(map[string]any{"name": "Ana Duque", "email": "ana@example.com"}); err != nil {
		t.Fatal(err)
	}
	r.eventually("the contact is in HubSpot", func() bool { return r.mate("ana@example.com") != "" })
	if code := stop(); code != exitDone { // which sends what is left
		t.Errorf("the daemon ended with %d", code)
	}
	want := map[string]string{
		"write hubspot contact":  "write hubspot contact < process bird contact < enqueue < receive bird",
		"plan urbanhub-contacts": "plan urbanhub-contacts < process bird contact < enqueue < receive bird",
	}
	for name, way := range want {
		var ways []string
		for _, s := range b.named(name) {
			ways = append(ways, strings.Join(b.way(s), " < "))
		}
		if !strings.Contains(strings.Join(ways, "\n"), way) {
			t.Errorf("no %s among\n%s", way, strings.Join(ways, "\n"))
		}
	}
	if len(b.auth) != 1 || !b.auth["Bearer of the collector"] {
		t.Errorf("calls came with %v", b.auth)
	}
	if !strings.Contains(b.said, `key:"service.name"`) || strings.Contains(b.said, "ana@example.com") || strings.Contains(b.said, "Duque") {
		t.Errorf("spans without a name of the service, or with a value:\n%s", b.said)
	}
}

// A collector that takes nothing is told of once, and so is its recovery; what
// it answers is not.
func TestACollectorThatIsDown(t *testing.T) {
	b := newBackend(t)
	b.down = true
	d, log := &deployment{cfg: defaults()}, new(strings.Builder)
	d.cfg.Tracing.Endpoint, d.log = b.URL, slog.New(slog.NewTextHandler(log, nil))
	e, err := d.newExporter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	spans := tracetest.SpanStubs{{Name: "enqueue"}}.Snapshots()
	for _, b.down = range []bool{true, true, false, false} {
		if err := e.ExportSpans(t.Context(), spans); err != nil {
			t.Error(err)
		}
	}
	if down, up := strings.Count(log.String(), "takes no spans"), strings.Count(log.String(), "takes spans again"); down != 1 || up != 1 {
		t.Errorf("told %d and %d times:\n%s", down, up, log)
	}
	if strings.Contains(log.String(), canary) || !strings.Contains(log.String(), "507") {
		t.Error("the log says", log)
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
}

// Of what begins a share is kept; the work is kept with what asked for it, and
// not without.
func TestSampler(t *testing.T) {
	kept := func(s sampler, p sdktrace.SamplingParameters) (n int) {
		for i := range 1000 {
			p.TraceID = oteltrace.TraceID{8: byte(i >> 2), 9: byte(i << 6)}
			p.ParentContext = t.Context()
			if s.ShouldSample(p).Decision == sdktrace.RecordAndSample {
				n++
			}
		}
		return n
	}
	linked := []oteltrace.Link{{}}
	for _, c := range []struct {
		ratio sampler
		of    sdktrace.SamplingParameters
		want  int
	}{
		{1, sdktrace.SamplingParameters{Kind: oteltrace.SpanKindServer}, 1000},
		{0.25, sdktrace.SamplingParameters{Kind: oteltrace.SpanKindServer}, 250},
		{0.25, sdktrace.SamplingParameters{Kind: oteltrace.SpanKindConsumer, Links: linked}, 1000},
		{1, sdktrace.SamplingParameters{Kind: oteltrace.SpanKindConsumer}, 0},
	} {
		if got := kept(c.ratio, c.of); got < c.want*9/10 || got > c.want*11/10 {
			t.Errorf("of a kind %v with %d links a share of %v keeps %d of 1000, want %d", c.of.Kind, len(c.of.Links), c.ratio, got, c.want)
		}
	}
}
