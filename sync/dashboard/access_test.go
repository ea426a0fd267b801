package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/dashboard"
)

// targets gives every route an address that is served.
func (w *world) targets() map[string]url.Values {
	ref := w.left.ref("l1").String()
	return map[string]url.Values{
		"/record": {"flow": {flowName}, "ref": {ref}}, "/record/reveal": {"flow": {flowName}, "ref": {ref}},
		"/record/sync": {"ref": {ref}}, "/undo": {"ref": {ref}, "field": {"name"}}, "/record/erase": {"ref": {ref}, "sure": {"l1"}}, "/conflicts/unknown": {"made": {"no"}}, "/runs/inventory": {"system": {"left-crm"}}, "/dead/replay": {"id": {"x"}},
		"/dead/discard": {"id": {"x"}, "why": {"test"}}, "/conflicts/resolve": {"ref": {ref}, "with": {"none"}},
		"/mappings/try": {"flow": {flowName}, "record": {"{}"}}, "/runs/verify": {"flow": {flowName}}, "/runs/forecast": {"from": {"left:people"}},
		"/runs/backfill": {"from": {"left:people"}}, "/runs/sweep": {"system": {"left-crm"}},
		"/health/suspend": {"flow": {flowName}}, "/health/resume": {"flow": {flowName}},
	}
}

// requestOf returns a request for a route.
func (w *world) requestOf(rt dashboard.Route) *http.Request {
	path := strings.NewReplacer("{$}", "", "{id}", "1", "{name}", "style.css").Replace(rt.Path)
	form := w.targets()[path]
	if rt.Method == http.MethodGet && form != nil {
		path += "?" + form.Encode()
	}
	return request(rt.Method, path, form)
}

func TestEveryRouteAsks(t *testing.T) {
	for _, rt := range dashboard.Routes() {
		t.Run(rt.Method+" "+rt.Path, func(t *testing.T) {
			var asked []dashboard.Action
			w := newWorld(t, func(o *dashboard.Options) {
				o.Authorize = func(_ *http.Request, a dashboard.Action) error {
					asked = append(asked, a)
					return errors.New("no")
				}
			})
			w.pair()
			before := w.state()
			res, body := w.ask(w.requestOf(rt))
			if res.StatusCode != http.StatusForbidden || !slices.Equal(asked, []dashboard.Action{rt.Action}) {
				t.Errorf("status %d, asked for %q, want 403 for %q alone", res.StatusCode, asked, rt.Action)
			}
			lacks(t, body, "Ada", ">l1<", "by create")
			if after := w.state(); after != before {
				t.Errorf("a refused request changed something:\n%s\n%s", before, after)
			}
			if rt.Method == http.MethodPost && rt.Action == dashboard.View && !harmless[rt.Path] {
				t.Error("a POST that only needs View must change nothing; list it here if so")
			}
			if res.Header.Get("Content-Security-Policy") == "" {
				t.Error("the refusal has no policy")
			}
		})
	}
}

// TestActsAreLimited erases and replays more often than anybody does by hand:
// each action of each person has an allowance of its own, which comes back.
func TestActsAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		actor := "ada"
		w := newWorld(t, func(o *dashboard.Options) { o.Actor = func(*http.Request) string { return actor } })
		status := func(path string) (int, string) {
			res, _ := w.ask(request("POST", path, w.targets()[path]))
			return res.StatusCode, res.Header.Get("Retry-After")
		}
		for n := range 10 {
			if got, _ := status("/record/erase"); got == http.StatusTooManyRequests {
				t.Fatalf("erasure %d is one too many", n+1)
			}
		}
		notes := len(w.notes())
		if got, after := status("/record/erase"); got != http.StatusTooManyRequests || after != "6" || len(w.notes()) != notes {
			t.Errorf("the eleventh: %d, again after %q, %d notes more", got, after, len(w.notes())-notes)
		}
		for n := range 30 {
			if got, _ := status("/dead/replay"); got == http.StatusTooManyRequests {
				t.Fatalf("replay %d pays for the erasures", n+1)
			}
		}
		if got, _ := status("/dead/replay"); got != http.StatusTooManyRequests {
			t.Errorf("replay 31: %d", got)
		}
		actor = "bob"
		if got, _ := status("/record/erase"); got == http.StatusTooManyRequests {
			t.Error("somebody else pays, too")
		}
		actor = "ada"
		time.Sleep(6 * time.Second)
		if got, _ := status("/record/erase"); got == http.StatusTooManyRequests {
			t.Error("the allowance does not come back")
		}
		if got, _ := status("/record/erase"); got != http.StatusTooManyRequests {
			t.Error("more comes back than the allowance")
		}
		for range 100 {
			w.get("/dead") // looking is free
		}
	})
}

func TestUnknownAddressesAskToo(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) {
		o.Authorize = func(*http.Request, dashboard.Action) error { return errors.New("no") }
	})
	for _, r := range []*http.Request{request("GET", "/nowhere", nil), request("POST", "/nowhere", nil), request("DELETE", "/dead", nil), request("GET", "/dead/replay", nil)} {
		if res, _ := w.ask(r); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s %s: status %d, want 403", r.Method, r.URL.Path, res.StatusCode)
		}
	}
}

// harmless are the POSTs that change nothing: they keep what is asked out of
// the address, or remember a theme in the browser.
var harmless = map[string]bool{"/records": true, "/mappings/try": true, "/theme": true}

// state sums up what acts change.
func (w *world) state() string {
	w.t.Helper()
	stats, err := w.cfg.Queue.Stats(w.t.Context(), w.left.records["l1"].UpdatedAt)
	if err != nil {
		w.t.Fatal(err)
	}
	suspended, err := w.engine.Suspended(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(append(w.notes(), fmt.Sprint(stats.Waiting, stats.Dead, len(suspended), w.left.get("l1", "name"), w.right.get("r1", "name"))), "|")
}

func TestReadOnly(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) { o.ReadOnly = true })
	ref := w.pair()
	before := w.state()
	for _, rt := range dashboard.Routes() {
		if rt.Path == "/stream" || rt.Action == dashboard.Reveal {
			continue
		}
		res, _ := w.ask(w.requestOf(rt))
		if refused := res.StatusCode == http.StatusForbidden; refused != (rt.Action != dashboard.View) {
			t.Errorf("%s %s: status %d for %q", rt.Method, rt.Path, res.StatusCode, rt.Action)
		}
	}
	if after := w.state(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	page := w.get(recordURL(ref))
	contains(t, page, "read-only", "Show the values")
	lacks(t, page, "Sync now", "Undo …")
}

func TestButtonsFollowPermission(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) {
		o.Authorize = func(_ *http.Request, a dashboard.Action) error {
			if a == dashboard.View || a == dashboard.Replay {
				return nil
			}
			return errors.New("no")
		}
	})
	w.die()
	ref := w.pair()
	contains(t, w.get("/dead"), "/dead/replay")
	for target, hidden := range map[string]string{"/dead": "/dead/discard", recordURL(ref): "/record/reveal", "/runs": "/runs/backfill", "/health": "/health/suspend", "/audit": "/runs/audit"} {
		lacks(t, w.get(target), hidden)
	}
}

func TestOnlyThisMachine(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"this machine":              {func(*http.Request) {}, 200},
		"by address":                {func(r *http.Request) { r.Host = "[::1]:8080"; r.RemoteAddr = "[::1]:9" }, 200},
		"another machine":           {func(r *http.Request) { r.RemoteAddr = "192.0.2.7:40000" }, 403},
		"a name that leads here":    {func(r *http.Request) { r.Host = "rebound.example.com" }, 403},
		"through a proxy":           {func(r *http.Request) { r.Header.Set("X-Forwarded-For", "192.0.2.7") }, 403},
		"through a standard proxy":  {func(r *http.Request) { r.Header.Set("Forwarded", "for=192.0.2.7") }, 403},
		"one that tells its scheme": {func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, 403},
		"one that tells itself":     {func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, 403},
		"an address without a port": {func(r *http.Request) { r.RemoteAddr = "@" }, 403},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := request("GET", "/", nil)
			c.change(r)
			if res, _ := w.ask(r); res.StatusCode != c.want {
				t.Errorf("status %d, want %d", res.StatusCode, c.want)
			}
		})
	}
}

func TestAuthorizedElsewhere(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) { o.Authorize = func(*http.Request, dashboard.Action) error { return nil } })
	r := request("GET", "/", nil)
	r.RemoteAddr, r.Host = "192.0.2.7:40000", "sync.example.com"
	if res, _ := w.ask(r); res.StatusCode != 200 {
		t.Errorf("status %d for somebody who may", res.StatusCode)
	}
}

func TestPanicForbids(t *testing.T) {
	w := newWorld(t, func(o *dashboard.Options) {
		o.Authorize = func(*http.Request, dashboard.Action) error { panic("no session") }
	})
	if res, _ := w.ask(request("GET", "/", nil)); res.StatusCode != 403 {
		t.Errorf("status %d when the check panics, want 403", res.StatusCode)
	}
}

func TestForgedRequests(t *testing.T) {
	w := newWorld(t)
	id := w.die()
	for name, forge := range map[string]func(*http.Request){
		"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"a sibling":    func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"an old browser": func(r *http.Request) {
			r.Header.Del("Sec-Fetch-Site")
			r.Header.Set("Origin", "https://evil.example.com")
		},
		"a frame without an origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		r := request("POST", "/dead/replay", url.Values{"id": {id}})
		forge(r)
		if res, _ := w.ask(r); res.StatusCode != 403 || len(w.letters()) != 1 {
			t.Errorf("%s: status %d, %d letters left", name, res.StatusCode, len(w.letters()))
		}
	}
	if res, _ := w.ask(request("GET", "/dead/replay?id="+url.QueryEscape(id), nil)); res.StatusCode == 303 || len(w.letters()) != 1 {
		t.Error("a GET replays")
	}
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	w.pair()
	for _, rt := range dashboard.Routes() {
		if rt.Path == "/stream" {
			continue // its test reads it
		}
		res, body := w.ask(w.requestOf(rt))
		for header, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin"} {
			if got := res.Header.Get(header); got != want {
				t.Errorf("%s %s: %s is %q, want %q", rt.Method, rt.Path, header, got, want)
			}
		}
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none';") || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("%s %s: the policy is %q", rt.Method, rt.Path, csp)
		}
		if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
			lacks(t, body, " style=", " onclick=", "<script>", "javascript:")
		}
	}
}

// TestPagesTakeABoundedTime has a store that never answers.
func TestPagesTakeABoundedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(o *dashboard.Options) { o.Config.Store = stuck{o.Config.Store} })
		began := time.Now()
		res, body := w.ask(request("GET", "/records", nil))
		if took := time.Since(began); res.StatusCode != http.StatusGatewayTimeout || took > time.Minute {
			t.Errorf("status %d after %v", res.StatusCode, took)
		}
		contains(t, body, "it took too long")
	})
}

// A stuck store lists no links.
type stuck struct{ sync.Store }

func (stuck) Links(ctx context.Context, _, _ string, _ int) ([]sync.Link, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}
