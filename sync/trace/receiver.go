package trace

import (
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Receiver makes a span of each request to a receiver. The source is the system
// that sends. What a stranger's headers say of traces is not believed; within a
// span of the host's own it is a child of that.
func (t *Tracer) Receiver(source string, receiver http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.spans.Start(r.Context(), "receive "+source, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("crmsync.system", source)))
		defer span.End()
		answer := &answer{ResponseWriter: w, status: http.StatusOK}
		receiver.ServeHTTP(answer, r.WithContext(ctx))
		span.SetAttributes(attribute.Int("http.response.status_code", answer.status))
		if answer.status >= 500 {
			span.SetStatus(codes.Error, http.StatusText(answer.status))
		}
	})
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap serves [http.ResponseController].
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
