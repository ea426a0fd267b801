package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// While the store is down receivers answer 503, so that the vendors send again,
// and the daemon is alive but not ready.
func TestTheStoreIsDown(t *testing.T) {
	d, err := newDeployment(t.Context(), loaded(t, newRig(t, "")), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	d.mountHealth(mux, nil)
	if err := d.mount(mux); err != nil {
		t.Fatal(err)
	}
	answers := func() (flow, ready, alive int) {
		req := httptest.NewRequest(http.MethodPost, flowPath, strings.NewReader(`{"event":"contact.updated","bird_contact_id":"92dde992-80ad-4a4c-91ac-08c228bf28e7"}`))
		req.Header.Set("Authorization", "Bearer "+flowSecret)
		return serve(mux, req), serve(mux, httptest.NewRequest(http.MethodGet, "/readyz", nil)), serve(mux, httptest.NewRequest(http.MethodGet, "/healthz", nil))
	}
	if flow, ready, alive := answers(); flow != 204 || ready != 200 || alive != 200 {
		t.Errorf("a Flow's call %d, ready %d, alive %d", flow, ready, alive)
	}
	if err := d.storage.lite.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second) // for which it is told what was found before
	if flow, ready, alive := answers(); flow != 503 || ready != 503 || alive != 200 {
		t.Errorf("without a store: a Flow's call %d, ready %d, alive %d", flow, ready, alive)
	}
	_ = d.close(t.Context()) // which misses the store
}

// A Redis that takes calls and answers none keeps no receiver waiting for
// longer than its vendor does.
func TestTheQueueIsSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	r := newRig(t, "queue: redis\nstore: memory\n", "CRMSYNC_REDIS_URL=redis://"+silent.Addr().String()+"?read_timeout=1m")
	s, err := openStorage(t.Context(), loaded(t, r), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = s.queue.Push(ctx, began, sync.Message{ID: "1", Key: "k", EnqueuedAt: began})
	if took := time.Since(began); err == nil || took > 30*time.Second {
		t.Errorf("%v after %v", err, took)
	}
	_ = s.close(ctx) // which misses the queue
}

func serve(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

// A receiver that let in as many as the configuration says, says come again;
// what it lets in has an end.
func TestReceiversAreBounded(t *testing.T) {
	d, err := newDeployment(t.Context(), loaded(t, newRig(t, "store: memory\nreceivers: {max_per_second: 1}\n")), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	if err := d.mount(mux); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{hubspotPath, actionsPath, birdPath, flowPath} {
		stranger, flood := serve(mux, httptest.NewRequest(http.MethodPost, path, nil)), 0
		for range 10 { // of which less than all fit into one second more
			if serve(mux, httptest.NewRequest(http.MethodPost, path, nil)) == http.StatusServiceUnavailable {
				flood++
			}
		}
		if stranger != http.StatusUnauthorized || flood == 0 {
			t.Errorf("%s: a stranger %d, refused of ten more %d", path, stranger, flood)
		}
	}
	if err := d.close(t.Context()); err != nil {
		t.Error(err)
	}
	serve(timed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if _, ok := r.Context().Deadline(); !ok {
			t.Error("the work has no end")
		}
	})), httptest.NewRequest(http.MethodPost, "/", nil))
}

// loaded is the configuration of a rig.
func loaded(t *testing.T, r *rig) *config {
	t.Helper()
	c, err := loadConfig(r.config, r.environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A command that runs inside the daemon ends with its caller, and with the
// daemon.
func TestACommandEndsWithItsCallerAndTheDaemon(t *testing.T) {
	r := newRig(t, "")
	r.hubspot.Down(true) // so that commands wait for it
	stop := r.serve()
	begin := func(ctx context.Context) <-chan int {
		code := make(chan int, 1)
		go func() {
			quiet := writer(func(p []byte) (int, error) { return len(p), nil })
			t := &terminal{in: strings.NewReader(""), out: quiet, err: quiet, environ: r.environ, actor: "ana"}
			code <- run(ctx, t, []string{"--config", r.config, "backfill", "contacts", "--from", "hubspot"})
		}()
		return code
	}
	ctx, interrupt := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer interrupt()
	if code := <-begin(ctx); code != exitInterrupted && code != exitFailed {
		t.Errorf("an interrupted command ended with %d", code)
	}
	second := begin(t.Context())
	if code := stop(); code != exitDone {
		t.Errorf("the daemon ended with %d", code)
	}
	if code := <-second; code == exitDone {
		t.Error("a command succeeded without its daemon")
	}
}

// Who asks ends with an error when what it prints to is gone, before the
// command in the daemon has ended.
func TestABrokenPipeEndsWhoAsks(t *testing.T) {
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(frame{Out: []byte("a line")})
	}))
	t.Cleanup(daemon.Close)
	broken := errors.New("a broken pipe")
	asks := &terminal{out: writer(func([]byte) (int, error) { return 0, broken }), err: io.Discard}
	web := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", daemon.Listener.Addr().String())
	}}
	if code, err := asks.follow(t.Context(), &http.Client{Transport: web}, nil); !errors.Is(err, broken) {
		t.Errorf("ended with %d and %v", code, err)
	}
}

// A daemon that died leaves its socket behind; one that lives keeps it.
func TestTheControlSocket(t *testing.T) {
	r := newRig(t, "store: memory\ncontrol: "+filepath.Join(t.TempDir(), "s")+"\n")
	socket := controlOf(r.config, r.environ)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false)
	if err := left.Close(); err != nil {
		t.Fatal(err)
	}
	r.serve()
	info, err := os.Stat(socket)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	r.environ = append(r.environ, "CRMSYNC_LISTEN=127.0.0.1:0")
	if code, _, text := r.run("serve"); code != exitFailed || !strings.Contains(text, "another daemon") {
		t.Errorf("a second daemon: exit %d, %s", code, text)
	}
	r.environ = nil // who asks needs no secrets
	r.must(exitDone, "dlq", "list")
	r.must(exitUsage, "dlq", "show", "nothing")
}

// A refresh token that HubSpot replaces is there at the next start.
func TestARefreshTokenIsKept(t *testing.T) {
	file := write(t, "token", "first\n")
	d := &deployment{cfg: &config{}, log: slog.New(slog.DiscardHandler)}
	if err := d.keepRefreshToken(t.Context(), "nowhere"); err != nil {
		t.Error(err)
	}
	d.cfg.HubSpot.RefreshToken = secret{"first", file}
	if err := d.keepRefreshToken(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(file)
	info, err2 := os.Stat(file)
	if err != nil || err2 != nil || string(kept) != "second" || info.Mode().Perm() != 0o600 {
		t.Errorf("the file holds %q: %v, %v", kept, err, err2)
	}
}
