package hubspot

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Requests that nobody signed cost a line of each kind a minute, however many
// there are; those that HubSpot signed cost one each.
func TestAFloodOfStrangersIsNoneOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		for name, h := range both(t, &inbox{}, 1e6, slog.New(slog.NewTextHandler(&log, nil))) {
			kinds := map[string]func() *http.Request{
				checkMissing:   func() *http.Request { return httptest.NewRequest(http.MethodPost, "/", strings.NewReader("[]")) },
				"the method":   func() *http.Request { return httptest.NewRequest(http.MethodGet, "/", nil) },
				"the encoding": func() *http.Request { r := signed([]byte("[]")); r.Header.Set("Content-Encoding", "gzip"); return r },
			}
			flood := func(n int) {
				for range n {
					for _, r := range kinds {
						send(h, r())
					}
				}
			}
			log.Reset()
			flood(1000)
			if got := strings.Count(log.String(), "\n"); got != len(kinds) || strings.Count(log.String(), "requests=1\n") != len(kinds) {
				t.Errorf("%s: %d lines in a minute, want %d:\n%s", name, got, len(kinds), log.String()[:min(log.Len(), 2000)])
			}
			time.Sleep(time.Minute)
			log.Reset()
			flood(1)
			if got := strings.Count(log.String(), "requests=1000\n"); got != len(kinds) {
				t.Errorf("%s: %d lines tell of a thousand, want %d:\n%s", name, got, len(kinds), log.String()[:min(log.Len(), 2000)])
			}
			log.Reset()
			for range 3 {
				send(h, signed([]byte("no JSON")))
			}
			if got := strings.Count(log.String(), "status=400"); got != 3 {
				t.Errorf("%s: %d lines of 3 signed requests:\n%s", name, got, &log)
			}
		}
	})
}
