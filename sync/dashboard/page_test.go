package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// evil is what a stranger writes into a field.
const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>"'` + "\u2028{{.}}"

func TestEscaping(t *testing.T) {
	w := newWorld(t)
	w.left.set(evil, "name", evil)
	w.left.set(evil, "email", "evil@example.com")
	ref := w.left.ref(evil)
	w.sync(ref)
	fact := sync.Fact{ID: evil, Type: evil, Subject: sync.Ref{System: "left-crm", Kind: "deal", ID: evil}, Data: map[string]any{evil: evil}}
	if err := w.engine.Enqueue(t.Context(), fact); err != nil {
		t.Fatal(err)
	}
	w.sync()
	q := url.QueryEscape(evil)
	for _, page := range []string{
		w.get("/"), w.get("/records"), w.get(recordURL(ref)), w.get("/events?q=" + q), w.get("/events"), w.get("/dead"), w.get("/conflicts"), w.get("/audit"),
		w.post("/record/reveal", url.Values{"flow": {flowName}, "ref": {ref.String()}}),
		w.post("/records", url.Values{"q": {evil}}),
		w.post("/mappings/try", url.Values{"flow": {flowName}, "record": {`{"name": "<script>alert(1)</script>"}`}}),
		w.post("/health/suspend", url.Values{"flow": {flowName}, "why": {evil}}),
		w.post("/undo", url.Values{"flow": {flowName}, "ref": {ref.String()}, "field": {evil}}),
	} {
		lacks(t, page, "<script>alert", "<img", `onerror=alert(2)>"`)
	}
	if res, body := w.ask(request("GET", "/record?ref="+q, nil)); res.StatusCode != 400 || strings.Contains(body, "<script>alert") {
		t.Errorf("a malformed reference gives status %d:\n%s", res.StatusCode, inner(body))
	}
}

// canary is personal data that no page may show unasked.
const canary = "canary.person@example.com"

func TestMasking(t *testing.T) {
	w := newWorld(t)
	w.left.set("l1", "name", "Canary Person")
	w.left.set("l1", "email", canary)
	w.sync(w.left.ref("l1"))
	w.right.set("r1", "email", "other."+canary)
	w.left.set("l1", "email", "third."+canary)
	w.sync(w.left.ref("l1"))
	w.right.set("r1", "name", "refused")
	w.sync(w.right.ref("r1"))
	if err := w.engine.Enqueue(t.Context(), sync.Fact{ID: "f", Type: "seen", Subject: sync.Ref{System: "x", Kind: "y", ID: "1"}, Data: map[string]any{"text": canary}}); err != nil {
		t.Fatal(err)
	}
	w.sync()
	for _, rt := range dashboard.Routes() {
		if rt.Method != http.MethodGet || rt.Path == "/stream" {
			continue
		}
		_, body := w.ask(w.requestOf(rt))
		lacks(t, body, canary, "Canary Person")
	}
	lacks(t, w.post("/records", url.Values{"q": {canary}}), "Canary Person")
}

func TestPlainFields(t *testing.T) {
	for plain, want := range map[string]bool{"name": true, "people/name": true, "other/name": false, "email": false} {
		w := newWorld(t, func(o *dashboard.Options) { o.Plain = []string{plain} })
		ref := w.pair()
		if got := strings.Contains(w.get(recordURL(ref)), "Ada Byron Lovelace"); got != want {
			t.Errorf("with %q plain the name is shown: %t, want %t", plain, got, want)
		}
	}
}

// local finds the addresses in a page.
var local = regexp.MustCompile(`(?:href|src|action|hx-get|hx-post|hx-sse:connect)="([^"]*)"`)

func TestPrefix(t *testing.T) {
	for _, c := range []struct {
		prefix string
		mount  func(http.Handler) http.Handler
		base   string
	}{
		{"", func(h http.Handler) http.Handler { return h }, ""},
		{"/", func(h http.Handler) http.Handler { return h }, ""},
		{"/x", func(h http.Handler) http.Handler { return h }, "/x"},
		{"x/y/", func(h http.Handler) http.Handler { return h }, "/x/y"},
		{"/x", func(h http.Handler) http.Handler { return http.StripPrefix("/x", h) }, "/x"},
	} {
		w := newWorld(t, func(o *dashboard.Options) { o.Prefix = c.prefix })
		ref := w.pair()
		w.die()
		handler := c.mount(w.board)
		for _, path := range []string{"/", "/records", recordURL(ref), "/dead", "/runs"} {
			rec := httptest.NewRecorder()
			handler.ServeHTTP(rec, request("GET", c.base+path, nil))
			if rec.Code != 200 {
				t.Fatalf("prefix %q: GET %s: status %d", c.prefix, c.base+path, rec.Code)
			}
			for _, m := range local.FindAllStringSubmatch(rec.Body.String(), -1) {
				to := m[1]
				if to == "#main" || to == "data:," {
					continue
				}
				if !strings.HasPrefix(to, c.base+"/") || strings.Contains(to, "//") {
					t.Errorf("prefix %q: %s leads to %s", c.prefix, path, to)
				}
			}
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, request("POST", c.base+"/dead/replay", url.Values{"id": {"x"}}))
		if got := rec.Header().Get("Location"); !strings.HasPrefix(got, c.base+"/dead?") {
			t.Errorf("prefix %q: an act leads to %q", c.prefix, got)
		}
	}
	w := newWorld(t, func(o *dashboard.Options) { o.Prefix = "/x" })
	if res, _ := w.ask(request("GET", "/x", nil)); res.StatusCode != 301 || res.Header.Get("Location") != "/x/" {
		t.Errorf("the bare prefix: status %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
}

// TestFormsWorkWithoutScript checks that every button is in a form that a
// browser can send by itself, to the same address as the script would.
func TestFormsWorkWithoutScript(t *testing.T) {
	form := regexp.MustCompile(`<form [^>]*>`)
	attr := func(tag, name string) string {
		_, after, _ := strings.Cut(tag, " "+name+`="`)
		value, _, _ := strings.Cut(after, `"`)
		return value
	}
	w := newWorld(t)
	ref := w.pair()
	w.die()
	posts := 0
	for _, path := range []string{"/", "/records", recordURL(ref), "/dead", "/audit", "/mappings", "/runs", "/health"} {
		for _, tag := range form.FindAllString(w.get(path), -1) {
			method, action := attr(tag, "method"), attr(tag, "action")
			if method == "dialog" {
				continue // hidden without script
			}
			if method == "" || action == "" {
				t.Errorf("%s: a form without script goes nowhere: %s", path, tag)
			}
			if with := attr(tag, "hx-post"); with != "" && (with != action || method != "post") {
				t.Errorf("%s: with script a form does something else: %s", path, tag)
			}
			if method == "post" {
				posts++
			}
		}
	}
	if posts < 15 {
		t.Errorf("only %d forms were found", posts)
	}
}

func TestTheme(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) { o.Prefix = "/x" })
	for back, want := range map[string]string{"/x/dead": "/x/dead", "//evil.example.com": "/x/", "https://evil.example.com": "/x/", `/x/\evil`: "/x/", "": "/x/"} {
		res, _ := w.ask(request("POST", "/x/theme", url.Values{"theme": {"dark"}, "back": {back}}))
		if got := res.Header.Get("Location"); got != want {
			t.Errorf("back to %q leads to %q, want %q", back, got, want)
		}
		cookie := res.Cookies()[0]
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/x/" {
			t.Errorf("the cookie is %v", cookie)
		}
		r := request("GET", "/x/", nil)
		r.AddCookie(cookie)
		_, page := w.ask(r)
		contains(t, page, `<html lang="en" data-theme="dark">`)
	}
	root := newWorld(t)
	for _, back := range []string{"/\t/evil.example.com", "/\n/evil.example.com", "\t//evil.example.com", `/\evil.example.com`} {
		if res, _ := root.ask(request("POST", "/theme", url.Values{"back": {back}})); res.Header.Get("Location") != "/" {
			t.Errorf("back to %q leads to %q", back, res.Header.Get("Location"))
		}
	}
	r := request("GET", "/x/", nil)
	r.AddCookie(&http.Cookie{Name: "crmsync_theme", Value: "odd"})
	_, page := w.ask(r)
	contains(t, page, `<html lang="en">`)
}

func TestErrors(t *testing.T) {
	w := newWorld(t)
	for path, want := range map[string]int{"/nowhere": 404, "/record?ref=x": 400, "/record?ref=a:b:c": 404, recordURL(w.left.ref("none")): 404,
		"/records?flow=none": 404, "/assets/none": 404, "/assets/..%2fdoc.go": 404, "/audit?ref=x": 400} {
		res, body := w.ask(request("GET", path, nil))
		if res.StatusCode != want || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			t.Errorf("GET %s: status %d, %s, want %d as a page", path, res.StatusCode, res.Header.Get("Content-Type"), want)
		}
		contains(t, body, "Go to the overview")
		r := request("GET", path, nil)
		r.Header.Set("Accept", "*/*")
		if res, _ := w.ask(r); res.StatusCode != want || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("GET %s: status %d, %s for a program", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
	form := url.Values{"record": {strings.Repeat("x", 2<<20)}, "flow": {flowName}}
	if res, _ := w.ask(request("POST", "/mappings/try", form)); res.StatusCode != 413 {
		t.Errorf("a form of 2 MiB: status %d", res.StatusCode)
	}
}
