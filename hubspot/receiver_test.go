package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/urbanhub/crmsync/sync"
)

const (
	hookURL    = "https://example.com/hooks/hubspot"
	hookSecret = "client-secret-for-tests"
)

var hookNow = time.UnixMilli(1_790_000_000_000)

type inbox struct {
	items []sync.Item
	err   error
}

func (b *inbox) Enqueue(_ context.Context, items ...sync.Item) error {
	b.items = append(b.items, items...)
	return b.err
}

func (b *inbox) ids() []string {
	var ids []string
	for _, it := range b.items {
		ids = append(ids, it.(sync.Change).Ref.ID)
	}
	return ids
}

func signed(body []byte) *http.Request {
	r := httptest.NewRequest("POST", "/hooks/hubspot", bytes.NewReader(body))
	stamp := strconv.FormatInt(hookNow.UnixMilli(), 10)
	r.Header.Set("X-HubSpot-Request-Timestamp", stamp)
	r.Header.Set("X-HubSpot-Signature-v3", SignV3(hookSecret, "POST", hookURL, body, stamp))
	return r
}

func newHook(t testing.TB, in sync.Inbox, change func(*ReceiverOptions)) http.Handler {
	t.Helper()
	opts := ReceiverOptions{PublicURL: hookURL, Secrets: []string{hookSecret}, Now: func() time.Time { return hookNow }}
	if change != nil {
		change(&opts)
	}
	h, err := NewReceiver(in, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func send(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestReceiverTakesRecordedPayloads(t *testing.T) {
	type payload struct {
		Name    string
		Payload json.RawMessage
	}
	want := map[string][]string{
		"contact.creation by own app":                    {"106314056576"},
		"contact.propertyChange by own app, first retry": {"541935488729"},
		"deal.associationChange by user":                 nil,
		"sensitive property by user":                     {"847297356"},
		"old docs example (eventType key)":               {"1246965", "1246978"},
		"contact.merge":                                  {"300", "100", "200"},
	}
	seen := 0
	for _, p := range fixture[[]payload](t, "webhook_payloads.json") {
		ids, ok := want[p.Name]
		if !ok {
			continue
		}
		seen++
		in := &inbox{}
		if w := send(newHook(t, in, nil), signed(p.Payload)); w.Code != http.StatusNoContent {
			t.Errorf("%s: status %d", p.Name, w.Code)
		}
		if diff := cmp.Diff(ids, in.ids()); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
	}
	if seen != len(want) {
		t.Fatalf("%d of %d payloads found", seen, len(want))
	}
}

func TestReceiverBuildsTheChange(t *testing.T) {
	in := &inbox{}
	body := `[{"eventId":7,"portalId":33,"occurredAt":1790000000123,"subscriptionType":"contact.propertyChange","attemptNumber":%d,"objectId":512,"propertyName":"email","propertyValue":"x@example.com"}]`
	for attempt := range 2 {
		send(newHook(t, in, nil), signed(fmt.Appendf(nil, body, attempt)))
	}
	want := sync.Change{
		ID:         "hubspot:webhook:33:contact.propertyChange:512:email:1790000000123:7",
		Ref:        sync.Ref{System: System, Kind: Contact, ID: "512"},
		Reason:     sync.ReasonWebhook,
		OccurredAt: time.UnixMilli(1_790_000_000_123).UTC(),
		Priority:   sync.Live,
		Witness:    map[string]string{"email": sync.Text("x@example.com").Digest()},
	}
	if diff := cmp.Diff([]sync.Item{want, want}, in.items); diff != "" {
		t.Fatalf("a second attempt must have the same ID: %s", diff)
	}
}

func TestReceiverOutcomes(t *testing.T) {
	for body, want := range map[string]string{
		`[{"subscriptionType":"contact.deletion","objectId":1,"portalId":33}]`:                           "contact.deletion enqueued",
		`[{"subscriptionType":"contact.restore","objectId":"1","portalId":33}]`:                          "contact.restore enqueued",
		`[{"subscriptionType":"object.propertyChange","objectTypeId":"0-1","objectId":1,"portalId":33}]`: "object.propertyChange enqueued",
		`[{"subscriptionType":"object.propertyChange","objectTypeId":"0-3","objectId":1,"portalId":33}]`: "object.propertyChange ignored",
		`[{"subscriptionType":"contact.associationChange","fromObjectId":1,"portalId":33}]`:              "contact.associationChange ignored",
		`[{"subscriptionType":"deal.creation","objectId":1,"portalId":33}]`:                              "deal.creation ignored",
		`[{"subscriptionType":"contact.teleport","objectId":1,"portalId":33}]`:                           "contact.teleport unknown",
		`[{"subscriptionType":"starship.launch","objectId":1,"portalId":33}]`:                            "starship.launch unknown",
		`[{"subscriptionType":"contact.creation","objectId":1,"portalId":34}]`:                           "contact.creation foreign",
		`[{"subscriptionType":"contact.creation","portalId":33}]`:                                        "contact.creation malformed",
		`[{"subscriptionType":"contact.creation","objectId":1.5e3,"portalId":33}]`:                       " malformed",
		`[{"objectId":1,"portalId":33}]`:                                                                 " malformed",
		`[42]`:                                                                                           " malformed",
	} {
		var got string
		h := newHook(t, &inbox{}, func(o *ReceiverOptions) {
			o.PortalID = 33
			o.OnEvent = func(name string, o Outcome) { got = name + " " + string(o) }
		})
		if w := send(h, signed([]byte(body))); w.Code != http.StatusNoContent || got != want {
			t.Errorf("%s: status %d, %q; want %q", body, w.Code, got, want)
		}
	}
}

func TestReceiverRefuses(t *testing.T) {
	many := "[" + strings.Repeat("{},", 100) + "{}]"
	unsigned := signed([]byte("[]"))
	unsigned.Header.Del("X-HubSpot-Signature-v3")
	forged := signed([]byte("[]"))
	forged.Header.Set("X-HubSpot-Signature-v3", SignV3("wrong", "POST", hookURL, []byte("[]"), "1790000000000"))
	old := signed([]byte("[]"))
	old.Header.Set("X-HubSpot-Request-Timestamp", "1690000000000")
	for _, tt := range []struct {
		name string
		req  *http.Request
		want int
	}{
		{"get", httptest.NewRequest("GET", "/", nil), 405},
		{"unsigned", unsigned, 401},
		{"forged", forged, 401},
		{"old", old, 401},
		{"too large", signed(bytes.Repeat([]byte(" "), 1<<20+1)), 413},
		{"not JSON", signed([]byte("{'a'")), 400},
		{"an object", signed([]byte(`{"objectId":1}`)), 400},
		{"null", signed([]byte(`null`)), 400},
		{"too many", signed([]byte(many)), 400},
		{"empty", signed([]byte(`[]`)), 204},
	} {
		in := &inbox{}
		w := send(newHook(t, in, nil), tt.req)
		if w.Code != tt.want || len(in.items) != 0 {
			t.Errorf("%s: status %d, want %d; %d items", tt.name, w.Code, tt.want, len(in.items))
		}
		if tt.want == 401 && w.Body.String() != "Unauthorized\n" {
			t.Errorf("%s: tells %q", tt.name, w.Body)
		}
	}
}

func TestReceiverSaysWhenTheInboxIsDown(t *testing.T) {
	in := &inbox{err: errors.New("disk full")}
	w := send(newHook(t, in, nil), signed([]byte(`[{"subscriptionType":"contact.creation","objectId":1}]`)))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "disk") {
		t.Fatalf("status %d, %v, %q", w.Code, w.Header(), w.Body)
	}
}

func TestReceiverTakesTwoSecretsAndLegacySignatures(t *testing.T) {
	two := newHook(t, &inbox{}, func(o *ReceiverOptions) { o.Secrets = []string{"the-new-one", hookSecret} })
	if w := send(two, signed([]byte("[]"))); w.Code != 204 {
		t.Errorf("the second secret: status %d", w.Code)
	}
	legacy := func() *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader("[]"))
		r.Header = vector{Version: "v1", Expected: SignV1(hookSecret, []byte("[]"))}.header()
		return r
	}
	if w := send(newHook(t, &inbox{}, nil), legacy()); w.Code != 401 {
		t.Errorf("v1 by default: status %d", w.Code)
	}
	if w := send(newHook(t, &inbox{}, func(o *ReceiverOptions) { o.AllowV1 = true }), legacy()); w.Code != 204 {
		t.Errorf("v1 allowed: status %d", w.Code)
	}
}

func TestNewReceiverChecksItsOptions(t *testing.T) {
	good := ReceiverOptions{PublicURL: hookURL, Secrets: []string{"x"}}
	for field, change := range map[string]func(*ReceiverOptions){
		"PublicURL": func(o *ReceiverOptions) { o.PublicURL = "/hooks" },
		"Secrets":   func(o *ReceiverOptions) { o.Secrets = []string{"x", ""} },
	} {
		opts := good
		change(&opts)
		_, err := NewReceiver(&inbox{}, opts)
		var e *sync.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	if _, err := NewReceiver(nil, good); err == nil {
		t.Error("a receiver without an inbox")
	}
}

func FuzzReceiver(f *testing.F) {
	type payload struct{ Payload json.RawMessage }
	for _, p := range fixture[[]payload](f, "webhook_payloads.json") {
		f.Add([]byte(p.Payload))
	}
	f.Add([]byte(`[{"subscriptionType":"contact.merge","mergedObjectIds":[null,"9",9],"objectId":99999999999999999999}]`))
	f.Add([]byte(`[[[[]]]]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := &inbox{}
		w := send(newHook(t, in, nil), signed(body))
		if w.Code != 204 && w.Code != 400 && w.Code != 413 {
			t.Fatalf("status %d", w.Code)
		}
		for _, it := range in.items {
			if c := it.(sync.Change); c.ID == "" || !validID(c.Ref.ID) || c.Ref.Kind != Contact {
				t.Fatalf("an unusable change: %+v", c)
			}
		}
	})
}
