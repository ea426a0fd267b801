package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/internal/loopback"
)

// A rig is a deployment between simulated vendors, whose commands run in this
// process.
type rig struct {
	t       *testing.T
	bird    *birdtest.Server
	hubspot *hubspottest.Server
	config  string
	environ []string
	url     string // of the daemon
	printed bytes.Buffer
	mu      stdsync.Mutex
}

const public = "https://sync.example.com"

// newRig has a deployment over a SQLite file, with more settings and variables.
func newRig(t *testing.T, settings string, env ...string) *rig {
	t.Helper()
	r := &rig{t: t, bird: birdtest.NewServer(&birdtest.Options{FlowPause: time.Millisecond}), url: "http://" + freeAddress(t),
		hubspot: hubspottest.NewServer(&hubspottest.Options{SearchLag: -1, Burst: -1, SearchPerSecond: -1})}
	t.Cleanup(r.bird.Close)
	t.Cleanup(r.hubspot.Close)
	dir, err := os.MkdirTemp("", "crmsyncd") // whose name is short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r.config = filepath.Join(dir, "crmsyncd.yaml")
	text := fmt.Sprintf("public_url: %s\nprobe_url: %s\nlisten: %s\nsqlite: {path: %s/db}\nbird: {workspace: %s, base_url: '%s'}\n%s",
		public, r.url, strings.TrimPrefix(r.url, "http://"), dir, r.bird.WorkspaceID, r.bird.URL, settings)
	if !strings.Contains(settings, "hubspot:") {
		text += fmt.Sprintf("hubspot: {base_url: '%s', search_lag: 1s, rate_per_10s: 10000}\n", r.hubspot.URL)
	}
	if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.environ = append(leastEnv(), "CRMSYNC_BIRD_ACCESS_KEY="+r.bird.AccessKey, "CRMSYNC_HUBSPOT_TOKEN="+r.hubspot.Token)
	r.environ = append(r.environ, env...)
	r.hubspot.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	r.hubspot.SetWebhookClient(&http.Client{Transport: detour(r.url)})
	r.hubspot.Subscribe(public+hubspotPath, "client")
	r.bird.Proxy(public, r.url)
	r.bird.OnContactChange(public+flowPath, flowSecret)
	return r
}

func freeAddress(t *testing.T) string {
	t.Helper()
	a, err := loopback.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Release)
	return a.String()
}

// A detour leads requests to the daemon, as a proxy would.
type detour string

func (d detour) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(string(d), "http://")
	return http.DefaultTransport.RoundTrip(r)
}

// run runs a command line and returns what it printed.
func (r *rig) run(args ...string) (code int, out, err string) {
	return r.feed("", args...)
}

// feed runs a command line that reads.
func (r *rig) feed(in string, args ...string) (code int, out, err string) {
	var stdout, stderr bytes.Buffer
	t := &terminal{in: strings.NewReader(in), out: &stdout, err: &stderr, environ: r.environ, actor: "ana"}
	code = run(r.t.Context(), t, append([]string{"--config", r.config}, args...))
	r.keep(stdout.Bytes(), stderr.Bytes())
	return code, stdout.String(), stderr.String()
}

// keep adds to all that was ever printed.
func (r *rig) keep(texts ...[]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, text := range texts {
		r.printed.Write(text)
	}
}

// must runs a command line that ends with a code, and returns its output.
func (r *rig) must(code int, args ...string) string {
	r.t.Helper()
	got, out, err := r.run(args...)
	if got != code {
		r.t.Fatalf("%v: exit %d, want %d\n%s%s", args, got, code, out, err)
	}
	return out + err
}

// object runs a command line with --json and returns its result.
func (r *rig) object(code int, into any, args ...string) {
	r.t.Helper()
	got, out, err := r.run(append(args, "--json")...)
	if got != code {
		r.t.Fatalf("%v: exit %d, want %d\n%s%s", args, got, code, out, err)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		r.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

// serve runs the daemon until stop is called, which returns its exit code.
func (r *rig) serve() (stop func() int) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	code := make(chan int, 1)
	log := writer(func(p []byte) (int, error) { r.keep(p); return len(p), nil })
	daemon := &terminal{in: strings.NewReader(""), out: log, err: log, environ: r.environ, actor: "init"}
	go func() { code <- run(ctx, daemon, []string{"--config", r.config, "serve"}) }()
	r.eventually("the daemon serves", func() bool {
		if len(code) > 0 {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.t.Fatalf("the daemon ended: %s", r.printed.String())
		}
		return r.status("/healthz") == http.StatusOK // which is there in any case
	})
	var once stdsync.Once
	ended := 0
	stop = func() int {
		once.Do(func() { cancel(); ended = <-code })
		return ended
	}
	r.t.Cleanup(func() { stop() })
	return stop
}

// status gets a page of the daemon.
func (r *rig) status(path string) int {
	status, _, err := call(r.t.Context(), http.DefaultClient, http.MethodGet, r.url+path)
	if err != nil {
		return 0
	}
	return status
}

// eventually waits until something holds.
func (r *rig) eventually(what string, holds func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatalf("not yet: %s", what)
		}
	}
}

// rests waits until nothing is under way, no webhook and no work: what is can
// still change what a command was told a moment ago. What work causes shows
// when it was calm before, too.
func (r *rig) rests() {
	r.t.Helper()
	calm := 0
	r.eventually("nothing is under way", func() bool {
		if err := errors.Join(r.bird.WaitWebhooks(r.t.Context()), r.hubspot.WaitWebhooks(r.t.Context())); err != nil {
			r.t.Fatal(err)
		}
		time.Sleep(time.Second) // for which the metrics tell what was counted before
		page := r.page("/metrics")
		calm++
		for _, state := range []string{"waiting", "inflight", "sleeping"} {
			if !strings.Contains(page, `crmsync_events_pending{state="`+state+"\"} 0\n") {
				calm = 0
			}
		}
		return calm == 2
	})
}

// mate returns the HubSpot contact with an email, "" if there is none.
func (r *rig) mate(email string) string {
	for id, props := range r.hubspot.Contacts() {
		if props["email"] == email && props["custom_bird_contact_id"] != "" {
			return id
		}
	}
	return ""
}
