package bird_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
)

// both returns both receivers with bounds and a log, and how to call each.
func both(t *testing.T, perSecond float64, log *slog.Logger) map[string]func(body string, change func(http.Header)) *httptest.ResponseRecorder {
	t.Helper()
	rc, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookKey}, MaxPerSecond: perSecond, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	flow, err := bird.NewFlowReceiver(&inbox{}, bird.FlowOptions{Secrets: []string{"flow-secret"}, MaxPerSecond: perSecond, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	call := func(h http.Handler, make func(body string) *http.Request) func(string, func(http.Header)) *httptest.ResponseRecorder {
		return func(body string, change func(http.Header)) *httptest.ResponseRecorder {
			r := make(body)
			if change != nil {
				change(r.Header)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
	}
	return map[string]func(string, func(http.Header)) *httptest.ResponseRecorder{
		"webhooks": call(rc, func(body string) *http.Request { return hook(body, hookKey, time.Now()) }),
		"flows": call(flow, func(body string) *http.Request {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
			r.Header.Set("Authorization", "Bearer flow-secret")
			return r
		}),
	}
}

func TestReceiversBoundAFlood(t *testing.T) {
	for name, call := range both(t, 0.001, nil) {
		if w := call("{}", nil); w.Code == http.StatusServiceUnavailable {
			t.Errorf("%s: the first is refused", name)
		}
		if w := call("{}", nil); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: the second is answered %d", name, w.Code)
		}
	}
}

// A signed bomb of 4 MB is 4 kB long. Nobody unpacks it.
func TestReceiversUnpackNothing(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	if _, err := z.Write(make([]byte, 4<<20)); err != nil || z.Close() != nil || bomb.Len() > 10_000 {
		t.Fatal(err, bomb.Len())
	}
	for name, call := range both(t, 0, nil) {
		if got := call(bomb.String(), func(h http.Header) { h.Set("Content-Encoding", "gzip") }).Code; got != http.StatusUnsupportedMediaType {
			t.Errorf("%s: a compressed body is answered %d", name, got)
		}
		if got := call(bomb.String(), nil).Code; got != http.StatusBadRequest {
			t.Errorf("%s: one that does not say so is answered %d", name, got)
		}
	}
}

func TestReceiversSurviveDeepJSON(t *testing.T) {
	for name, call := range both(t, 0, nil) {
		for _, open := range []string{"[", `{"payload":`, `{"a":[`} {
			if got := call(strings.Repeat(open, 50_000), nil).Code; got != http.StatusBadRequest {
				t.Errorf("%s: 50,000 times %s is answered %d", name, open, got)
			}
		}
		deep := `{"event":"contact.updated","contact_id":"c1","payload":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"
		if got := call(deep, nil).Code; got >= 500 {
			t.Errorf("%s: a deep value is answered %d", name, got)
		}
	}
}

// What strangers write can neither end a line of the log nor begin one.
func TestWhatStrangersSendStaysInItsLogLine(t *testing.T) {
	const hostile = "x\r\nlevel=ERROR msg=forged \x1b[31m\u2028{\"level\":\"ERROR\"}"
	for name, handler := range map[string]func(io.Writer) slog.Handler{
		"text": func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, nil) },
		"json": func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, nil) },
	} {
		var log bytes.Buffer
		sent := 0
		for _, call := range both(t, 0, slog.New(handler(&log))) {
			for _, header := range []string{"messagebird-signature", "messagebird-request-timestamp", "Authorization", "User-Agent"} {
				call(`{"event":"x\r\nforged"}`, func(h http.Header) { h.Set(header, hostile) })
				call(hostile, nil)
				sent += 2
			}
		}
		lines := strings.Count(log.String(), "\n")
		if lines == 0 || lines > sent || strings.Contains(log.String(), "forged") || strings.ContainsAny(log.String(), "\r\x1b\u2028") {
			t.Errorf("%s: %d lines of %d requests:\n%q", name, lines, sent, log.String())
		}
	}
}
