package hubspottest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is an account with a plain HTTP client.
type rig struct {
	*Server
	t *testing.T
}

// doc is decoded JSON.
type doc = map[string]any

func newRig(t *testing.T, opts *Options) *rig {
	if opts == nil {
		opts = &Options{SearchLag: -1, SearchPerSecond: -1, Burst: -1}
	}
	opts.WebhookTimeout = or(opts.WebhookTimeout, time.Minute) // a machine that stands still a while makes no second try
	s := NewServer(opts)
	t.Cleanup(s.Close)
	s.DefineProperty("custom_bird_contact_id", "string", "", true)
	s.DefineProperty("budget", "number", "", false)
	s.DefineProperty("tour_on", "date", "", false)
	s.DefineProperty("tour_at", "datetime", "", false)
	s.DefineProperty("wants_pets", "bool", "", false)
	s.DefineProperty("interests", "enumeration", "checkbox", false, "rent", "buy", "sell")
	return &rig{s, t}
}

// call sends JSON text and decodes the answer.
func (r *rig) call(method, path, body string) (int, doc) {
	r.t.Helper()
	status, _, out := r.callAs(r.Token, method, path, body)
	return status, out
}

func (r *rig) callAs(token, method, path, body string) (int, http.Header, doc) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var out doc
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
	return resp.StatusCode, resp.Header, out
}

// want calls and checks the status.
func (r *rig) want(status int, method, path, body string) doc {
	r.t.Helper()
	got, out := r.call(method, path, body)
	if got != status {
		r.t.Fatalf("%s %s: status %d, want %d: %v", method, path, got, status, out)
	}
	return out
}

func props(d any) doc { return d.(doc)["properties"].(doc) }

func resultsOf(t *testing.T, d doc) []any {
	t.Helper()
	list, ok := d["results"].([]any)
	if !ok {
		t.Fatalf("no results in %v", d)
	}
	return list
}

const contactsPath = "/crm/objects/2026-09/contacts"
