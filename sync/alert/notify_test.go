package alert_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync/alert"
)

var firing = alert.Alert{Rule: "GuardTripped", Severity: alert.Critical, Summary: "A guard stopped a flow.", Description: "a < b",
	Labels: map[string]string{"flow": "people"}, Since: noon, Runbook: "https://docs.example.com/operations.md#guardtripped"}

func over(a alert.Alert) alert.Alert { a.Ended = a.Since.Add(time.Minute); return a }

// posted returns the JSON that a notifier posts.
func posted(t *testing.T, notifier func(url string) alert.Notifier, a alert.Alert) map[string]any {
	t.Helper()
	var got map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &got); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %v", r.Method, body, err)
		}
	}))
	defer s.Close()
	if err := notifier(s.URL).Notify(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestWhatIsPosted(t *testing.T) {
	slack := func(url string) alert.Notifier { return alert.Slack{URL: url} }
	if text := posted(t, slack, firing)["text"].(string); !strings.Contains(text, "*GuardTripped flow=people* A guard stopped") ||
		!strings.Contains(text, "a &lt; b") || !strings.Contains(text, "https://docs.example.com/operations.md#guardtripped") {
		t.Errorf("Slack: %s", text)
	}
	if text := posted(t, slack, over(firing))["text"].(string); !strings.Contains(text, "over") {
		t.Errorf("Slack at the end: %s", text)
	}
	pd := func(url string) alert.Notifier {
		return alert.PagerDuty{RoutingKey: "key", Source: "prod", URL: url}
	}
	first, last := posted(t, pd, firing), posted(t, pd, over(firing))
	payload := first["payload"].(map[string]any)
	if first["event_action"] != "trigger" || first["routing_key"] != "key" || payload["severity"] != "critical" || payload["source"] != "crmsync prod" {
		t.Errorf("PagerDuty: %v", first)
	}
	if last["event_action"] != "resolve" || last["dedup_key"] != first["dedup_key"] {
		t.Errorf("PagerDuty at the end: %v after %v", last, first)
	}
	hook := posted(t, func(url string) alert.Notifier { return alert.Webhook{URL: url} }, firing)
	if hook["rule"] != "GuardTripped" || hook["ended"] != nil || hook["labels"].(map[string]any)["flow"] != "people" {
		t.Errorf("webhook: %v", hook)
	}
}

func TestErrorsOfNotifiersHoldNoSecret(t *testing.T) {
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer broken.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, url := range []string{broken.URL + "/canary", gone.URL + "/canary", "http://hooks.example.com/canary", "canary", "https://canary\x7f"} {
		err := alert.Slack{URL: url}.Notify(t.Context(), firing)
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("error %v", err)
		}
	}
}

// An address that leads elsewhere is an error: no alert, and no key, goes to
// anybody who was not named.
func TestNotifiersFollowNoRedirects(t *testing.T) {
	followed := false
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer to.Close()
	moved := httptest.NewServer(http.RedirectHandler(to.URL, http.StatusTemporaryRedirect))
	defer moved.Close()
	for _, n := range []alert.Notifier{alert.Webhook{URL: moved.URL}, alert.Slack{URL: moved.URL}, alert.PagerDuty{URL: moved.URL, RoutingKey: "key"}} {
		if err := n.Notify(t.Context(), firing); err == nil || followed {
			t.Errorf("%T: followed %t, %v", n, followed, err)
		}
	}
}

func TestTheLogTellsOfBeginningAndEnd(t *testing.T) {
	var out strings.Builder
	l := alert.Log{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	for _, a := range []alert.Alert{firing, over(firing)} {
		if err := l.Notify(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	if text := out.String(); !strings.Contains(text, "level=ERROR msg=alert ") || !strings.Contains(text, `level=INFO msg="alert is over"`) {
		t.Error(text)
	}
}
