package hubspottest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

func TestQuotaHeadersAndWindow(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	r := newRig(t, &Options{Burst: 2, Daily: 5, Clock: func() time.Time { return now }})
	get := func() (int, http.Header) {
		status, header, _ := r.callAs(r.Token, "GET", contactsPath, "")
		return status, header
	}
	_, h := get()
	for name, want := range map[string]string{
		"Max": "2", "Remaining": "1", "Interval-Milliseconds": "10000", "Daily": "5", "Daily-Remaining": "4",
	} {
		if got := h.Get("X-HubSpot-RateLimit-" + name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	steps := []struct {
		skew time.Duration
		want int
	}{{0, 200}, {0, 429}, {9 * time.Second, 429}, {10 * time.Second, 200}, {10 * time.Second, 200}, {10 * time.Second, 429}, {time.Minute, 200}, {time.Minute, 429}, {17 * time.Hour, 200}}
	for i, s := range steps {
		r.SetSkew(s.skew)
		if got, _ := get(); got != s.want {
			t.Errorf("step %d at %v: %d, want %d", i, s.skew, got, s.want)
		}
	}
}

func TestQuotasAreSeparate(t *testing.T) {
	r := newRig(t, &Options{Burst: 1, SearchPerSecond: 1, SearchLag: -1, Clock: stopped})
	r.AddApp("other", 2)
	r.want(200, "GET", contactsPath, "")
	if status, _, _ := r.callAs("other", "GET", contactsPath, ""); status != 200 {
		t.Errorf("another app shares the burst: %d", status)
	}
	status, header, _ := r.callAs(r.Token, "POST", contactsPath+"/search", "{}")
	if status != 200 || header.Get("X-HubSpot-RateLimit-Max") != "" {
		t.Errorf("search: %d, %v", status, header)
	}
	if status, _, _ := r.callAs("other", "POST", contactsPath+"/search", "{}"); status != 429 {
		t.Errorf("search is per account, got %d", status)
	}
}

func TestTokens(t *testing.T) {
	r := newRig(t, nil)
	for _, token := range []string{"", "wrong"} {
		if status, _, _ := r.callAs(token, "GET", contactsPath, ""); status != 401 {
			t.Errorf("token %q: %d", token, status)
		}
	}
	r.want(200, "GET", contactsPath, "")
	r.RevokeToken(r.Token)
	r.want(401, "GET", contactsPath, "")
}

func TestLongAddress(t *testing.T) {
	r := newRig(t, nil)
	r.want(414, "GET", contactsPath+"/1?properties="+strings.Repeat("x", maxURL), "")
}

func TestFaultSwitches(t *testing.T) {
	r := newRig(t, nil)
	id := r.Create(map[string]string{"firstname": "Ana"})
	one := func(f Fault) Fault { f.Count = 1; return f }
	for want, f := range map[int]Fault{423: Locked(), 477: Moving(time.Minute), 502: ServerError(502)} {
		r.Faults().Add(one(f))
		status, header, _ := r.callAs(r.Token, "PATCH", contactsPath+"/"+id, `{"properties":{"firstname":"x"}}`)
		if status != want || want == 477 && header.Get("Retry-After") != "60" {
			t.Errorf("%d: got %d, %v", want, status, header)
		}
	}
	if c, _ := r.Contact(id); c["firstname"] != "Ana" {
		t.Error("a refused write took effect")
	}
	r.Faults().Add(Fault{Method: "PATCH", DropAfter: true, Count: 1})
	req, _ := http.NewRequestWithContext(t.Context(), "PATCH", r.URL+contactsPath+"/"+id, strings.NewReader(`{"properties":{"firstname":"Zoe"}}`))
	req.Header.Set("Authorization", "Bearer "+r.Token)
	if resp, err := r.Client().Do(req); err == nil {
		resp.Body.Close()
		t.Error("an answer came through")
	}
	if c, _ := r.Contact(id); c["firstname"] != "Zoe" {
		t.Error("applied, then cut: the write is gone")
	}
	r.Down(true)
	r.want(503, "GET", contactsPath, "")
	r.Down(false)
	r.want(200, "GET", contactsPath, "")
	r.DownUntil(r.Now().Add(time.Hour))
	r.want(503, "GET", contactsPath, "")
	r.SetSkew(time.Hour)
	r.want(200, "GET", contactsPath, "")
	if n := r.Log().Count(func(c Call) bool { return c.Status == 503 }); n != 2 || r.Log().Calls("/contacts/"+id) != 4 {
		t.Errorf("log: %+v", r.Log().Entries())
	}
}

func TestManyAtOnce(t *testing.T) {
	r := newRig(t, &Options{Burst: -1, SearchPerSecond: -1, SearchLag: -1, WebhookFlush: -1})
	b := &inbox{t: t, url: "http://example.com/h", secret: "x"}
	receiver := simhttp.Pipe(b)
	defer receiver.Close()
	r.SetWebhookClient(receiver.Client())
	r.Subscribe(b.url, b.secret, PropertyChanges("city")...)
	const workers, each = 8, 10
	var work sync.WaitGroup
	for w := range workers {
		work.Go(func() {
			id := r.Create(map[string]string{"email": fmt.Sprintf("w%d@example.com", w)})
			for i := range each {
				r.callAs(r.Token, "PATCH", contactsPath+"/"+id, fmt.Sprintf(`{"properties":{"city":"c%d"}}`, i))
				r.callAs(r.Token, "POST", contactsPath+"/search", "{}")
				r.Contacts()
			}
		})
	}
	work.Wait()
	r.Idle()
	if got := len(b.events()); got != workers*each || r.WriteCount("", "city") != got || r.Log().Calls("/search") != got {
		t.Errorf("%d events, %d writes, %d searches, want %d", got, r.WriteCount("", "city"), r.Log().Calls("/search"), workers*each)
	}
}

func TestPipeServerInVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPipeServer(nil)
		defer s.Close()
		s.Create(map[string]string{"email": "ana@example.com"})
		search := func() string {
			req, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+contactsPath+"/search", strings.NewReader("{}"))
			req.Header.Set("Authorization", "Bearer "+s.Token)
			resp, err := s.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			return string(body)
		}
		if got := search(); !strings.Contains(got, `"total":0`) {
			t.Errorf("at once: %s", got)
		}
		time.Sleep(2 * time.Second)
		if got := search(); !strings.Contains(got, `"total":1`) {
			t.Errorf("after the lag: %s", got)
		}
	})
}
