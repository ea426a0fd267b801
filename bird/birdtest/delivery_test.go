package birdtest_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/internal/simhttp"
)

// hook records what is delivered to it. It answers with the statuses in turn,
// the last one for ever.
type hook struct {
	URL      string
	mu       sync.Mutex
	statuses []int
	headers  []http.Header
	raw      [][]byte
}

func newHook(t *testing.T, statuses ...int) *hook {
	h := &hook{statuses: statuses}
	web := httptest.NewServer(h)
	t.Cleanup(web.Close)
	h.URL = web.URL + "/hook"
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	status := h.statuses[min(len(h.raw), len(h.statuses)-1)]
	h.headers, h.raw = append(h.headers, r.Header.Clone()), append(h.raw, body)
	w.WriteHeader(status)
}

func (h *hook) bodies() (all []object) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, raw := range h.raw {
		var o object
		_ = json.Unmarshal(raw, &o)
		all = append(all, o)
	}
	return all
}

func waitWebhooks(t *testing.T, s *birdtest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.WaitWebhooks(ctx); err != nil {
		t.Fatal(err)
	}
}

func TestPoint13FlowCalls(t *testing.T) {
	for _, asText := range []bool{false, true} {
		s := newServer(t, &birdtest.Options{ArraysAsText: asText})
		h := newHook(t, 200)
		s.OnContactChange(h.URL, "secret")
		id, err := s.Create(object{"msisdn": "+573000000001", "name": "Jane", "property_interest": "loft", "external_id": "901"})
		if err != nil {
			t.Fatal(err)
		}
		waitWebhooks(t, s)
		body := h.bodies()[0]
		for _, key := range []string{"event_id", "occurred_at"} {
			if body[key] == "" {
				t.Error("no", key)
			}
			delete(body, key)
		}
		phone := any([]any{"+573000000001"})
		if asText {
			phone = `["+573000000001"]`
		}
		want(t, "body", body, object{"event": "contact.created", "bird_contact_id": id, "msisdn": phone, "email": "",
			"name": "Jane", "conversation_id": "", "conversation_status": "", "property_interest": "loft", "external_id": "901",
			"attributes": object{"propertyInterest": ""}})
		want(t, "secret", h.headers[0].Get("Authorization"), "Bearer secret")
		want(t, "signature", h.headers[0].Get("messagebird-signature"), "")
	}
}

func TestPoint13FlowsFireOnEveryKindOfChange(t *testing.T) {
	for _, quiet := range []bool{false, true} {
		s := newServer(t, &birdtest.Options{QuietAPI: quiet})
		h := newHook(t, 200)
		s.OnContactChange(h.URL, "secret")
		id, err := s.Create(object{"name": "Jane"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Edit(id, object{"name": "Janet"}); err != nil {
			t.Fatal(err)
		}
		call(t, s, "PATCH", "/contacts/"+id, object{"attributes": object{"displayName": "J"}})
		call(t, s, "GET", "/contacts/"+id, nil)
		if !s.RunFlow(id, "tour.scheduled", object{"starts_at": "2026-01-25T10:00:00Z"}) || s.RunFlow("none", "x", nil) {
			t.Error("RunFlow reports wrongly")
		}
		if err := s.Delete(id); err != nil {
			t.Fatal(err)
		}
		waitWebhooks(t, s)
		var events []string
		for _, b := range h.bodies() {
			events = append(events, b["event"].(string))
		}
		slices.Sort(events)
		all := []string{"contact.created", "contact.deleted", "contact.updated", "contact.updated", "tour.scheduled"}
		if quiet {
			all = slices.Delete(all, 2, 3)
		}
		want(t, "events", events, all)
		s.OnContactChange("", "")
		if _, err := s.Create(object{"name": "Bob"}); err != nil {
			t.Fatal(err)
		}
		waitWebhooks(t, s)
		want(t, "after the Flow's end", len(h.bodies()), len(all))
	}
}

func TestPoint13FlowCallsAreRepeatedDroppedAndDoubled(t *testing.T) {
	s := newServer(t, &birdtest.Options{FlowPause: time.Millisecond, FlowRetries: 2})
	h := newHook(t, 503, 500, 200)
	s.OnContactChange(h.URL, "secret")
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	waitWebhooks(t, s)
	b := h.bodies()
	want(t, "tries", len(b), 3)
	want(t, "a repeated call is the same run", []any{b[0]["event_id"], b[1]["event_id"]}, []any{b[2]["event_id"], b[2]["event_id"]})
	s.DropNext(1)
	s.RunFlow(id, "lost", nil)
	s.SetChaos(birdtest.Chaos{Duplicate: 1})
	s.RunFlow(id, "doubled", nil)
	waitWebhooks(t, s)
	b = h.bodies()
	want(t, "then", []any{len(b), b[3]["event"], b[4]["event"]}, []any{5, "doubled", "doubled"})
	want(t, "stats", s.FlowStats(), birdtest.DeliveryStats{Delivered: 3, Dropped: 1, Duplicated: 1, Attempts: 5})
}

func TestPoint10SignedWebhooks(t *testing.T) {
	s := newServer(t, nil)
	h := newHook(t, 200)
	for _, event := range []string{"conversation.created", "whatsapp.inbound"} {
		s.Subscribe(event, h.URL+"?tenant=acme", "key")
	}
	id, err := s.Create(object{"name": "Jane", "msisdn": "+573000000001"})
	if err != nil {
		t.Fatal(err)
	}
	conversation := s.StartConversation(id)
	waitWebhooks(t, s)
	message := s.ReceiveMessage(conversation, "Hello")
	waitWebhooks(t, s)
	if conversation == "" || message == "" || s.StartConversation("none") != "" || s.ReceiveMessage("none", "x") != "" {
		t.Error("wrong ids")
	}
	b := h.bodies()
	want(t, "events", []any{len(b), b[0]["service"], b[0]["event"], b[1]["service"], b[1]["event"]},
		[]any{2, "conversations", "conversation.created", "channels", "whatsapp.inbound"})
	want(t, "conversation", b[0]["payload"].(object)["id"], any(conversation))
	want(t, "context", b[1]["payload"].(object)["context"].(object)["id"], any(conversation+":"+message+":"+id))
	for i, header := range h.headers {
		sum := sha256.Sum256(h.raw[i])
		mac := hmac.New(sha256.New, []byte("key"))
		mac.Write([]byte(header.Get("messagebird-request-timestamp") + "\n" + h.URL + "?tenant=acme\n" + string(sum[:])))
		want(t, "signature", header.Get("messagebird-signature"), base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
}

// TestPoint10RetriesKeepTheFirstTimestamp lives in a bubble, where eight hours pass
// at once.
func TestPoint10RetriesKeepTheFirstTimestamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		h := &hook{statuses: []int{503}}
		web := simhttp.Pipe(h)
		defer web.Close()
		s.SetWebhookClient(web.Client())
		s.Subscribe("conversation.created", "http://sync.example.com/bird", "key")
		id, err := s.Create(object{"name": "Jane"})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		s.StartConversation(id)
		if err := s.WaitWebhooks(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 7*time.Hour || took > 9*time.Hour {
			t.Errorf("gave up after %v", took)
		}
		want(t, "tries", len(h.headers), 20)
		for _, header := range h.headers {
			want(t, "timestamp", header.Get("messagebird-request-timestamp"), h.headers[0].Get("messagebird-request-timestamp"))
		}
		want(t, "stats", s.WebhookStats(), birdtest.DeliveryStats{Failed: 1, Attempts: 20})
	})
}

// signedBy reports whether a delivery carries the signature of the key over
// the hook's address.
func signedBy(h *hook, i int, key string) bool {
	sum := sha256.Sum256(h.raw[i])
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(h.headers[i].Get("messagebird-request-timestamp") + "\n" + h.URL + "\n" + string(sum[:])))
	return h.headers[i].Get("messagebird-signature") == base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// person makes a contact with nothing but a name.
func person(t *testing.T, s *birdtest.Server) string {
	t.Helper()
	id, err := s.Create(object{"name": "Jane"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
