package trace_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/trace"
)

func ExampleNew() {
	spans := tracetest.NewSpanRecorder() // in production: an exporter
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	defer func() { _ = provider.Shutdown(context.Background()) }()
	t, err := trace.New(provider)
	if err != nil {
		log.Fatal(err)
	}
	_ = sync.Config{Tracer: t /* and flows, peers, a store, a queue */}
	receiver := http.NotFoundHandler() // in production: hubspot.NewReceiver
	web := httptest.NewRecorder()
	t.Receiver("hubspot", receiver).ServeHTTP(web, httptest.NewRequest(http.MethodPost, "/webhooks/hubspot", nil))
	for _, s := range spans.Ended() {
		fmt.Println(s.Name(), s.SpanKind())
	}
	// Output: receive hubspot server
}
