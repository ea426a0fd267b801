package hubspot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
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
		c := it.(sync.Change)
		ids = append(ids, string(c.Ref.Kind)+" "+c.Ref.ID)
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

// everyKind asks for the events of all records.
func everyKind(o *ReceiverOptions) {
	o.Kinds = []sync.Kind{Contact, Deal, Note, Task, Meeting, Communication}
}

func TestReceiverTakesRecordedPayloads(t *testing.T) {
	type payload struct {
		Name    string
		Payload json.RawMessage
	}
	type outcome struct {
		status int
		ids    []string
	}
	want := map[string]outcome{
		"contact.creation by own app":                    {204, []string{"contact 106314056576"}},
		"contact.propertyChange by own app, first retry": {204, []string{"contact 541935488729"}},
		"deal.associationChange by user":                 {204, []string{"deal 64058987777"}},
		"sensitive property by user":                     {204, []string{"contact 847297356"}},
		"old docs example (eventType key)":               {204, []string{"contact 1246965", "contact 1246978"}},
		"contact.merge":                                  {204, []string{"contact 300", "contact 100", "contact 200"}},
		"journal file":                                   {400, nil},
		"journal page reference":                         {400, nil},
		"custom workflow action request":                 {400, nil},
	}
	for _, p := range fixture[[]payload](t, "webhook_payloads.json") {
		in := &inbox{}
		w := send(newHook(t, in, everyKind), signed(p.Payload))
		got := outcome{w.Code, in.ids()}
		if diff := cmp.Diff(want[p.Name], got, cmp.AllowUnexported(outcome{})); diff != "" {
			t.Errorf("%s: %s", p.Name, diff)
		}
		delete(want, p.Name)
	}
	if len(want) > 0 {
		t.Fatalf("payloads not found: %v", want)
	}
}

func TestReceiverKnowsEveryForm(t *testing.T) {
	for body, want := range map[string][]string{
		`{"subscriptionType":"deal.creation","objectId":4}`:                                                                                                        {"deal 4"},
		`{"subscriptionType":"object.creation","objectTypeId":"0-3","objectId":4}`:                                                                                 {"deal 4"},
		`{"subscriptionType":"object.creation","objectTypeId":"0-46","objectId":5}`:                                                                                {"note 5"},
		`{"subscriptionType":"object.deletion","objectTypeId":"0-27","objectId":6}`:                                                                                {"task 6"},
		`{"subscriptionType":"object.restore","objectTypeId":"0-47","objectId":7}`:                                                                                 {"meeting 7"},
		`{"subscriptionType":"object.propertyChange","objectTypeId":"0-18","objectId":8,"propertyName":"hs_x"}`:                                                    {"communication 8"},
		`{"subscriptionType":"deal.merge","objectId":1,"primaryObjectId":1,"mergedObjectIds":[2,3]}`:                                                               {"deal 1", "deal 2", "deal 3"},
		`{"subscriptionType":"object.merge","objectTypeId":"0-1","newObjectId":9,"mergedObjectIds":[8]}`:                                                           {"contact 9", "contact 8"},
		`{"subscriptionType":"contact.privacyDeletion","objectId":200}`:                                                                                            {"contact 200"},
		`{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_DEAL","fromObjectId":1,"toObjectId":2}`:                                     {"contact 1", "deal 2"},
		`{"subscriptionType":"deal.associationChange","associationType":"DEAL_TO_CONTACT","fromObjectId":2,"toObjectId":1}`:                                        {"deal 2", "contact 1"},
		`{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_COMPANY","fromObjectId":1,"toObjectId":2}`:                                  {"contact 1"},
		`{"subscriptionType":"contact.associationChange","fromObjectId":1,"toObjectId":2}`:                                                                         {"contact 1"},
		`{"subscriptionType":"object.associationChange","fromObjectTypeId":"0-46","toObjectTypeId":"0-1","fromObjectId":5,"toObjectId":1,"associationTypeId":202}`: {"note 5", "contact 1"},
		`{"subscriptionType":"object.associationChange","fromObjectTypeId":"0-2","toObjectTypeId":"0-3","fromObjectId":5,"toObjectId":4}`:                          {"deal 4"},
		`{"subscriptionType":"object.associationChange","associationType":"MEETING_EVENT_TO_CONTACT","fromObjectId":7,"toObjectId":1}`:                             {"meeting 7", "contact 1"},
	} {
		in := &inbox{}
		// A neighbour that is malformed and one that is unknown spoil nothing.
		send(newHook(t, in, everyKind), signed([]byte(`[{"objectId":{}},`+body+`,{"subscriptionType":"x.y"}]`)))
		if diff := cmp.Diff(want, in.ids()); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

func TestEventsThatDifferHaveDifferentIDs(t *testing.T) {
	in := &inbox{}
	send(newHook(t, in, everyKind), signed([]byte(`[
		{"subscriptionType":"object.creation","objectTypeId":"0-1","objectId":5,"occurredAt":1},
		{"subscriptionType":"object.creation","objectTypeId":"0-46","objectId":5,"occurredAt":1},
		{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_DEAL","fromObjectId":5,"toObjectId":5,"occurredAt":1},
		{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_DEAL","fromObjectId":5,"toObjectId":5,"occurredAt":1,"associationRemoved":true},
		{"subscriptionType":"contact.associationChange","associationType":"CONTACT_TO_DEAL","fromObjectId":5,"toObjectId":6,"occurredAt":1}]`)))
	seen := map[string]bool{}
	for _, item := range in.items {
		seen[item.(sync.Change).ID] = true
	}
	if len(in.items) != 8 || len(seen) != 8 {
		t.Fatalf("%d items with %d IDs, want 8 of each", len(in.items), len(seen))
	}
}

func TestReceiverBuildsTheChange(t *testing.T) {
	in := &inbox{}
	body := `[{"eventId":7,"portalId":33,"occurredAt":1790000000123,"subscriptionType":"contact.propertyChange","attemptNumber":%d,"objectId":512,"propertyName":"email","propertyValue":"x@example.com"}]`
	for attempt := range 2 {
		send(newHook(t, in, nil), signed(fmt.Appendf(nil, body, attempt)))
	}
	want := sync.Change{
		ID:         "hubspot:webhook:33:contact.propertyChange:contact:512:email:1790000000123:7",
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
		`[{"subscriptionType":"object.propertyChange","objectTypeId":"0-2","objectId":1,"portalId":33}]`: "object.propertyChange ignored",
		`[{"subscriptionType":"object.propertyChange","objectId":1,"portalId":33}]`:                      "object.propertyChange malformed",
		`[{"subscriptionType":"object.teleport","objectTypeId":"0-1","objectId":1,"portalId":33}]`:       "object.teleport unknown",
		`[{"subscriptionType":"contact.associationChange","fromObjectId":1,"portalId":33}]`:              "contact.associationChange enqueued",
		`[{"subscriptionType":"contact.associationChange","toObjectId":1,"portalId":33}]`:                "contact.associationChange malformed",
		`[{"subscriptionType":"deal.associationChange","fromObjectId":1,"portalId":33}]`:                 "deal.associationChange ignored",
		`[{"subscriptionType":"deal.creation","objectId":1,"portalId":33}]`:                              "deal.creation ignored",
		`[{"subscriptionType":"company.creation","objectId":1,"portalId":33}]`:                           "company.creation ignored",
		`[{"subscriptionType":"conversation.newMessage","objectId":1,"portalId":33}]`:                    "conversation.newMessage ignored",
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

func TestReceiverLogsTheFailedCheckAndTellsNobody(t *testing.T) {
	const values = "AAAA"
	for want, change := range map[string]func(http.Header){
		checkMissing:  func(h http.Header) { h.Del("X-HubSpot-Signature-v3") },
		checkFormat:   func(h http.Header) { h.Set("X-HubSpot-Request-Timestamp", "yesterday") },
		checkAge:      func(h http.Header) { h.Set("X-HubSpot-Request-Timestamp", "1690000000000") },
		checkMismatch: func(h http.Header) { h.Set("X-HubSpot-Signature-v3", values) },
	} {
		var log bytes.Buffer
		h := newHook(t, &inbox{}, func(o *ReceiverOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
		r := signed([]byte("[]"))
		change(r.Header)
		w := send(h, r)
		if w.Code != 401 || w.Body.String() != "Unauthorized\n" {
			t.Errorf("%s: answered %d %q", want, w.Code, w.Body)
		}
		if line := log.String(); !strings.Contains(line, strconv.Quote(want)) || strings.Contains(line, hookSecret) || strings.Contains(line, values) {
			t.Errorf("%s: logged %s", want, line)
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

// An old secret is taken until its end, in both receivers and in every way of
// signing.
func TestAnOldSecretEnds(t *testing.T) {
	v1 := func() *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader("[]"))
		r.Header = vector{Version: "v1", Expected: SignV1(hookSecret, []byte("[]"))}.header()
		return r
	}
	for _, tt := range []struct {
		until            time.Time
		events, callback int
	}{{hookNow.Add(time.Second), 204, 200}, {hookNow, 401, 401}} {
		secrets := []string{"the-new-one", hookSecret}
		h := newHook(t, &inbox{}, func(o *ReceiverOptions) { o.Secrets, o.OldUntil, o.AllowV1 = secrets, tt.until, true })
		a := newActions(t, &inbox{}, func(o *ActionOptions) { o.Secrets, o.OldUntil = secrets, tt.until })
		for what, got := range map[string]int{"v3": send(h, signed([]byte("[]"))).Code, "v1": send(h, v1()).Code} {
			if got != tt.events {
				t.Errorf("%s until %v: %d, want %d", what, tt.until, got, tt.events)
			}
		}
		if got := send(a, signed(edited())).Code; got != tt.callback {
			t.Errorf("an action until %v: %d, want %d", tt.until, got, tt.callback)
		}
	}
}

func TestNewReceiverChecksItsOptions(t *testing.T) {
	good := ReceiverOptions{PublicURL: hookURL, Secrets: []string{"x"}}
	for field, change := range map[string]func(*ReceiverOptions){
		"PublicURL": func(o *ReceiverOptions) { o.PublicURL = "/hooks" },
		"Secrets":   func(o *ReceiverOptions) { o.Secrets = []string{"x\n"} },
		"Kinds":     func(o *ReceiverOptions) { o.Kinds = []sync.Kind{Contact, "0-1"} },
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
	f.Add([]byte(`[{"subscriptionType":"object.associationChange","fromObjectTypeId":"0-46","toObjectTypeId":"0-1","fromObjectId":5,"toObjectId":1}]`))
	f.Add([]byte(`[{"subscriptionType":"deal.associationChange","associationType":"DEAL_TO_CONTACT","fromObjectId":null,"toObjectId":"1"}]`))
	f.Add([]byte(`[{"subscriptionType":"object.propertyChange","objectTypeId":"0-27","objectId":6,"propertyName":"hs_x","propertyValue":{"a":1},"isSensitive":true}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := &inbox{}
		w := send(newHook(t, in, everyKind), signed(body))
		if w.Code != 204 && w.Code != 400 && w.Code != 413 {
			t.Fatalf("status %d", w.Code)
		}
		for _, it := range in.items {
			if c := it.(sync.Change); c.ID == "" || !validID(c.Ref.ID) || kindNamed(string(c.Ref.Kind)) == "" {
				t.Fatalf("an unusable change: %+v", c)
			}
		}
	})
}
