package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// half sends the head of a request whose body never comes.
func (r *rig) half(head string) net.Conn {
	r.t.Helper()
	c, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = c.Close() })
	if _, err := io.WriteString(c, halfARequest(head)); err != nil {
		r.t.Fatal(err)
	}
	return c
}

func halfARequest(head string) string {
	return head + " HTTP/1.1\r\nHost: sync.example.com\r\nContent-Length: 10\r\n\r\n"
}

// Strangers who send headers and nothing more keep no webhook out for long.
func TestSlowStrangersKeepNobodyOut(t *testing.T) {
	t.Parallel()
	const places = 3
	r := newRig(t, fmt.Sprintf("store: memory\nreceivers: {max_concurrent: %d}\n", places))
	r.serve()
	began := time.Now()
	for range places {
		r.half("POST " + flowPath)
	}
	r.eventually("a webhook is taken", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+flowPath,
			strings.NewReader(`{"event":"contact.updated","bird_contact_id":"92dde992-80ad-4a4c-91ac-08c228bf28e7"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+flowSecret)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return false // who is refused before the body is read may not hear of it
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusNoContent
	})
	if took := time.Since(began); took >= uploading { // after which the server itself would have ended them
		t.Errorf("it was taken after %v", took)
	}
}

// A request that never comes to its end does not make of the daemon's end a
// failure.
func TestHalfARequestDoesNotSpoilTheEnd(t *testing.T) {
	t.Parallel()
	admin := freeAddress(t)
	r := newRig(t, "admin_listen: "+admin+"\n")
	stop := r.serve()
	began := time.Now()
	r.half("POST /nothing")
	r.eventually("it is under way", func() bool { return r.status("/healthz") == http.StatusOK })
	if code := stop(); code != exitDone {
		t.Errorf("the daemon ended with %d", code)
	}
	if took := time.Since(began); took >= uploading { // after which the request would have ended by itself
		t.Errorf("the end took %v", took)
	}
}

// Sending takes a bounded time; the answer takes what it needs.
func TestSendingIsBounded(t *testing.T) {
	synctest.Test(t, sendingIsBounded) // in which every machine sends in time
}

func sendingIsBounded(t *testing.T) {
	const within = 200 * time.Millisecond
	work := make(chan error, 1)
	web := simhttp.Pipe(hastened(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		if err == nil {
			time.Sleep(2 * within)
			err = context.Cause(r.Context())
		}
		work <- err
	}), within))
	defer web.Close()
	half, err := web.Client().Transport.(*http.Transport).DialContext(t.Context(), "tcp", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = half.Close() }()
	if _, err := io.WriteString(half, halfARequest("POST /")); err != nil {
		t.Fatal(err)
	}
	if <-work == nil {
		t.Error("half a body was read")
	}
	for _, body := range []string{"", "all of it"} {
		resp, err := web.Client().Post(web.URL, "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if err := <-work; err != nil {
			t.Errorf("%q: the work was cut short: %v", body, err)
		}
	}
}
