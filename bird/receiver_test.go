package bird_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	stdsync "sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// inbox keeps what it is given, unless it is full.
type inbox struct {
	mu    stdsync.Mutex
	full  bool
	items []sync.Item
}

func (in *inbox) Enqueue(_ context.Context, items ...sync.Item) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.full {
		return errors.New("the disk is full")
	}
	in.items = append(in.items, items...)
	return nil
}

func (in *inbox) changes() (all []sync.Change) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, i := range in.items {
		if c, ok := i.(sync.Change); ok {
			all = append(all, c)
		}
	}
	return all
}

func (in *inbox) facts() (all []sync.Fact) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, i := range in.items {
		if f, ok := i.(sync.Fact); ok {
			all = append(all, f)
		}
	}
	return all
}

const (
	hookURL = "https://sync.example.com/webhooks/bird?tenant=acme"
	hookKey = "KeV+/HGoIQrxuE5YPCRR6AuQOJveldYNNhbVi1i22qk="
)

func receiver(t testing.TB, in *inbox) http.Handler { return receiverAt(t, in, nil) }

// receiverAt returns a receiver of the kinds with a clock of its own.
func receiverAt(t testing.TB, in *inbox, now func() time.Time, kinds ...sync.Kind) http.Handler {
	t.Helper()
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{"new", hookKey}, Now: now, Kinds: kinds, Witness: talkNames})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// hook returns a webhook signed with the key at the time.
func hook(body, key string, at time.Time) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://internal:8080/bird", strings.NewReader(body))
	ts := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256([]byte(body))
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(ts + "\n" + hookURL + "\n" + string(sum[:])))
	r.Header.Set("messagebird-signature", base64.StdEncoding.EncodeToString(m.Sum(nil)))
	r.Header.Set("messagebird-request-timestamp", ts)
	return r
}

func answer(h http.Handler, r *http.Request) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func payload(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestWebhooksBecomeChangesAndFacts(t *testing.T) {
	const (
		jane, whatsapp = "e013a75b-b5ac-4341-aa7c-571d38d067d0", "d4e8935a-5f48-45a5-95a5-ee7ba1e2c5b4"
		talk           = "7f7d4cff-2e27-4a1a-a2ba-0967341f974b"
		asked, told    = "3e75a9d2-2a54-45ac-856a-bbe02f874332", "0c854061-6026-48c7-a2e8-bffb6458727b"
	)
	for _, tt := range []struct {
		file, contact string
		facts         []string // id without "bird:"
	}{
		{"event-conversation-created", jane, []string{"conversation.started:" + talk, "message.received:" + asked}},
		{"event-conversation-updated-inbound-message", jane, []string{"message.received:" + asked}},
		{"payloads/event-conversation-updated-outbound-message", jane, []string{"message.sent:" + told}},
		{"payloads/event-conversation-updated-agent-joined", jane, []string{"message.received:" + asked,
			"escalation.triggered:" + talk + ":5795352d-f111-407b-be33-c9db94e4a666"}},
		{"event-conversation-updated-closed", jane, []string{"message.sent:" + told, "conversation.closed:" + talk + ":" + told}},
		{"event-conversation-deleted", jane, nil},
		{"event-whatsapp-inbound", whatsapp, []string{"message.received:404544c5-9920-45f1-8990-0855634ab7ac"}},
		{"event-whatsapp-outbound-agent-no-body", whatsapp, []string{"message.sent:de35d664-0000-4000-8000-000000000001"}},
	} {
		in := &inbox{}
		body := payload(t, tt.file)
		equal(t, tt.file, answer(receiver(t, in), hook(body, hookKey, time.Now())), 204)
		changes := in.changes()
		if len(changes) != 1 {
			t.Fatalf("%s: %d changes", tt.file, len(changes))
		}
		equal(t, tt.file, changes[0].Ref, ref(tt.contact))
		equal(t, tt.file, []any{changes[0].Reason, changes[0].Priority}, []any{sync.ReasonWebhook, sync.Live})
		if changes[0].OccurredAt.IsZero() || changes[0].ID == "" {
			t.Errorf("%s: %+v", tt.file, changes[0])
		}
		var ids []string
		for _, f := range in.facts() {
			id, _ := strings.CutPrefix(f.ID, "bird:")
			ids = append(ids, id)
			if f.Subject != ref(tt.contact) || f.OccurredAt.IsZero() || !strings.HasPrefix(id, f.Type+":") {
				t.Errorf("%s: %+v", tt.file, f)
			}
		}
		equal(t, tt.file, ids, tt.facts)
	}
}

func TestFactsTellWhatTheEventTold(t *testing.T) {
	const talk, channel = "7f7d4cff-2e27-4a1a-a2ba-0967341f974b", "e49b0247-4374-5652-bf37-bf937fa9983b"
	for _, tt := range []struct {
		file, fact string
		data       map[string]any
	}{
		{"event-whatsapp-inbound", "message.received", map[string]any{"message_id": "404544c5-9920-45f1-8990-0855634ab7ac",
			"channel_id": "52ad151f-f7b4-46f9-a5c6-d3318e650c84", "platform": "whatsapp", "text": "Test", "message_status": "delivered",
			"sender_type": "contact", "direction": "inbound"}},
		{"event-whatsapp-outbound-agent-no-body", "message.sent", map[string]any{"message_id": "de35d664-0000-4000-8000-000000000001",
			"channel_id": "52ad151f-f7b4-46f9-a5c6-d3318e650c84", "platform": "whatsapp", "message_status": "accepted", "direction": "outbound"}},
		{"payloads/event-conversation-updated-outbound-message", "message.sent", map[string]any{"message_id": "0c854061-6026-48c7-a2e8-bffb6458727b",
			"conversation_id": talk, "conversation_status": "active", "channel_id": channel, "message_status": "accepted",
			"sender_type": "bot", "direction": "outbound", "text": "Yes, it is! When would you like to move in?"}},
		{"event-conversation-updated-closed", "conversation.closed", map[string]any{
			"conversation_id": talk, "conversation_status": "closed", "channel_id": channel}},
		{"payloads/event-conversation-updated-agent-joined", "escalation.triggered", map[string]any{
			"conversation_id": talk, "conversation_status": "active", "channel_id": channel, "agent_id": "5795352d-f111-407b-be33-c9db94e4a666"}},
	} {
		in := &inbox{}
		answer(receiver(t, in), hook(payload(t, tt.file), hookKey, time.Now()))
		for _, f := range in.facts() {
			if f.Type == tt.fact {
				equal(t, tt.file, f.Data, tt.data)
				tt.fact = ""
			}
		}
		if tt.fact != "" {
			t.Errorf("%s: no fact %s", tt.file, tt.fact)
		}
	}
}

// TestChangeIDs are the same for a retry and differ for every further state.
func TestChangeIDs(t *testing.T) {
	const contact = `"featuredParticipants":[{"id":"c1","type":"contact"},{"id":"u1","type":"user"}]`
	id := func(body string) string {
		in := &inbox{}
		answer(receiver(t, in), hook(body, hookKey, time.Now()))
		return in.changes()[0].ID
	}
	seen := map[string]string{}
	for _, body := range []string{
		`{"event":"conversation.updated","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.045Z",` + contact + `}}`,
		`{"event":"conversation.deleted","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.045Z",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"v2","status":"active","updatedAt":"2026-01-22T04:17:54.045Z",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"v1","status":"closed","updatedAt":"2026-01-22T04:17:54.045Z",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.046Z",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.045Z","lastMessage":{"id":"m1"},` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"v1","status":"active","updatedAt":"2026-01-22T04:17:54.045Z","lastMessage":{"id":"m1","status":"read"},` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"status":"active",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"status":"closed",` + contact + `}}`,
		`{"event":"conversation.updated","payload":{"id":"` + strings.Repeat("v", 1000) + `",` + contact + `}}`,
	} {
		got := id(body)
		if got != id(body) {
			t.Errorf("a retry of %s has another id", body)
		}
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s have one id", body, other)
		}
		if len(got) > 300 {
			t.Errorf("an id of %d bytes", len(got))
		}
		seen[got] = body
	}
}

func TestEveryContactOfAConversationChanges(t *testing.T) {
	in := &inbox{}
	body := `{"event":"conversation.created","payload":{"id":"v1","initiatingParticipant":{"id":"c2","type":"contact"},
		"featuredParticipants":[{"id":"c1","type":"contact"},{"id":"c2","type":"contact"},{"id":"b1","type":"bot"},{"id":"not an id","type":"contact"}]}}`
	equal(t, "status", answer(receiver(t, in), hook(body, hookKey, time.Now())), 204)
	var ids []string
	for _, c := range in.changes() {
		ids = append(ids, c.Ref.ID)
	}
	equal(t, "contacts", ids, []string{"c2", "c1"})
	equal(t, "the fact is the initiator's", in.facts()[0].Subject, ref("c2"))
}

func TestReceiverAnswers(t *testing.T) {
	const body = `{"event":"conversation.updated","payload":{"id":"v1","featuredParticipants":[{"id":"c1","type":"contact"}]}}`
	now := time.Now()
	edit := func(f func(*http.Request)) *http.Request {
		r := hook(body, hookKey, now)
		f(r)
		return r
	}
	for name, tt := range map[string]struct {
		request *http.Request
		status  int
		items   int
	}{
		"good":              {hook(body, hookKey, now), 204, 1},
		"other key":         {hook(body, "new", now), 204, 1},
		"late retry":        {hook(body, hookKey, now.Add(-8*time.Hour)), 204, 1},
		"too old":           {hook(body, hookKey, now.Add(-25*time.Hour)), 401, 0},
		"a little ahead":    {hook(body, hookKey, now.Add(4*time.Minute)), 204, 1},
		"too far ahead":     {hook(body, hookKey, now.Add(6*time.Minute)), 401, 0},
		"wrong key":         {hook(body, "wrong", now), 401, 0},
		"no signature":      {edit(func(r *http.Request) { r.Header.Del("messagebird-signature") }), 401, 0},
		"no timestamp":      {edit(func(r *http.Request) { r.Header.Del("messagebird-request-timestamp") }), 401, 0},
		"other timestamp":   {edit(func(r *http.Request) { r.Header.Set("messagebird-request-timestamp", "1") }), 401, 0},
		"unsigned garbage":  {httptest.NewRequest("POST", "/", strings.NewReader("{")), 401, 0},
		"signed garbage":    {hook("{", hookKey, now), 400, 0},
		"wrong shape":       {hook(`{"event":"conversation.updated","payload":[]}`, hookKey, now), 400, 0},
		"no payload":        {hook(`{"event":"conversation.updated"}`, hookKey, now), 400, 0},
		"empty body":        {hook("", hookKey, now), 400, 0},
		"unknown event":     {hook(`{"event":"channel.created","payload":"anything"}`, hookKey, now), 204, 0},
		"nobody takes part": {hook(`{"event":"conversation.created","payload":{"id":"v1"}}`, hookKey, now), 204, 0},
		"GET":               {httptest.NewRequest("GET", "/", nil), 405, 0},
		"too large":         {hook(strings.Repeat("x", 1<<20+1), hookKey, now), 413, 0},
	} {
		in := &inbox{}
		equal(t, name, answer(receiver(t, in), tt.request), tt.status)
		equal(t, name, len(in.items), tt.items)
	}
}

func TestReceiverCountsAndAsksAgain(t *testing.T) {
	const body = `{"event":"conversation.updated","payload":{"id":"v1","featuredParticipants":[{"id":"c1","type":"contact"}]}}`
	in := &inbox{full: true}
	told := map[string]bird.Outcome{}
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookKey},
		OnEvent: func(event string, o bird.Outcome) { told[event] = o }})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "full", answer(r, hook(body, hookKey, time.Now())), 503)
	in.full = false
	equal(t, "again", answer(r, hook(body, hookKey, time.Now())), 204)
	answer(r, hook(body, "wrong", time.Now()))
	answer(r, hook(`{"event":"number.bought"}`, hookKey, time.Now()))
	answer(r, hook(`{"event":"conversation.deleted"}`, hookKey, time.Now()))
	answer(r, hook(`{"event":"conversation.created","payload":{"id":"v1"}}`, hookKey, time.Now()))
	equal(t, "outcomes", told, map[string]bird.Outcome{"conversation.updated": bird.Enqueued, "number.bought": bird.Unknown,
		"conversation.deleted": bird.Malformed, "conversation.created": bird.Ignored})
}

func TestReceiverNeedsURLAndKeys(t *testing.T) {
	for rule, opts := range map[string]bird.ReceiverOptions{
		"receiver.url":  {PublicURL: "/webhooks/bird", Secrets: []string{"k"}},
		"receiver.keys": {PublicURL: hookURL, Secrets: []string{"k", ""}},
	} {
		_, err := bird.NewReceiver(&inbox{}, opts)
		equal(t, "rule", failure(t, err, sync.Fatal).Rule, rule)
	}
}

// TestSimulatedWebhooksArrive lets the simulator sign what the receiver
// checks: two implementations that know nothing of each other.
func TestSimulatedWebhooksArrive(t *testing.T) {
	s := birdtest.NewServer(nil)
	defer s.Close()
	in := &inbox{}
	var target http.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { target.ServeHTTP(w, r) }))
	defer web.Close()
	r, err := bird.NewReceiver(in, bird.ReceiverOptions{PublicURL: web.URL + "/bird", Secrets: []string{"key"}})
	if err != nil {
		t.Fatal(err)
	}
	target = r
	for _, event := range []string{"conversation.created", "conversation.updated", "whatsapp.inbound"} {
		s.Subscribe(event, web.URL+"/bird", "key")
	}
	id := create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"})
	conversation := s.StartConversation(id)
	message := s.ReceiveMessage(conversation, "Is it still available?")
	if err := s.WaitWebhooks(context.Background()); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range in.facts() {
		got[f.Type] = f.ID
		equal(t, "conversation", f.Data["conversation_id"], any(conversation))
	}
	equal(t, "facts", got, map[string]string{"conversation.started": "bird:conversation.started:" + conversation,
		"message.received": "bird:message.received:" + message})
	for _, c := range in.changes() {
		equal(t, "contact", c.Ref, ref(id))
	}
}

func FuzzReceiver(f *testing.F) {
	files, err := filepath.Glob("testdata/event-*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range append(files, "testdata/payloads/event-conversation-updated-agent-joined.json") {
		f.Add(payload(f, strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".json")), true)
	}
	for _, body := range []string{`{"event":"conversation.created","payload":null}`, `{`, ``, outbound("m1", bird.StatusRead),
		`{"event":"x.inbound","payload":{"id":1}}`, `{"event":"x.outbound","payload":{"id":"m","context":{"id":"v:m:c"},"status":"rejected","body":[]}}`} {
		f.Add(body, true)
		f.Add(body, false)
	}
	f.Fuzz(func(t *testing.T, body string, proper bool) {
		in, again := &inbox{}, &inbox{}
		key := "wrong"
		if proper {
			key = hookKey
		}
		sent := time.Now()
		status := answer(receiverAt(t, in, nil, bird.Contact, bird.ConversationKind), hook(body, key, sent))
		switch {
		case !proper && len(body) <= 1<<20 && status != 401:
			t.Fatalf("a forged webhook is answered %d", status)
		case status != 204 && status != 400 && status != 401 && status != 413:
			t.Fatalf("answered %d", status)
		case status != 204 && len(in.items) > 0:
			t.Fatal("something was stored of a refused webhook")
		}
		wellFormed(t, in)
		for _, f := range in.facts() {
			for name, v := range f.Data {
				if text, ok := v.(string); !ok || text == "" {
					t.Fatalf("%s is no text in %+v", name, f)
				}
			}
		}
		later := func() time.Time { return sent.Add(8 * time.Hour) }
		answer(receiverAt(t, again, later, bird.Contact, bird.ConversationKind), hook(body, key, sent))
		if diff := cmp.Diff(in.items, again.items); diff != "" {
			t.Fatal("a retry is another event: ", diff)
		}
	})
}

// wellFormed checks what a queue relies on.
func wellFormed(t *testing.T, in *inbox) {
	t.Helper()
	for _, c := range in.changes() {
		if c.ID == "" || c.Ref.ID == "" || len(c.ID) > 300 || len(c.Ref.ID) > 64 {
			t.Fatalf("%+v", c)
		}
	}
	for _, f := range in.facts() {
		_, err := json.Marshal(f)
		if f.ID == "" || f.Type == "" || f.Subject.ID == "" || f.OccurredAt.IsZero() || len(f.ID) > 300 || err != nil {
			t.Fatalf("%+v, %v", f, err)
		}
	}
}
