package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// FuzzRequests sends what strangers may send to every page. No page fails, and
// none gives a tag back.
func FuzzRequests(f *testing.F) {
	for _, s := range []string{"", "l1", "left-crm:contact:l1", "a:b:c:d", "https://crm.example.com/contacts/l1?x", "https://%zz", "\x00\xff",
		`"><script>alert(1)</script>`, `{"name": "<script>"}`, `{"name": {"a": [1, null]}}`, "-1", "9223372036854775807", "../../etc/passwd", strings.Repeat("ö", 5000)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := newWorld(t)
		w.pair()
		form := url.Values{}
		for _, name := range []string{"q", "ref", "flow", "from", "after", "before", "issue", "until", "id", "record", "type", "notice", "back", "theme", "field", "most"} {
			form.Set(name, s)
		}
		for _, target := range []string{"/records", "/record", "/events", "/dead", "/audit", "/conflicts"} {
			w.harmless(request("GET", target+"?"+form.Encode(), nil), s)
		}
		for _, target := range []string{"/records", "/mappings/try", "/theme", "/dead/replay", "/runs/forecast"} {
			w.harmless(request("POST", target, form), s)
		}
		form.Set("flow", flowName)
		w.harmless(request("POST", "/mappings/try", form), s)
		w.harmless(request("POST", "/records", form), s)
	})
}

// harmless sends a request and looks at the answer.
func (w *world) harmless(r *http.Request, sent string) {
	w.t.Helper()
	res, body := w.ask(r)
	if res.StatusCode >= 500 {
		w.t.Errorf("%s %s: status %d: %s", r.Method, r.URL.Path, res.StatusCode, inner(body))
	}
	if strings.Contains(sent, "<script>") && strings.Contains(inner(body), "<script>") {
		w.t.Errorf("%s %s gives a tag back", r.Method, r.URL.Path)
	}
	if to := res.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
		w.t.Errorf("%s %s leads to %q", r.Method, r.URL.Path, to)
	}
}
