package dashboard_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is an engine between two systems, and a dashboard.
type world struct {
	t      *testing.T
	left   *crm
	right  *crm
	engine *sync.Engine
	cfg    sync.Config
	feed   *dashboard.Feed
	opts   dashboard.Options
	board  *dashboard.Dashboard
}

const flowName = "people"

// newWorld makes the dashboard after change has changed its options.
func newWorld(t *testing.T, change ...func(*dashboard.Options)) *world {
	t.Helper()
	w := &world{t: t, left: &crm{name: "left-crm", records: map[string]*sync.Record{}}, right: &crm{name: "right-crm", records: map[string]*sync.Record{}},
		feed: dashboard.NewFeed(100)}
	flow := &sync.Flow{Name: flowName,
		Left:  sync.Endpoint{System: w.left.name, Kind: "contact"},
		Right: sync.Endpoint{System: w.right.name, Kind: "contact", CreateKey: "left_id"},
		Fields: []sync.Field{
			{Name: "left_id", Left: text("id"), Right: text("left_id"), Direction: sync.ToRight},
			{Name: "name", Left: text("name"), Right: text("name")},
			{Name: "email", Left: text("email"), Right: text("email"), Policy: sync.Policy{Kind: sync.Own, Owner: sync.Right}},
		},
		Identity: []sync.Identity{{Name: "email", Left: text("email"), Right: text("email")}},
	}
	w.cfg = sync.Config{Flows: []*sync.Flow{flow}, Store: memstore.New(), Queue: memqueue.New(nil), Observer: w.feed.Observe, SweepInterval: -1,
		Activities: []*sync.Activity{{Name: "note-of-said", Fact: "said", System: w.right.name, Kind: "note", Key: "key",
			Render: func(sync.Fact) (sync.Fields, error) { return sync.Fields{"body": sync.Text("somebody said it")}, nil },
			Relate: []sync.Relation{{Flow: flowName, Required: true}}}},
		Peers: map[sync.System]sync.Peer{w.left.name: {Source: w.left, Sink: w.left}, w.right.name: {Source: w.right, Sink: w.right}}}
	var err error
	if w.engine, err = sync.New(w.cfg); err != nil {
		t.Fatal(err)
	}
	w.opts = dashboard.Options{Engine: w.engine, Config: w.cfg, Feed: w.feed, Actor: func(*http.Request) string { return "ada" }}
	for _, f := range change {
		f(&w.opts)
	}
	if w.board, err = dashboard.New(w.opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.board.Close)
	return w
}

// sync has a record of the left looked at, and works until nothing is ready.
func (w *world) sync(refs ...sync.Ref) {
	w.t.Helper()
	for _, ref := range refs {
		change := sync.Change{ID: fmt.Sprint(ref, time.Now().UnixNano()), Ref: ref, Reason: sync.ReasonWebhook, OccurredAt: time.Now()}
		if err := w.engine.Enqueue(w.t.Context(), change); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := w.engine.RunOnce(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// pair syncs one record with a history and returns its ref.
func (w *world) pair() sync.Ref {
	w.t.Helper()
	w.left.set("l1", "name", "Ada Byron Lovelace")
	w.left.set("l1", "email", "ada.byron@example.com")
	w.sync(w.left.ref("l1"))
	return w.left.ref("l1")
}

// die makes a dead letter and returns its id.
func (w *world) die() string {
	w.t.Helper()
	w.left.set("l2", "name", "refused")
	w.sync(w.left.ref("l2"))
	return w.letters()[0].Message.ID
}

func (w *world) letters() []sync.DeadLetter {
	w.t.Helper()
	dead, err := w.cfg.Queue.Dead(w.t.Context(), sync.DeadFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	return dead
}

// request returns a request of a browser on this machine.
func request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, "http://localhost:8080"+target, strings.NewReader(form.Encode()))
	r.RemoteAddr = "127.0.0.1:40000"
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// ask serves a request and returns the answer and its body.
func (w *world) ask(r *http.Request) (*http.Response, string) {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.board.ServeHTTP(rec, r)
	res := rec.Result()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, string(body)
}

// get returns a page, which must be there.
func (w *world) get(target string) string {
	w.t.Helper()
	res, body := w.ask(request("GET", target, nil))
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("GET %s: status %d: %s", target, res.StatusCode, body)
	}
	return body
}

// post sends a form and returns the page to which it leads.
func (w *world) post(target string, form url.Values) string {
	w.t.Helper()
	res, body := w.ask(request("POST", target, form))
	switch res.StatusCode {
	case http.StatusOK:
		return body
	case http.StatusSeeOther:
		return w.get(res.Header.Get("Location"))
	}
	w.t.Fatalf("POST %s: status %d: %s", target, res.StatusCode, body)
	return ""
}

// contains reports every text that a page lacks.
func contains(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if !strings.Contains(page, s) {
			t.Errorf("the page lacks %q:\n%s", s, inner(page))
		}
	}
}

// lacks reports every text that a page has but must not have.
func lacks(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(page, s) {
			t.Errorf("the page has %q:\n%s", s, inner(page))
		}
	}
}

// inner returns the main part of a page.
func inner(page string) string {
	_, after, _ := strings.Cut(page, "<main")
	before, _, _ := strings.Cut(after, "</main>")
	return before
}

// recordURL is the page of a record.
func recordURL(ref sync.Ref) string {
	return "/record?" + url.Values{"flow": {flowName}, "ref": {ref.String()}}.Encode()
}

// recordHref is the same as it stands in a page.
func recordHref(ref sync.Ref) string { return strings.ReplaceAll(recordURL(ref), "&", "&amp;") }
