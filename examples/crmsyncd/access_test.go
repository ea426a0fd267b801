package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// What a proxy on this machine leads here looks as if it came from here, so
// without a password the dashboard is not where the receivers are.
func TestTheWorldReachesNoDashboard(t *testing.T) {
	admin := freeAddress(t)
	for name, c := range map[string]struct {
		settings, at string
		env          []string
		want         int
	}{
		"as the least says":  {want: http.StatusNotFound},
		"of another path":    {settings: "dashboard: {path: /people}\n", want: http.StatusNotFound},
		"off":                {settings: "dashboard: {off: true}\n", want: http.StatusNotFound},
		"with a password":    {env: []string{"CRMSYNC_DASHBOARD_VIEWER_PASSWORD=only to look at"}, want: http.StatusUnauthorized},
		"beside its address": {settings: "admin_listen: " + admin + "\n", want: http.StatusNotFound},
		"at its address":     {settings: "admin_listen: " + admin + "\n", at: admin, want: http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.settings, c.env...)
			stop := r.serve()
			at := strings.TrimPrefix(r.url, "http://")
			if c.at != "" {
				at = c.at
			}
			_, port, _ := strings.Cut(at, ":")
			for _, host := range []string{"127.0.0.1:" + port, "localhost", "localhost:" + port} {
				for _, path := range []string{"/sync/", "/people/"} {
					got := as(t, host, "http://"+at+path)
					if want := c.want; path == "/sync/" && got != want || path == "/people/" && got != http.StatusNotFound {
						t.Errorf("%s of %s is answered %d", path, host, got)
					}
				}
			}
			stop()
			told := strings.Contains(r.printed.String(), "CRMSYNC_DASHBOARD_OPERATOR_PASSWORD") && strings.Contains(r.printed.String(), "admin_listen")
			if want := strings.HasSuffix(name, "says") || strings.HasSuffix(name, "path"); told != want {
				t.Errorf("how to get the dashboard is told: %t, want %t", told, want)
			}
		})
	}
}

// as gets a page under a name of the server, as a proxy may.
func as(t *testing.T, host, page string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// Where a proxy leads strangers to the dashboard's own address, doctor tells.
func TestDoctorSeesAnOpenDashboard(t *testing.T) {
	admin := freeAddress(t)
	for name, c := range map[string]struct {
		settings         string
		env              []string
		lead             map[string]string // a path to the address that it leads to
		state, check, do string
	}{
		"none":               {state: stateNote, check: "dashboard", do: "admin_listen"},
		"at its address":     {settings: "admin_listen: " + admin + "\n", state: stateOK, check: "dashboard", do: "strangers"},
		"led there":          {settings: "admin_listen: " + admin + "\n", lead: map[string]string{"/sync/": admin}, state: stateFix, check: "dashboard", do: "/sync/"},
		"led to a password":  {settings: "admin_listen: " + admin + "\n", env: []string{"CRMSYNC_DASHBOARD_OPERATOR_PASSWORD=open sesame, please"}, lead: map[string]string{"/sync/": admin}, state: stateOK, check: "dashboard", do: "strangers"},
		"somebody else's":    {lead: map[string]string{"/sync/": "else"}, state: stateNote, check: "dashboard", do: "admin_listen"},
		"metrics for anyone": {state: stateWarn, check: "metrics", do: "admin_listen"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.settings, c.env...)
			other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			t.Cleanup(other.Close)
			proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { // which adds no header
				to := c.lead[p.In.URL.Path]
				switch to {
				case "":
					to = r.url
				case "else":
					to = other.URL
				default:
					to = "http://" + to
				}
				target, err := url.Parse(to)
				if err != nil {
					t.Error(err)
				}
				p.SetURL(target)
			}})
			t.Cleanup(proxy.Close)
			r.environ = append(r.environ, "CRMSYNC_PROBE_URL="+proxy.URL)
			r.serve()
			_, out, _ := r.run("doctor", "--json")
			var got examined
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err, out)
			}
			if !got.finds(c.state, c.check, c.do) {
				t.Errorf("no %s of %s that says %q: %s", c.state, c.check, c.do, out)
			}
		})
	}
}
