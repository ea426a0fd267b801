package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/urbanhub/crmsync/sync/trace"
)

const (
	// exporting bounds what one batch of spans may take, its retries among it.
	exporting = 5 * time.Second
	// tracesPath is where a collector takes spans, below its address.
	// Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
	tracesPath = "/v1/traces"
)

// newTracer returns what sends spans to the collector of the configuration, or
// nil without one.
func (d *deployment) newTracer(ctx context.Context) (*trace.Tracer, error) {
	if d.cfg.Tracing.Endpoint == "" {
		return nil, nil
	}
	e, err := d.newExporter(ctx)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e, sdktrace.WithExportTimeout(exporting)), sdktrace.WithSampler(sampler(d.cfg.Tracing.Ratio)),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", d.cfg.Name), attribute.String("service.version", release()))))
	d.onClose(func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, exporting)
		defer cancel()
		return unless(provider.Shutdown(ctx), context.DeadlineExceeded) // a collector that is slow keeps nobody
	})
	return trace.New(provider)
}

// newExporter returns what calls the collector.
func (d *deployment) newExporter(ctx context.Context) (*exporter, error) {
	web := &http.Transport{Proxy: http.ProxyFromEnvironment}
	d.onClose(func(context.Context) error { web.CloseIdleConnections(); return nil })
	sender, err := otlptracehttp.New(ctx, d.cfg.Tracing.collector(web)...)
	return &exporter{SpanExporter: sender, log: d.log}, err
}

// collector says how the collector is called.
func (c *tracingConfig) collector(web *http.Transport) []otlptracehttp.Option {
	client := &http.Client{Transport: web, Timeout: exporting, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return []otlptracehttp.Option{otlptracehttp.WithEndpointURL(c.Endpoint + tracesPath), otlptracehttp.WithHeaders(c.headers()), otlptracehttp.WithHTTPClient(client)}
}

// withoutAnswer is an error of a call without what the collector answered.
func withoutAnswer(err error) string {
	text, _, _ := strings.Cut(err.Error(), "body: ")
	return strings.TrimRight(text, " (")
}

// traced has a receiver followed, if anybody follows.
func (d *deployment) traced(source string, receiver http.Handler) http.Handler {
	if d.tracer == nil {
		return receiver
	}
	return d.tracer.Receiver(source, receiver)
}

// headers are those of every call to the collector.
func (c *tracingConfig) headers() map[string]string {
	if !c.Authorization.set() {
		return nil
	}
	return map[string]string{"Authorization": c.Authorization.text}
}

// An exporter tells the log once when the collector begins to refuse spans, and
// once when it takes them again. The batcher calls it one call at a time.
type exporter struct {
	sdktrace.SpanExporter
	log  *slog.Logger
	fail bool
}

// ExportSpans implements [sdktrace.SpanExporter].
func (e *exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !e.fail:
		e.log.WarnContext(ctx, "the collector of traces takes no spans; the sync does not depend on it", slog.String("error", withoutAnswer(err)))
	case err == nil && e.fail:
		e.log.InfoContext(ctx, "the collector of traces takes spans again")
	}
	e.fail = err != nil
	return nil // it is told
}

// A sampler keeps a share of what begins, and the work on a message whenever
// what asked for it is kept, so that links lead somewhere on both ends.
type sampler float64

// ShouldSample implements [sdktrace.Sampler].
func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	switch {
	case len(p.Links) > 0:
		return sdktrace.AlwaysSample().ShouldSample(p)
	case p.Kind == oteltrace.SpanKindConsumer:
		return sdktrace.NeverSample().ShouldSample(p)
	}
	return sdktrace.ParentBased(sdktrace.TraceIDRatioBased(float64(s))).ShouldSample(p)
}

// Description implements [sdktrace.Sampler].
func (sampler) Description() string { return "what begins by a share, the work by its links" }

// isCollector reports whether an address can be that of a collector: it may
// have a path, and a secret only goes over TLS or stays on this machine.
func (c *tracingConfig) isCollector() bool {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(c.Endpoint, "/") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (!c.Authorization.set() || isLoopback(u))
}
