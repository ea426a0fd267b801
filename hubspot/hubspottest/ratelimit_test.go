package hubspottest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestPoint10RateLimits(t *testing.T) {
	get := func(r *rig, token string) (int, http.Header, doc) { return r.callAs(token, "GET", contactsPath, "") }
	for name, c := range map[string]struct {
		opts Options
		test func(*testing.T, *rig)
	}{
		"the window rolls and is counted per app": {Options{Burst: 2}, func(t *testing.T, r *rig) {
			r.AddApp("other", 2)
			steps := []struct {
				advance time.Duration
				token   string
				want    int
				left    string
			}{
				{0, r.Token, 200, "1"}, {5 * time.Second, r.Token, 200, "0"}, {0, r.Token, 429, "0"}, {0, "other", 200, "1"},
				{5 * time.Second, r.Token, 200, "0"}, {0, r.Token, 429, "0"}, {5 * time.Second, r.Token, 200, "0"},
			}
			for i, s := range steps {
				r.Advance(s.advance)
				status, h, _ := get(r, s.token)
				if status != s.want || h.Get("X-HubSpot-RateLimit-Remaining") != s.left {
					t.Errorf("step %d: %d, %s left", i, status, h.Get("X-HubSpot-RateLimit-Remaining"))
				}
			}
			if got := fmt.Sprint(r.RateLimited("TEN_SECONDLY_ROLLING"), r.RateLimited("DAILY"), r.RateLimited("")); got != "2 0 2" {
				t.Errorf("429s: %s", got)
			}
		}},
		"the day begins at the account's midnight": {Options{Burst: -1, Daily: 1}, func(t *testing.T, r *rig) {
			r.want(200, "GET", contactsPath, "")
			for _, step := range []struct {
				to   time.Duration // after noon UTC, 7:00 in Bogotá
				want int
			}{{0, 429}, {12 * time.Hour, 429}, {17*time.Hour - time.Second, 429}, {17 * time.Hour, 200}} {
				r.SetSkew(step.to)
				if status, _, out := get(r, r.Token); status != step.want || status == 429 && out["policyName"] != "DAILY" {
					t.Errorf("at %v: %d %v", step.to, status, out)
				}
			}
			if n := r.RateLimited("DAILY"); n != 3 {
				t.Errorf("%d answered 429", n)
			}
		}},
		"another time zone": {Options{Burst: -1, Daily: 1, Location: time.FixedZone("Asia/Tokyo", 9*60*60)}, func(t *testing.T, r *rig) {
			r.want(200, "GET", contactsPath, "")
			r.SetSkew(3*time.Hour - time.Second)
			r.want(429, "GET", contactsPath, "")
			r.SetSkew(3 * time.Hour)
			out := r.want(200, "GET", "/account-info/2026-09/details", "")
			if out["timeZone"] != "Asia/Tokyo" || out["utcOffset"] != "+09:00" || out["utcOffsetMilliseconds"] != 32_400_000.0 {
				t.Errorf("%v", out)
			}
		}},
		"OAuth apps have 110 and no daily limit": {Options{Daily: 1}, func(t *testing.T, r *rig) {
			access, _ := r.installed()
			for i := range 111 {
				status, h, _ := get(r, access)
				if want := map[bool]int{true: 200, false: 429}[i < 110]; status != want {
					t.Fatalf("request %d: %d", i, status)
				}
				if h.Get("X-HubSpot-RateLimit-Max") != "110" || h.Get("X-HubSpot-RateLimit-Daily") != "" {
					t.Fatalf("headers %v", h)
				}
			}
		}},
		"searches have their own limit, no headers, and count daily": {Options{SearchPerSecond: 1, Burst: 1, Daily: 3, SearchLag: -1}, func(t *testing.T, r *rig) {
			search := func() (int, http.Header, doc) { return r.callAs(r.Token, "POST", contactsPath+"/search", "{}") }
			status, h, _ := search()
			if status != 200 || h.Get("X-HubSpot-RateLimit-Max") != "" || h.Get("X-HubSpot-RateLimit-Daily") != "" {
				t.Errorf("search: %d %v", status, h)
			}
			if status, _, out := search(); status != 429 || out["policyName"] != "SECONDLY" || out["message"] != "You have reached your secondly limit." {
				t.Errorf("second search: %d %v", status, out)
			}
			_, h, _ = get(r, r.Token)
			if got := h.Get("X-HubSpot-RateLimit-Daily-Remaining"); got != "1" {
				t.Errorf("%s left of the day", got)
			}
		}},
		"Retry-After where Options want it": {Options{Burst: 1, Daily: 2, RetryAfter: true}, func(t *testing.T, r *rig) {
			r.want(200, "GET", contactsPath, "")
			r.Advance(3500 * time.Millisecond)
			if status, h, _ := get(r, r.Token); status != 429 || h.Get("Retry-After") != "7" {
				t.Errorf("burst: %d %v", status, h)
			}
			r.Advance(time.Minute)
			r.want(200, "GET", contactsPath, "")
			if status, h, _ := get(r, r.Token); status != 429 || h.Get("Retry-After") != "61137" { // 17 h less 63.5 s
				t.Errorf("daily: %d %v", status, h)
			}
		}},
		"no Retry-After otherwise": {Options{Burst: 1}, func(t *testing.T, r *rig) {
			r.want(200, "GET", contactsPath, "")
			if status, h, _ := get(r, r.Token); status != 429 || h.Get("Retry-After") != "" {
				t.Errorf("%d %v", status, h)
			}
		}},
		"another process eats from the quota": {Options{Burst: 10, Daily: 20}, func(t *testing.T, r *rig) {
			r.UseQuota(8)
			_, h, _ := get(r, r.Token)
			if h.Get("X-HubSpot-RateLimit-Remaining") != "1" || h.Get("X-HubSpot-RateLimit-Daily-Remaining") != "11" {
				t.Errorf("%v", h)
			}
			r.UseQuota(8)
			r.want(429, "GET", contactsPath, "")
			r.Advance(10 * time.Second)
			_, h, _ = get(r, r.Token)
			if h.Get("X-HubSpot-RateLimit-Daily-Remaining") != "2" {
				t.Errorf("%v", h)
			}
		}},
		"a record that is written too often is locked for two seconds": {Options{Burst: -1, RecordWrites: 2}, func(t *testing.T, r *rig) {
			id, calm := r.Create(nil), r.Create(nil)
			patch := func(id string) int {
				return r.status(r.Token, "PATCH", contactsPath+"/"+id, `{"properties":{"firstname":"Ana"}}`)
			}
			batch := fmt.Sprintf(`{"inputs":[{"id":%q,"properties":{"firstname":"Zoe"}}]}`, id)
			got := []int{
				patch(id), r.status(r.Token, "POST", "/crm/v3/objects/0-1/batch/update", batch), patch(id), patch(calm),
				r.status(r.Token, "GET", contactsPath+"/"+id, ""),
			}
			r.Advance(2*time.Second - time.Millisecond)
			got = append(got, r.status(r.Token, "POST", contactsPath+"/batch/update", batch))
			r.Advance(time.Millisecond)
			got = append(got, patch(id))
			if fmt.Sprint(got) != "[200 200 423 200 200 423 200]" {
				t.Errorf("%v", got)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c.opts.Clock = stopped
			c.test(t, newRig(t, &c.opts))
		})
	}
}

func TestPoint10Outages(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"firstname": "Ana"})
	write := func(name string) (*http.Response, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), "PATCH", r.URL+contactsPath+"/"+id, strings.NewReader(`{"properties":{"firstname":"`+name+`"}}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+r.Token)
		resp, err := r.Client().Do(req)
		if err != nil {
			return nil, "", err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, string(body), err
	}
	for _, c := range []struct {
		name   string
		fault  Fault
		status int // 0: the connection breaks
		header http.Header
		body   string
		takes  bool // effect
	}{
		{"locked", Locked(), 423, nil, `"status":"error"`, false},
		{"moving", Moving(90 * time.Second), 477, http.Header{"Retry-After": {"90"}}, `"status":"error"`, false},
		{"502", ServerError(502), 502, nil, `"status":"error"`, false},
		{"503", ServerError(503), 503, nil, `"status":"error"`, false},
		{"504", ServerError(504), 504, nil, `"status":"error"`, false},
		{"524", Cloudflare(524), 524, http.Header{"Content-Type": {"text/html; charset=UTF-8"}}, "<!DOCTYPE html>", false},
		{"cut before", CutBefore(), 0, nil, "", false},
		{"cut after", CutAfter(), 0, nil, "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.Edit(id, map[string]string{"firstname": "Ana"})
			c.fault.Count, c.fault.Method = 1, "PATCH"
			r.Faults().Add(c.fault)
			resp, body, err := write("Zoe")
			if (err != nil) != (c.status == 0) {
				t.Fatalf("error %v", err)
			}
			if err == nil && (resp.StatusCode != c.status || !strings.Contains(body, c.body)) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			for name := range c.header {
				if got := resp.Header.Get(name); got != c.header.Get(name) {
					t.Errorf("%s: %s", name, got)
				}
			}
			contact, _ := r.Contact(id)
			if took := contact["firstname"] == "Zoe"; took != c.takes {
				t.Errorf("took effect: %v", took)
			}
		})
	}
}
