package httpx_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
)

func serve(t *testing.T, h http.HandlerFunc) *httpx.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &httpx.Client{Base: s.URL, HTTP: s.Client(), RequestID: "X-Call",
		Authorize: func(h http.Header) { h.Set("Authorization", "Bearer hidden-token") }}
}

func TestDoSendsAndDecodesJSON(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Authorization") != "Bearer hidden-token" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("headers: %v", r.Header)
		}
		w.Header().Set("X-Call", "call-1")
		_, _ = w.Write([]byte(`{"echo":` + string(body) + `}`))
	})
	var out struct{ Echo map[string]int }
	res, err := c.Do(t.Context(), "POST", "/x", nil, map[string]int{"a": 1}, &out)
	if err != nil || !res.OK() || res.RequestID != "call-1" || out.Echo["a"] != 1 {
		t.Fatalf("got %+v, %v, %+v", res, err, out)
	}
}

func TestDoSendsForms(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if ct := r.Header.Get("Content-Type"); ct != "application/x-www-form-urlencoded" || string(body) != "a=x+%26&b=2" {
			t.Errorf("got %q as %q", body, ct)
		}
	})
	if _, err := c.Do(t.Context(), "POST", "/x", nil, url.Values{"b": {"2"}, "a": {"x &"}}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestDoKeepsThePathRaw(t *testing.T) {
	for _, path := range []string{"/a/email/x@example.com", "/a/email/x%40example.com", "/a/phone/+573000000001", "/a/b%2Fc"} {
		var got string
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.RequestURI })
		if _, err := c.Do(t.Context(), "GET", path, url.Values{"q": {"1"}}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if got != path+"?q=1" {
			t.Errorf("sent %q, want %q", got, path+"?q=1")
		}
	}
}

func TestDoReturnsOtherStatusesWithTheirBody(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(524)
		_, _ = w.Write([]byte("<html>a timeout occurred</html>"))
	})
	var out struct{}
	res, err := c.Do(t.Context(), "GET", "/", nil, nil, &out)
	if err != nil || res.OK() || res.Status != 524 || !strings.Contains(string(res.Body), "timeout") {
		t.Fatalf("got %+v, %v", res, err)
	}
}

func TestDoDoesNotFollowRedirects(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) })
	res, err := c.Do(t.Context(), "POST", "/", nil, nil, nil)
	if err != nil || res.Status != http.StatusFound {
		t.Fatalf("got %+v, %v", res, err)
	}
}

func TestDoBoundsBodies(t *testing.T) {
	status := http.StatusOK
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `"`+strings.Repeat("x", 2<<20)+`"`)
	})
	c.MaxBody = 1000
	var s string
	var body *httpx.BodyError
	if _, err := c.Do(t.Context(), "GET", "/", nil, nil, &s); !errors.As(err, &body) {
		t.Fatalf("too large: got %v", err)
	}
	status = http.StatusBadRequest
	res, err := c.Do(t.Context(), "GET", "/", nil, nil, nil)
	if err != nil || len(res.Body) != httpx.MaxErrorBody {
		t.Fatalf("got %d bytes, %v", len(res.Body), err)
	}
}

func TestErrorsRevealNothing(t *testing.T) {
	answers := []string{`{"n":"ada@example.com"`, `{"n":"ada@example.com"}`, `ada@example.com`}
	for _, a := range answers {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, a) })
		var out struct{ N int }
		_, err := c.Do(t.Context(), "GET", "/", nil, nil, &out)
		if err == nil || strings.Contains(err.Error(), "ada") {
			t.Errorf("%s: got %v", a, err)
		}
	}
	c := &httpx.Client{Base: "http://127.0.0.1:1"}
	_, err := c.Do(t.Context(), "GET", "/email/ada@example.com", url.Values{"q": {"secret"}}, nil, nil)
	var te *httpx.TransportError
	if !errors.As(err, &te) || strings.Contains(err.Error(), "ada") || strings.Contains(err.Error(), "secret") {
		t.Fatalf("got %v", err)
	}
}

func TestDoHonoursTheContext(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err := c.Do(ctx, "GET", "/", nil, nil, nil)
	var te *httpx.TransportError
	if !errors.As(err, &te) || !te.Timeout || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	const late, minute = "Sun, 01 Nov 2026 11:00:00 GMT", "Sun, 01 Nov 2026 12:01:00 GMT"
	for _, c := range []struct {
		header, date string // when the server answered, by its clock
		want         time.Duration
		ok           bool
	}{
		{"", "", 0, false},
		{"7", "", 7 * time.Second, true},
		{"0", late, 0, true},
		{"0.5", "", 500 * time.Millisecond, true},
		{"-1", "", 0, false},
		{"NaN", "", 0, false},
		{"1e300", "", 0, false},
		{"soon", "", 0, false},
		{minute, "", time.Minute, true},
		{minute, "no date", time.Minute, true},
		{minute, minute, 0, true},
		{minute, late, 61 * time.Minute, true},
		{late, "", 0, false},
		{late, minute, 0, false},
		{"Tue, 01 Dec 2026 12:00:01 GMT", "", 0, false},
		{"Sat, 01 Nov 2099 12:00:00 GMT", "", 0, false},
		{"Mon, 01 Jan 0001 00:00:00 GMT", "", 0, false},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "", 0, false},
	} {
		r := &httpx.Response{Header: http.Header{"Retry-After": {c.header}, "Date": {c.date}}}
		got, ok := r.RetryAfter(now)
		if ok != c.ok || ok && !got.Equal(now.Add(c.want)) {
			t.Errorf("%q at %q: got %v, %v; want %v, %v", c.header, c.date, got, ok, c.want, c.ok)
		}
	}
}

func TestSkew(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := &httpx.Response{Header: http.Header{"Date": {"Sun, 01 Nov 2026 11:59:57 GMT"}}}
	if d, ok := r.Skew(now); !ok || d != -3*time.Second {
		t.Fatalf("got %v, %v", d, ok)
	}
	if _, ok := (&httpx.Response{Header: http.Header{}}).Skew(now); ok {
		t.Fatal("a missing Date gave a skew")
	}
}
