package hubspottest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/internal/simhttp"
)

// inbox is a receiver that checks every signature.
type inbox struct {
	t      *testing.T
	url    string
	secret string

	mu       sync.Mutex
	requests [][]doc
	stamps   []string
	answer   func(n int) int // status of the n-th request, from 0
}

func (b *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	stamp := r.Header.Get("X-HubSpot-Request-Timestamp")
	if got, want := r.Header.Get("X-HubSpot-Signature-v3"), SignatureV3(b.secret, "POST", b.url, body, stamp); got != want {
		b.t.Errorf("signature %s, want %s", got, want)
	}
	if got := r.Header.Get("X-HubSpot-Signature-Version") + r.Header.Get("X-HubSpot-Signature"); got != "v1"+SignatureV1(b.secret, body) {
		b.t.Errorf("old signature %s", got)
	}
	var events []doc
	if err := json.Unmarshal(body, &events); err != nil {
		b.t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.requests)
	b.requests = append(b.requests, events)
	b.stamps = append(b.stamps, stamp)
	if b.answer != nil {
		w.WriteHeader(b.answer(n))
	}
}

func (b *inbox) events() []doc {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Concat(b.requests...)
}

func (b *inbox) requestCount() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.requests)
}

// bubble runs f in virtual time with an account and its receiver, both on pipes.
func bubble(t *testing.T, o Options, f func(t *testing.T, s *Server, b *inbox)) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPipeServer(&o)
		defer s.Close()
		b := &inbox{t: t, url: "https://sync.example.com/hooks/hubspot?from=a%2Fb", secret: "app secret"}
		receiver := simhttp.Pipe(b)
		defer receiver.Close()
		s.SetWebhookClient(plainHTTP(receiver.Client()))
		s.Subscribe(b.url, b.secret)
		f(t, s, b)
	})
}

// plainHTTP sends requests for https addresses without TLS.
func plainHTTP(c *http.Client) *http.Client {
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme = "http"
		return c.Do(r)
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func settle(t *testing.T, s *Server) {
	t.Helper()
	if err := s.WaitWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// told is an event as one line.
func told(e doc) string {
	line := fmt.Sprint(e["subscriptionType"], " ", e["objectId"], " ", e["changeSource"], " ", e["sourceId"])
	for _, k := range []string{"propertyName", "propertyValue", "changeFlag", "mergedObjectIds", "newObjectId"} {
		if v, ok := e[k]; ok {
			line += fmt.Sprint(" ", v)
		}
	}
	return line
}

func TestEventsOfALife(t *testing.T) {
	bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
		id := func(text string) float64 { n, _ := parseID(text); return float64(n) }
		a := s.Create(map[string]string{"firstname": "Ana", "email": "ana@example.com"})
		s.Edit(a, map[string]string{"firstname": "Ana", "email": ""}) // one real change
		if err := s.EditAs(Workflow("7"), a, map[string]string{"city": "Cali"}); err != nil {
			t.Fatal(err)
		}
		s.Archive(a)
		s.Restore(a)
		c := s.Create(nil)
		m := s.Merge(a, c)
		s.Erase(m)
		settle(t, s)
		var got []string
		for _, e := range b.events() {
			got = append(got, told(e))
		}
		slices.Sort(got[len(got)-2:]) // the two events of an erasure come in either order
		user := " CRM_UI userId:1"
		x, y, z := id(a), id(c), id(m)
		want := []string{
			fmt.Sprint("contact.creation ", x, user, " CREATED"),
			fmt.Sprint("contact.propertyChange ", x, user, " email ana@example.com"),
			fmt.Sprint("contact.propertyChange ", x, user, " firstname Ana"),
			fmt.Sprint("contact.propertyChange ", x, user, " email "),
			fmt.Sprint("contact.propertyChange ", x, " AUTOMATION_PLATFORM 7 city Cali"),
			fmt.Sprint("contact.deletion ", x, user, " DELETED"),
			fmt.Sprint("contact.restore ", x, user, " RESTORED"),
			fmt.Sprint("contact.creation ", y, user, " CREATED"),
			fmt.Sprint("contact.merge ", x, user, " ", []any{y}, " ", z),
			fmt.Sprint("contact.deletion ", y, user, " DELETED"),
			fmt.Sprint("contact.deletion ", z, user, " DELETED"),
			fmt.Sprint("contact.privacyDeletion ", z, " <nil> <nil>"),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestEventsHaveTheVendorsShape(t *testing.T) {
	var recorded []struct {
		Name    string
		Payload json.RawMessage
	}
	readJSON(t, "testdata/webhook_payloads.json", &recorded)
	shapes := map[string][]string{}
	for _, r := range recorded {
		var events []doc
		if json.Unmarshal(r.Payload, &events) == nil {
			shapes[r.Name] = slices.Sorted(maps.Keys(events[0]))
		}
	}
	bubble(t, Options{}, func(t *testing.T, s *Server, b *inbox) {
		s.Merge(s.Create(map[string]string{"email": "x@example.com"}), s.Create(nil))
		settle(t, s)
		got := map[string][]string{}
		for _, e := range b.events() {
			got[e["subscriptionType"].(string)] = slices.Sorted(maps.Keys(e))
		}
		for kind, name := range map[string]string{
			"contact.creation":       "contact.creation by own app",
			"contact.propertyChange": "contact.propertyChange by own app, first retry",
			"contact.merge":          "contact.merge",
		} {
			if diff := cmp.Diff(shapes[name], got[kind]); diff != "" {
				t.Errorf("%s: %s", kind, diff)
			}
		}
	})
}

func TestSubscriptionsSelect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewPipeServer(nil)
		defer s.Close()
		b := &inbox{t: t, url: "http://example.com/h", secret: "x"}
		receiver := simhttp.Pipe(b)
		defer receiver.Close()
		s.SetWebhookClient(receiver.Client())
		s.DefineProperty("tour_at", "datetime", "", false)
		s.Subscribe(b.url, b.secret, append(PropertyChanges("phone", "tour_at"), Subscription{Type: "object.creation"})...)
		id := s.Create(map[string]string{"firstname": "Ana", "phone": "1"})
		s.Edit(id, map[string]string{"lastname": "Roa", "tour_at": "2026-09-21T14:13:21Z"})
		settle(t, s)
		var got []string
		for _, e := range b.events() {
			got = append(got, fmt.Sprintf("%v %v %v %v", e["subscriptionType"], e["subscriptionId"], e["objectTypeId"], e["propertyValue"]))
		}
		want := []string{"object.creation 3 0-1 <nil>", "contact.propertyChange 1 <nil> 1", "contact.propertyChange 2 <nil> 1790000001000"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestRetriesAreSignedAnewAndEnd(t *testing.T) {
	bubble(t, Options{WebhookRetryScale: 1}, func(t *testing.T, s *Server, b *inbox) {
		b.answer = func(n int) int { return map[bool]int{true: 503, false: 204}[n < 2] }
		start := time.Now()
		s.Create(nil)
		settle(t, s)
		var numbers, times []string
		for i, e := range b.events() {
			numbers = append(numbers, fmt.Sprint(e["attemptNumber"]))
			ms, _ := parseID(b.stamps[i])
			times = append(times, time.UnixMilli(ms).Sub(start).Truncate(time.Second).String())
		}
		if got := fmt.Sprint(numbers, times); got != "[0 1 2] [0s 1m0s 5m0s]" {
			t.Errorf("attempts %s", got)
		}
		b.answer = func(int) int { return 500 }
		before := b.requestCount()
		start = time.Now()
		s.Create(nil)
		settle(t, s)
		if n := b.requestCount() - before; n != 11 {
			t.Errorf("%d attempts, want 1 and 10 retries", n)
		}
		if d := time.Since(start); d != 24*time.Hour {
			t.Errorf("retries took %v", d)
		}
		if st := s.WebhookStats(); st != (WebhookStats{Delivered: 1, Failed: 1, Attempts: 14}) {
			t.Errorf("stats %+v", st)
		}
	})
}

func TestEventsAreGatheredUpTo100(t *testing.T) {
	bubble(t, Options{WebhookFlush: time.Second}, func(t *testing.T, s *Server, b *inbox) {
		for range 150 {
			s.Create(nil)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		sizes := []int{}
		for _, r := range b.requests {
			sizes = append(sizes, len(r))
		}
		slices.Sort(sizes)
		if diff := cmp.Diff([]int{50, 100}, sizes); diff != "" {
			t.Error(diff)
		}
	})
}

func TestNetworkSwitches(t *testing.T) {
	bubble(t, Options{Seed: 5}, func(t *testing.T, s *Server, b *inbox) {
		s.Create(nil)
		s.DropNext(1)
		s.Create(nil)
		settle(t, s)
		if n := len(b.events()); n != 1 {
			t.Errorf("%d events, want the first only", n)
		}
		s.SetChaos(Chaos{Duplicate: 1})
		s.Create(nil)
		settle(t, s)
		if n := len(b.events()); n != 3 {
			t.Errorf("%d events, want the third twice", n-1)
		}
		s.SetChaos(Chaos{})
		s.ShuffleWebhooks(true)
		before := len(b.events())
		for range 20 {
			s.Create(nil)
		}
		settle(t, s)
		var order []float64
		for _, e := range b.events()[before:] {
			order = append(order, e["objectId"].(float64))
		}
		if len(order) != 20 || slices.IsSorted(order) {
			t.Errorf("not mixed: %v", order)
		}
	})
}

func TestOwnWritesNameTheApp(t *testing.T) {
	s := NewServer(&Options{AppID: 42, WebhookTimeout: time.Minute})
	defer s.Close()
	s.AddApp("other", 43)
	b := &inbox{t: t, secret: "x"}
	receiver := httptest.NewServer(b)
	defer receiver.Close()
	b.url = receiver.URL + "/hook"
	s.Subscribe(b.url, b.secret, Subscription{Type: "contact.creation"})
	r := &rig{s, t}
	for _, token := range []string{s.Token, "other"} {
		if status, _, out := r.callAs(token, "POST", contactsPath, `{"properties":{}}`); status != 201 {
			t.Fatal(status, out)
		}
		s.Idle()
	}
	var got []string
	for _, e := range b.events() {
		got = append(got, fmt.Sprint(e["changeSource"], " ", e["sourceId"]))
	}
	if diff := cmp.Diff([]string{"INTEGRATION 42", "INTEGRATION 43"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestPublishedSignatures(t *testing.T) {
	var all []struct{ Name, Version, ClientSecret, Method, URI, RequestURI, Body, Timestamp, Expected string }
	for _, file := range []string{"testdata/signature_vectors.json", "testdata/signature_vectors_derived.json"} {
		before := len(all)
		var part = all[:0:0]
		readJSON(t, file, &part)
		all = append(all, part...)
		if len(all) == before {
			t.Errorf("%s is empty", file)
		}
	}
	checked := 0
	for _, v := range all {
		got := ""
		switch v.Version {
		case "v1":
			got = SignatureV1(v.ClientSecret, []byte(v.Body))
		case "v3":
			got = SignatureV3(v.ClientSecret, v.Method, v.URI+v.RequestURI, []byte(v.Body), v.Timestamp)
		default:
			continue // v2 is for workflow actions, which are not sent
		}
		checked++
		if got != v.Expected {
			t.Errorf("%s: %s, want %s", v.Name, got, v.Expected)
		}
	}
	if checked != 6 {
		t.Errorf("checked %d vectors", checked)
	}
}
