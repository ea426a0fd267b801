package websig_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

// pipes is a listener in memory, so that a test's clock runs for it, too.
type pipes struct {
	conns chan net.Conn
	ended context.Context
	end   context.CancelFunc
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended.Done():
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.end(); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// serve has a server without any time limit of its own serve a handler.
func serve(t *testing.T, h http.Handler) (dial func() net.Conn) {
	t.Helper()
	l, server := &pipes{conns: make(chan net.Conn)}, &http.Server{Handler: h}
	l.ended, l.end = context.WithCancel(t.Context())
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return func() net.Conn {
		mine, its := net.Pipe()
		t.Cleanup(func() { _ = mine.Close() })
		l.conns <- its
		return mine
	}
}

// receiver reads a body and works on it for a while.
func receiver(work time.Duration, tell func(error)) http.Handler {
	return websig.Limit{AtOnce: 3}.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := websig.ReadBody(w, r, 100); err != nil {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		time.Sleep(work)
		tell(r.Context().Err())
		w.WriteHeader(http.StatusNoContent)
	}), nil)
}

// Who sends headers and no body, or none of the rest, has its place for a few
// seconds only, whatever the server allows.
func TestASlowBodyGivesItsPlaceBack(t *testing.T) {
	for name, head := range map[string]string{
		"no body":         "Content-Length: 10\r\n\r\n",
		"half a body":     "Content-Length: 10\r\n\r\n{",
		"half a chunk":    "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"no end of it":    "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
		"a refused one":   "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\n",
		"one that is big": "Content-Length: 1000\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dial := serve(t, receiver(0, func(error) {}))
				for range 10 { // of which 3 have a place
					c := dial()
					if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n"+head); err != nil {
						t.Fatal(err)
					}
					go func() { _, _ = io.Copy(io.Discard, c) }()
				}
				time.Sleep(5 * time.Second)
				if got := exchange(t, dial(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); got != http.StatusNoContent {
					t.Errorf("an honest one is answered %d", got)
				}
			})
		})
	}
}

// One that was turned away does not keep its connection either.
func TestASlowBodyEndsItsConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial, began := serve(t, receiver(0, func(error) {})), time.Now()
		var open []net.Conn
		for range 10 {
			c := dial()
			if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"); err != nil {
				t.Fatal(err)
			}
			open = append(open, c)
		}
		for _, c := range open {
			if _, err := io.Copy(io.Discard, c); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the last was closed after %v", took)
		}
	})
}

// The work on a body that came in time may last longer.
func TestTheWorkOnABodyIsNotCutShort(t *testing.T) {
	for _, body := range []string{"Content-Length: 2\r\n\r\n{}", "Content-Length: 0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"} {
		synctest.Test(t, func(t *testing.T) {
			var cut error
			dial := serve(t, receiver(time.Minute, func(err error) { cut = err }))
			c := dial()
			for range 2 { // on one connection
				if got := exchange(t, c, "POST / HTTP/1.1\r\nHost: x\r\n"+body); got != http.StatusNoContent || cut != nil {
					t.Errorf("%q is answered %d, with %v", body, got, cut)
				}
				time.Sleep(time.Minute)
			}
		})
	}
}

// exchange sends a request and returns the status of its answer.
func exchange(t *testing.T, c net.Conn, request string) int {
	t.Helper()
	go func() { _, _ = io.WriteString(c, request) }()
	line, err := bufio.NewReader(c).ReadString('\n')
	status := 0
	if _, scanned := fmt.Sscanf(strings.TrimPrefix(line, "HTTP/1.1 "), "%d", &status); err != nil || scanned != nil {
		t.Fatalf("the answer is %q: %v", line, err)
	}
	return status
}
