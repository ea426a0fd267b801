package canary

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
	"github.com/urbanhub/crmsync/sync/dashboard"
	"github.com/urbanhub/crmsync/sync/metrics"
	"github.com/urbanhub/crmsync/sync/trace"
)

// The canaries. What a person is called and writes is told apart from every
// word of ours, and so is what only two machines may know.
const (
	canaryName  = "Quetzalcanary"
	canaryEmail = "quetzalcanary@example.com"
	canaryPhone = "+573009990777"
	canarySaid  = "allergiccanary to peanuts"

	hookSecret  = "hubspot-hook-secret-canary"
	birdKey     = "bird-signing-key-canary-of-32-bytes"
	flowSecret  = "bird-flow-secret-canary"
	slackSecret = "slack-path-canary"
)

const (
	publicURL = "https://sync.example.com"
	hookPath  = "/webhooks/hubspot"
	birdPath  = "/webhooks/bird"
	flowPath  = "/flows/bird"
)

// A deployment is both vendors, everything of ours between them, and all that
// it tells.
type deployment struct {
	*testing.T
	bird      *birdtest.Server
	hub       *hubspottest.Server
	mux       *http.ServeMux
	store     sync.Store
	queue     sync.Queue
	engine    *sync.Engine
	board     *dashboard.Dashboard
	manager   *alert.Manager
	registry  *prometheus.Registry
	birdPeer  *bird.Adapter
	hubPeer   *hubspot.Adapter
	tracer    *trace.Tracer
	spans     *tracetest.SpanRecorder
	log       ledger
	told      ledger // what events and errors say
	notified  ledger
	flowNames []string
}

// A ledger is a text that many write.
type ledger struct {
	mu   stdsync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *ledger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *ledger) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// deploy composes everything, with every log at its most talkative.
func deploy(t *testing.T) *deployment {
	t.Helper()
	d := &deployment{T: t, bird: birdtest.NewPipeServer(nil), hub: hubspottest.NewPipeServer(nil), mux: http.NewServeMux(),
		store: memstore.New(), queue: memqueue.New(nil), registry: prometheus.NewRegistry()}
	t.Cleanup(d.bird.Close)
	t.Cleanup(d.hub.Close)
	log := slog.New(slog.NewJSONHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	d.spans = tracetest.NewSpanRecorder()
	var err error
	d.tracer, err = trace.New(sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(d.spans)))
	d.must(err)
	set := d.adapters(log)
	feed := dashboard.NewFeed(0)
	slack := alert.Slack{URL: "https://hooks.example.com/" + slackSecret, Client: &http.Client{Transport: roundTrip(http.NotFoundHandler())}}
	d.manager, err = alert.New(alert.Options{Notifiers: []alert.Notifier{slack, alert.Log{Logger: log},
		alert.Webhook{URL: publicURL, Client: &http.Client{Transport: roundTrip(http.HandlerFunc(d.notify))}}},
		Queue: d.queue, Systems: []sync.System{bird.System, hubspot.System}, Logger: log, Next: feed.Observe})
	d.must(err)
	counted, err := metrics.New(metrics.Options{Registerer: d.registry, Queue: d.queue, Next: d.manager.Observe})
	d.must(err)
	cfg := sync.Config{Store: d.store, Queue: d.queue, SweepInterval: -1, Logger: log, Observer: d.observer(counted.Observe), Tracer: d.tracer,
		Backoff: sync.Backoff{Attempts: 3}, Peers: map[sync.System]sync.Peer{
			bird.System: {Source: d.birdPeer, Sink: d.birdPeer}, hubspot.System: {Source: d.hubPeer, Sink: d.hubPeer}}}
	set(&cfg)
	d.engine, err = sync.New(cfg)
	d.must(err)
	d.board, err = dashboard.New(dashboard.Options{Engine: d.engine, Config: cfg, Feed: feed, Logger: log, Alerts: nil})
	d.must(err)
	t.Cleanup(d.board.Close)
	d.listen(log)
	return d
}

// adapters sets both accounts up and connects to them.
func (d *deployment) adapters(log *slog.Logger) func(*sync.Config) {
	d.Helper()
	d.hub.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	d.must(err)
	bare, err := hubspot.New(hubspot.Static(d.hub.Token), &hubspot.Options{BaseURL: d.hub.URL, HTTPClient: d.hub.Client(), Logger: log})
	d.must(err)
	report, err := bare.Setup(d.Context(), need, hubspot.SetupOptions{})
	d.must(err)
	set, err := urbanhub.Set(urbanhub.Options{UniqueActivities: report.Capabilities.UniqueActivities}).Compile()
	d.must(err)
	contacts, deals := set.Flows[0], set.Flows[1]
	d.flowNames = []string{contacts.Name, deals.Name}
	d.birdPeer, err = bird.New(d.bird.WorkspaceID, d.bird.AccessKey, &bird.Options{BaseURL: d.bird.URL, HTTPClient: d.bird.Client(), Logger: log,
		Fields: contacts.Names(sync.Left), Conversations: deals.Names(sync.Left)})
	d.must(err)
	d.hubPeer, err = hubspot.New(hubspot.Static(d.hub.Token), &hubspot.Options{BaseURL: d.hub.URL, HTTPClient: d.hub.Client(), Logger: log,
		Objects: map[sync.Kind]hubspot.Object{
			hubspot.Contact: {Properties: contacts.Names(sync.Right), Unique: []string{contacts.Right.CreateKey}},
			hubspot.Deal:    {Properties: deals.Names(sync.Right), Unique: []string{deals.Right.CreateKey}}}})
	d.must(err)
	return set.AddTo
}

// listen mounts the receivers and tells both vendors where they are.
func (d *deployment) listen(log *slog.Logger) {
	d.Helper()
	hs, err := hubspot.NewReceiver(d.engine, hubspot.ReceiverOptions{PublicURL: publicURL + hookPath, Secrets: []string{hookSecret}, Logger: log,
		Kinds: []sync.Kind{hubspot.Contact, hubspot.Deal}})
	d.must(err)
	native, err := bird.NewReceiver(d.engine, bird.ReceiverOptions{PublicURL: publicURL + birdPath, Secrets: []string{birdKey}, Logger: log,
		Kinds: []sync.Kind{bird.Contact, bird.ConversationKind}})
	d.must(err)
	flow, err := bird.NewFlowReceiver(d.engine, bird.FlowOptions{Secrets: []string{flowSecret}, Logger: log})
	d.must(err)
	d.mux.Handle(hookPath, d.tracer.Receiver("hubspot", hs))
	d.mux.Handle(birdPath, d.tracer.Receiver("bird", native))
	d.mux.Handle(flowPath, d.tracer.Receiver("bird", flow))
	client := &http.Client{Transport: roundTrip(d.mux)}
	d.hub.SetWebhookClient(client)
	d.hub.Subscribe(publicURL+hookPath, hookSecret)
	d.bird.SetWebhookClient(client)
	for _, event := range []string{"conversation.created", "conversation.updated", "whatsapp.inbound", "whatsapp.outbound"} {
		d.bird.Subscribe(event, publicURL+birdPath, birdKey)
	}
	d.bird.OnContactChange(publicURL+flowPath, flowSecret)
}

// roundTrip is a transport that hands every request to a handler.
func roundTrip(h http.Handler) http.RoundTripper {
	return transport(func(r *http.Request) (*http.Response, error) {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, r)
		return answer.Result(), nil
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// observer writes down what events say beside the values of a decision, which
// are for those who may see the records.
func (d *deployment) observer(next sync.Observer) sync.Observer {
	return func(e sync.Event) {
		next(e)
		line := slog.New(slog.NewTextHandler(&d.told, nil))
		line.Info(string(e.Type), "flow", e.Flow, "ref", e.Ref.String(), "reason", e.Reason, "error", e.Err)
		if e.Decision != nil {
			line.Info("decided", "field", e.Decision.Field, "rule", e.Decision.Rule)
		}
	}
}

// notify is whom the webhook of alerts reaches.
func (d *deployment) notify(_ http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if _, err := body.ReadFrom(r.Body); err != nil {
		d.Error(err)
	}
	_, _ = d.notified.Write(append(body.Bytes(), '\n'))
}

func (d *deployment) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// tell writes an error down that a caller is given.
func (d *deployment) tell(what string, err error) {
	d.Helper()
	if err == nil {
		d.Errorf("%s: no error", what)
		return
	}
	_, _ = d.told.Write([]byte(what + ": " + err.Error() + "\n"))
}

// rest works in virtual time until nothing is left to do.
func (d *deployment) rest() {
	d.Helper()
	for calm := 0; calm < 3; {
		d.must(d.bird.WaitWebhooks(d.Context()))
		d.hub.Idle()
		if err := d.engine.RunOnce(d.Context()); err != nil {
			d.tell("run once", err)
		}
		stats, err := d.queue.Stats(d.Context(), time.Now())
		d.must(err)
		if calm++; stats.Waiting+stats.Leased > 0 {
			calm = 0
		}
		time.Sleep(max(time.Until(stats.NextAt), time.Second))
		d.manager.Evaluate(d.Context(), time.Now())
	}
}

// has reports whether a text holds a canary, in whatever case.
func has(text, canary string) bool {
	return strings.Contains(strings.ToLower(text), strings.ToLower(canary))
}
