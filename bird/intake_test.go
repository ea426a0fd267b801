package bird_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Requests that nobody signed cost a line of each kind a minute, however many
// there are; those that Bird signed cost one each.
func TestAFloodOfStrangersIsNoneOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		for name, call := range both(t, 1e6, slog.New(slog.NewTextHandler(&log, nil))) {
			kinds := []func(http.Header){
				func(h http.Header) { clear(h) },
				func(h http.Header) { h.Set("Content-Encoding", "gzip") },
			}
			flood := func(n int) {
				for range n {
					for _, change := range kinds {
						call("{}", change)
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
				t.Errorf("%s: %d lines tell of a thousand, want %d:\n%s", name, got, len(kinds), &log)
			}
			log.Reset()
			for range 3 {
				call("no JSON", nil)
			}
			if got := strings.Count(log.String(), "status=400"); got != 3 {
				t.Errorf("%s: %d lines of 3 signed requests:\n%s", name, got, &log)
			}
		}
	})
}
