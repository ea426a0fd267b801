package trace_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/trace"
)

// A world is two processes over one store and queue, each with its tracer, and
// all that they tell.
type world struct {
	*testing.T
	left, right *crm
	recorder    *tracetest.SpanRecorder
	tracer      *trace.Tracer
	queue       sync.Queue
	receiving   *sync.Engine
	working     *sync.Engine
}

func newWorld(t *testing.T, opts ...sdktrace.TracerProviderOption) *world {
	t.Helper()
	w := &world{T: t, recorder: tracetest.NewSpanRecorder(),
		left:  &crm{name: "left", records: map[string]sync.Fields{}},
		right: &crm{name: "right", records: map[string]sync.Fields{}}}
	provider := sdktrace.NewTracerProvider(append(opts, sdktrace.WithSpanProcessor(w.recorder))...)
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	store, queue := memstore.New(), memqueue.New(nil)
	w.queue = queue
	for _, engine := range []**sync.Engine{&w.receiving, &w.working} {
		tracer, err := trace.New(provider)
		if err != nil {
			t.Fatal(err)
		}
		w.tracer = tracer
		*engine, err = sync.New(sync.Config{Store: store, Queue: queue, Tracer: tracer, SweepInterval: -1, Flows: []*sync.Flow{{Name: "people",
			Left:   sync.Endpoint{System: "left", Kind: "contact"},
			Right:  sync.Endpoint{System: "right", Kind: "contact", CreateKey: "left_id"},
			Fields: []sync.Field{{Name: "left_id", Left: text("id"), Right: text("left_id"), Direction: sync.ToRight}, {Name: "name", Left: text("name"), Right: text("name")}},
		}}, Activities: []*sync.Activity{{Name: "note-of-said", Fact: "said", System: "right", Kind: "note", Key: "key", Unique: true,
			Relate: []sync.Relation{{Flow: "people", Required: true}},
			Render: func(sync.Fact) (sync.Fields, error) { return sync.Fields{"body": sync.Text("something")}, nil }}}, Peers: map[sync.System]sync.Peer{"left": {Source: w.left, Sink: w.left}, "right": {Source: w.right, Sink: w.right}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// webhook has the receiver take the changes of a contact.
func (w *world) webhook(id string, changes ...string) {
	w.Helper()
	receiver := w.tracer.Receiver("left", http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for _, c := range changes {
			change := sync.Change{ID: c, Ref: sync.Ref{System: "left", Kind: "contact", ID: id}, Reason: sync.ReasonWebhook}
			if err := w.receiving.Enqueue(r.Context(), change); err != nil {
				w.Error(err)
			}
		}
		rw.WriteHeader(http.StatusNoContent)
	}))
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01") // a stranger's
	receiver.ServeHTTP(httptest.NewRecorder(), r)
}

func (w *world) work() {
	w.Helper()
	if err := w.working.RunOnce(w.Context()); err != nil {
		w.Fatal(err)
	}
}

// named returns the spans of a name, in the order in which they ended.
func (w *world) named(name string) (out []sdktrace.ReadOnlySpan) {
	for _, s := range w.recorder.Ended() {
		if s.Name() == name {
			out = append(out, s)
		}
	}
	return out
}

func (w *world) one(name string) sdktrace.ReadOnlySpan {
	w.Helper()
	found := w.named(name)
	if len(found) != 1 {
		w.Fatalf("%d spans %q among %v", len(found), name, names(w.recorder.Ended()))
	}
	return found[0]
}

func names(spans []sdktrace.ReadOnlySpan) (out []string) {
	for _, s := range spans {
		out = append(out, s.Name())
	}
	return out
}

func TestAChangeIsFollowedFromTheWebhookToTheWrite(t *testing.T) {
	w := newWorld(t)
	w.left.records["l1"] = sync.Fields{sync.IDField: sync.Text("l1"), "name": sync.Text("Ada")}
	w.webhook("l1", "first", "second")
	w.webhook("l1", "third")
	w.work()
	received, enqueued := w.named("receive left"), w.named("enqueue")
	process := w.one("process left contact")
	if len(received) != 2 || len(enqueued) != 3 {
		t.Fatal(names(w.recorder.Ended()))
	}
	var linked []oteltrace.SpanContext
	for i, s := range enqueued {
		if parent := received[i/2]; s.Parent().SpanID() != parent.SpanContext().SpanID() || s.SpanKind() != oteltrace.SpanKindProducer {
			t.Errorf("enqueue %d is a %s below %s", i, s.SpanKind(), s.Parent().SpanID())
		}
		linked = append(linked, s.SpanContext())
	}
	if received[0].Parent().IsValid() {
		t.Error("a stranger's trace is believed")
	}
	for i, l := range process.Links() {
		if l.SpanContext.SpanID() != linked[i].SpanID() || l.SpanContext.TraceID() != linked[i].TraceID() {
			t.Errorf("link %d leads to %v, want %v", i, l.SpanContext, linked[i])
		}
	}
	if len(process.Links()) != 3 || process.Parent().IsValid() || process.SpanKind() != oteltrace.SpanKindConsumer {
		t.Errorf("the work is a %s with %d links", process.SpanKind(), len(process.Links()))
	}
	var within []string
	for _, s := range w.recorder.Ended() {
		if s.Parent().SpanID() == process.SpanContext().SpanID() {
			within = append(within, s.Name())
		}
	}
	if !slices.IsSorted([]int{slices.Index(within, "read left contact"), slices.Index(within, "plan people"), slices.Index(within, "write right contact")}) ||
		!slices.Contains(within, "read left contact") || !slices.Contains(within, "write right contact") {
		t.Errorf("within the work there are %v", within)
	}
	if diff := cmp.Diff(map[string]string{"crmsync.system": "left", "crmsync.kind": "contact", "crmsync.record": "l1", "crmsync.priority": "live",
		"messaging.system": "crmsync", "messaging.operation.name": "process", "messaging.batch.message_count": "3"}, told(process)); diff != "" {
		t.Error(diff)
	}
	if got := told(received[0]); got["http.response.status_code"] != "204" || received[0].Status().Code != codes.Unset {
		t.Errorf("the request is told as %v", got)
	}
}

func TestAFactIsFollowedToItsActivity(t *testing.T) {
	w := newWorld(t)
	w.left.records["l1"] = sync.Fields{sync.IDField: sync.Text("l1"), "name": sync.Text("Ada")}
	w.webhook("l1", "first")
	w.work()
	w.recorder.Reset()
	fact := sync.Fact{ID: "f1", Type: "said", Subject: sync.Ref{System: "left", Kind: "contact", ID: "l1"}, Data: map[string]any{"text": "Quetzal"}}
	if err := w.receiving.Enqueue(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	w.work()
	write, asked := w.one("write right note"), w.one("enqueue").SpanContext()
	for _, s := range w.named("process left contact") { // the look at its subject, and the fact
		if len(s.Links()) != 1 || s.Links()[0].SpanContext.SpanID() != asked.SpanID() {
			t.Errorf("the work links to %v", s.Links())
		}
	}
	if n := len(w.named("process left contact")); n != 2 || !write.Parent().IsValid() || told(write)["crmsync.fields"] != "2" {
		t.Errorf("%d spans of work, the note's is %v", n, told(write))
	}
}

// What a message takes along is no part of what it says.
func TestWhatMessagesCarryChangesNoItem(t *testing.T) {
	w := newWorld(t)
	items := []sync.Item{
		sync.Change{ID: "c", Ref: sync.Ref{System: "left", Kind: "contact", ID: "l1"}, Reason: sync.ReasonWebhook},
		sync.Fact{ID: "f", Type: "said", Subject: sync.Ref{System: "elsewhere", Kind: "thing", ID: "1"}, Data: map[string]any{"trace": "of his own"}},
	}
	if err := w.receiving.Enqueue(t.Context(), items...); err != nil {
		t.Fatal(err)
	}
	lanes, err := w.queue.Take(t.Context(), time.Now(), 10, time.Minute)
	if err != nil || len(lanes) != 2 {
		t.Fatal(len(lanes), err)
	}
	var got []sync.Item
	for _, l := range lanes {
		item, err := l.Messages[0].Item()
		if err != nil || !strings.Contains(string(l.Messages[0].Payload), `,"trace":"00-`) {
			t.Fatalf("%s: %v", l.Messages[0].Payload, err)
		}
		got = append(got, item)
	}
	slices.SortFunc(got, func(a, b sync.Item) int { return strings.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b)) })
	if diff := cmp.Diff(items, got); diff != "" {
		t.Error(diff)
	}
}

// told are the attributes of a span.
func told(s sdktrace.ReadOnlySpan) map[string]string {
	out := map[string]string{}
	for _, a := range s.Attributes() {
		out[string(a.Key)] = a.Value.String()
	}
	return out
}

// A failure is told by its rule and field; its text, which an adapter may have
// got wrong, is not.
func TestAFailureIsToldByItsRule(t *testing.T) {
	w := newWorld(t)
	w.right.refuses = "Quetzalcoatl"
	w.left.records["l1"] = sync.Fields{sync.IDField: sync.Text("l1"), "name": sync.Text("Quetzalcoatl")}
	w.webhook("l1", "first")
	w.work()
	for _, name := range []string{"write right contact", "process left contact"} {
		s := w.one(name)
		got := told(s)
		if s.Status() != (sdktrace.Status{Code: codes.Error, Description: "name.allowed"}) || got["error.type"] != "invalid" || got["crmsync.field"] != "name" {
			t.Errorf("%s: %v %v", name, s.Status(), got)
		}
	}
	for _, s := range w.recorder.Ended() {
		if all := fmt.Sprintf("%+v", tracetest.SpanStubFromReadOnlySpan(s)); strings.Contains(all, "Quetzal") || len(s.Events()) > 0 {
			t.Errorf("a value is told: %s", all)
		}
	}
}

func TestWaitingIsNoFailure(t *testing.T) {
	w := newWorld(t)
	_, end := w.tracer.Start(t.Context(), sync.Span{Op: sync.OpWrite, Ref: sync.Ref{System: "right", Kind: "contact"}})
	end(&sync.Error{Op: "apply", Action: sync.RetryAt, RetryAt: time.Now(), Rule: "quota.day"})
	s := w.one("write right contact")
	if s.Status().Code != codes.Unset || told(s)["error.type"] != "retry-at" || told(s)["crmsync.rule"] != "quota.day" {
		t.Errorf("%v %v", s.Status(), told(s))
	}
}

func TestWhatIsNotSampledIsNotCarried(t *testing.T) {
	w := newWorld(t, sdktrace.WithSampler(sdktrace.NeverSample()))
	ctx, end := w.tracer.Start(t.Context(), sync.Span{Op: sync.OpEnqueue, Count: 1})
	defer end(nil)
	if got := w.tracer.Carrier(ctx); got != "" {
		t.Errorf("carries %q", got)
	}
	if got := w.tracer.Carrier(t.Context()); got != "" {
		t.Errorf("without a span it carries %q", got)
	}
}

// What a message carries may be of another release, or of nobody's.
func TestOddCarriersLeadNowhere(t *testing.T) {
	w := newWorld(t)
	_, end := w.tracer.Start(t.Context(), sync.Span{Op: sync.OpProcess, Links: []string{"", "x", "00-00000000000000000000000000000000-0000000000000000-01",
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}})
	end(nil)
	if got := w.one("process").Links(); len(got) != 1 {
		t.Errorf("%d links", len(got))
	}
}

func TestReceiverTellsOurOwnTrouble(t *testing.T) {
	w := newWorld(t)
	w.tracer.Receiver("left", http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(rw).Flush(); err != nil {
			t.Error(err)
		}
		rw.WriteHeader(http.StatusServiceUnavailable)
	})).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", nil))
	if s := w.one("receive left"); s.Status().Code != codes.Error || told(s)["http.response.status_code"] != "503" {
		t.Errorf("%v %v", s.Status(), told(s))
	}
}

func TestNewNeedsAProvider(t *testing.T) {
	if _, err := trace.New(nil); sync.ActionOf(err) != sync.Fatal {
		t.Error(err)
	}
}
