package dashboard_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// follow opens the stream and returns its lines but comments, which come when
// nothing happens for long; the channel is closed when it ends.
func (w *world) follow(ctx context.Context, server *httptest.Server) <-chan string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/stream", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := server.Client().Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream" {
		w.t.Fatalf("status %d, %s", res.StatusCode, got)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for s := bufio.NewScanner(res.Body); s.Scan(); {
			if s.Text() != "" && !strings.HasPrefix(s.Text(), ":") {
				lines <- s.Text()
			}
		}
	}()
	return lines
}

func TestStreamTellsOfChanges(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewUnstartedServer(w.board)
	server.Config.WriteTimeout = 50 * time.Millisecond // of the host's, which would end the stream
	server.Start()
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	lines := w.follow(ctx, server)
	if got := <-lines; got != "retry: 2000" {
		t.Errorf("the stream begins with %q", got)
	}
	w.feed.Observe(sync.Event{Type: sync.EventSwept, At: time.Now()})
	if got := <-lines; got != "event: changed" {
		t.Errorf("the stream tells %q", got)
	}
	if got := <-lines; got != "data: -" {
		t.Errorf("the stream tells %q", got)
	}
	cancel()
	for line := range lines {
		t.Errorf("the stream goes on with %q", line)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(w.board)
	defer server.Close()
	lines := w.follow(t.Context(), server)
	<-lines
	w.board.Close()
	if line, open := <-lines; open {
		t.Errorf("the stream goes on with %q", line)
	}
	if res, body := w.ask(request("POST", "/runs/audit", nil)); res.StatusCode != 503 || !strings.Contains(body, "closing") {
		t.Errorf("a run after Close: status %d", res.StatusCode)
	}
}
