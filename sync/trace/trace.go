package trace

import (
	"cmp"
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/urbanhub/crmsync/sync"
)

// scope is what the spans' instrumentation is called.
const scope = "github.com/urbanhub/crmsync/sync/trace"

// A Tracer makes spans of what an engine does. It implements [sync.Tracer] and
// is safe for concurrent use.
type Tracer struct{ spans trace.Tracer }

// New returns a tracer. The provider belongs to the host, who shuts it down
// after the engine; there is no default, so that nothing is traced by surprise.
func New(provider trace.TracerProvider) (*Tracer, error) {
	if provider == nil {
		return nil, &sync.Error{Op: "new tracer", Action: sync.Fatal, Field: "provider", Rule: "required",
			Hint: "give it the host's TracerProvider, such as otel.GetTracerProvider()", Err: errors.New("there is nobody to tell")}
	}
	return &Tracer{provider.Tracer(scope)}, nil
}

// kinds are those of the spans; a step that is not among them is internal.
// Source: https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/
var kinds = map[sync.Op]trace.SpanKind{
	sync.OpEnqueue: trace.SpanKindProducer,
	sync.OpProcess: trace.SpanKindConsumer,
	sync.OpRead:    trace.SpanKindClient,
	sync.OpWrite:   trace.SpanKindClient,
}

// Start implements [sync.Tracer].
func (t *Tracer) Start(ctx context.Context, s sync.Span) (context.Context, func(error)) {
	opts := []trace.SpanStartOption{trace.WithSpanKind(cmp.Or(kinds[s.Op], trace.SpanKindInternal)), trace.WithAttributes(attributes(&s)...)}
	if s.Op == sync.OpProcess {
		opts = append(opts, trace.WithNewRoot(), trace.WithLinks(links(s.Links)...))
	}
	ctx, span := t.spans.Start(ctx, name(&s), opts...)
	return ctx, func(err error) {
		failed(span, err)
		span.End()
	}
}

// Carrier implements [sync.Tracer] by the header traceparent of
// https://www.w3.org/TR/trace-context/. What is not sampled is not linked to.
func (t *Tracer) Carrier(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	header := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, header)
	return header["traceparent"]
}

// links reads what messages carried; what is no carrier leads nowhere.
func links(carriers []string) (out []trace.Link) {
	for _, c := range carriers {
		ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": c})
		if from := trace.SpanContextFromContext(ctx); from.IsValid() {
			out = append(out, trace.Link{SpanContext: from})
		}
	}
	return out
}

// name is what a span is called; there are few such names.
func name(s *sync.Span) string {
	switch {
	case s.Op == sync.OpPlan:
		return string(s.Op) + " " + s.Flow
	case s.Ref.System != "":
		return string(s.Op) + " " + string(s.Ref.System) + " " + string(s.Ref.Kind)
	}
	return string(s.Op)
}

// attributes tell of a step what is known at its beginning.
func attributes(s *sync.Span) (out []attribute.KeyValue) {
	add := func(key, value string) {
		if value != "" {
			out = append(out, attribute.String(key, value))
		}
	}
	add("crmsync.flow", s.Flow)
	add("crmsync.system", string(s.Ref.System))
	add("crmsync.kind", string(s.Ref.Kind))
	add("crmsync.record", s.Ref.ID)
	switch s.Op {
	case sync.OpProcess:
		add("crmsync.priority", s.Priority.String())
		fallthrough
	case sync.OpEnqueue:
		add("messaging.system", "crmsync")
		add("messaging.operation.name", string(s.Op))
		out = append(out, attribute.Int("messaging.batch.message_count", s.Count))
	case sync.OpWrite:
		out = append(out, attribute.Int("crmsync.fields", s.Count))
	}
	return out
}

// failed tells how a step ended. To wait for a known moment is no failure.
func failed(span trace.Span, err error) {
	if err == nil {
		return
	}
	action := sync.ActionOf(err)
	span.SetAttributes(attribute.String("error.type", action.String()))
	description := action.String()
	if e := (*sync.Error)(nil); errors.As(err, &e) && e.Rule != "" {
		span.SetAttributes(attribute.String("crmsync.rule", e.Rule))
		description = e.Rule
		if e.Field != "" {
			span.SetAttributes(attribute.String("crmsync.field", e.Field))
		}
	}
	if action != sync.RetryAt {
		span.SetStatus(codes.Error, description)
	}
}
