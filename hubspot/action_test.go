package hubspot

import (
	"bytes"
	"encoding/json"
	"errors"
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

const actionBody = `{"callbackId":"ap-33-1-7-0","origin":{"portalId":33,"actionDefinitionId":7,"actionDefinitionVersion":1},
	"context":{"source":"WORKFLOWS","workflowId":192814114},"object":{"objectId":904,"objectType":"CONTACT"},
	"inputFields":{"text":"hello","copies":9007199254740993}}`

func newActions(t testing.TB, in sync.Inbox, change func(*ActionOptions)) http.Handler {
	t.Helper()
	opts := ActionOptions{PublicURL: hookURL, Secrets: []string{hookSecret}, PortalID: 33, Now: func() time.Time { return hookNow },
		Actions: map[int64]WorkflowAction{7: {Fact: "message.requested"}, 8: {Wait: 24 * time.Hour}, 9: {Wait: 90*time.Minute + time.Millisecond}}}
	if change != nil {
		change(&opts)
	}
	h, err := NewActionReceiver(in, opts)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// edited replaces parts of the action's body, given as pairs.
func edited(pairs ...string) []byte { return []byte(strings.NewReplacer(pairs...).Replace(actionBody)) }

func TestActionBecomesAFact(t *testing.T) {
	in := &inbox{}
	for range 2 {
		if w := send(newActions(t, in, nil), signed([]byte(actionBody))); w.Code != 200 {
			t.Fatalf("status %d", w.Code)
		}
	}
	want := sync.Fact{
		ID: "hubspot:action:33:ap-33-1-7-0", Type: "message.requested",
		Subject:    sync.Ref{System: System, Kind: Contact, ID: "904"},
		OccurredAt: hookNow.UTC(),
		Data: map[string]any{
			"inputFields": map[string]any{"text": "hello", "copies": json.Number("9007199254740993")},
			"callbackId":  "ap-33-1-7-0", "workflowId": "192814114", "actionDefinitionId": "7",
		},
	}
	if diff := cmp.Diff([]sync.Item{want, want}, in.items); diff != "" {
		t.Fatalf("a repeated call must be the same fact: %s", diff)
	}
}

func TestActionReceiverTakesTheRecordedPayload(t *testing.T) {
	type payload struct {
		Name    string
		Payload json.RawMessage
	}
	for _, p := range fixture[[]payload](t, "webhook_payloads.json") {
		want, facts := 400, 0
		if p.Name == "custom workflow action request" {
			want, facts = 200, 1
		}
		in := &inbox{}
		h := newActions(t, in, func(o *ActionOptions) { o.PortalID, o.Actions = 102670506, map[int64]WorkflowAction{10646377: {}} })
		if w := send(h, signed(p.Payload)); w.Code != want || len(in.items) != facts {
			t.Errorf("%s: status %d, %d facts", p.Name, w.Code, len(in.items))
		}
		if facts == 1 && in.items[0].(sync.Fact).Type != "workflow.action:10646377" {
			t.Errorf("fact %+v", in.items[0])
		}
	}
}

func TestActionAnswers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		body   []byte
		status int
		want   string
		facts  int
	}{
		{"goes on", edited(), 200, `{"outputFields":{"hs_execution_state":"SUCCESS"}}`, 1},
		{"waits a day", edited(`Id":7`, `Id":8`), 200, `{"outputFields":{"hs_execution_state":"BLOCK","hs_expiration_duration":"P1D"}}`, 1},
		{"waits a while", edited(`Id":7`, `Id":9`), 200, `{"outputFields":{"hs_execution_state":"BLOCK","hs_expiration_duration":"PT5401S"}}`, 1},
		{"a deal", edited(`CONTACT`, `DEAL`), 200, `{"outputFields":{"hs_execution_state":"SUCCESS"}}`, 1},
		{"a deal by its type id", edited(`CONTACT`, `0-3`), 200, `{"outputFields":{"hs_execution_state":"SUCCESS"}}`, 1},
		{"unknown action", edited(`Id":7`, `Id":70`), 200, `{"outputFields":{"hs_execution_state":"FAIL_CONTINUE"}}`, 0},
		{"another account", edited(`portalId":33`, `portalId":34`), 200, `{"outputFields":{"hs_execution_state":"FAIL_CONTINUE"}}`, 0},
		{"a company", edited(`CONTACT`, `COMPANY`), 200, `{"outputFields":{"hs_execution_state":"FAIL_CONTINUE"}}`, 0},
		{"no callback", edited(`ap-33-1-7-0`, ``), 400, "", 0},
		{"a strange callback", edited(`ap-33-1-7-0`, `../x`), 400, "", 0},
		{"no record", edited(`"objectId":904,`, ``), 400, "", 0},
		{"no number", edited(`904`, `9.5`), 400, "", 0},
		{"an array", []byte(`[]`), 400, "", 0},
		{"no JSON", []byte(`{`), 400, "", 0},
		{"too large", bytes.Repeat([]byte(" "), 1<<20+1), 413, "", 0},
	} {
		in := &inbox{}
		w := send(newActions(t, in, nil), signed(tt.body))
		got := strings.TrimSpace(w.Body.String())
		if w.Code != tt.status || len(in.items) != tt.facts || tt.want != "" && got != tt.want {
			t.Errorf("%s: status %d, %d facts, %s", tt.name, w.Code, len(in.items), got)
		}
	}
}

func TestActionReceiverSaysWhenTheInboxIsDown(t *testing.T) {
	w := send(newActions(t, &inbox{err: errors.New("disk full")}, nil), signed([]byte(actionBody)))
	if w.Code != 503 || strings.Contains(w.Body.String(), "disk") || w.Header().Get("Retry-After") != "" {
		t.Fatalf("status %d, %q, %v", w.Code, w.Body, w.Header())
	}
}

func TestActionSignatures(t *testing.T) {
	v2 := func() *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(actionBody))
		r.Header = vector{Version: "v2", Expected: SignV2(hookSecret, "POST", hookURL, []byte(actionBody))}.header()
		return r
	}
	both := v2()
	both.Header.Set("X-HubSpot-Signature-v3", "AAAA")
	both.Header.Set("X-HubSpot-Request-Timestamp", strconv.FormatInt(hookNow.UnixMilli(), 10))
	v1 := v2()
	v1.Header = vector{Version: "v1", Expected: SignV1(hookSecret, []byte(actionBody))}.header()
	for _, tt := range []struct {
		name  string
		allow bool
		req   *http.Request
		want  int
	}{{"v2 by default", false, v2(), 401}, {"v2 allowed", true, v2(), 200}, {"a wrong v3 beside v2", true, both, 401}, {"v1", true, v1, 401}} {
		var log bytes.Buffer
		h := newActions(t, &inbox{}, func(o *ActionOptions) {
			o.AllowV2, o.Logger = tt.allow, slog.New(slog.NewTextHandler(&log, nil))
		})
		if w := send(h, tt.req); w.Code != tt.want {
			t.Errorf("%s: status %d, want %d", tt.name, w.Code, tt.want)
		}
		if strings.Contains(log.String(), "check=") != (tt.want == 401) {
			t.Errorf("%s: logged %s", tt.name, &log)
		}
	}
}

func TestNewActionReceiverChecksItsOptions(t *testing.T) {
	for field, change := range map[string]func(*ActionOptions){
		"PublicURL": func(o *ActionOptions) { o.PublicURL = "" },
		"Secrets":   func(o *ActionOptions) { o.Secrets = nil },
		"Actions":   func(o *ActionOptions) { o.Actions = map[int64]WorkflowAction{7: {Wait: -1}} },
	} {
		opts := ActionOptions{PublicURL: hookURL, Secrets: []string{"x"}}
		change(&opts)
		_, err := NewActionReceiver(&inbox{}, opts)
		var e *sync.Error
		if !errors.As(err, &e) || e.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

func FuzzActionReceiver(f *testing.F) {
	f.Add([]byte(actionBody))
	f.Add(edited(`CONTACT`, `0-3`, `904`, `"904"`))
	f.Add(edited(`33`, `null`))
	f.Add([]byte(`{"callbackId":"a","origin":{"portalId":33,"actionDefinitionId":8},"object":{"objectId":1,"objectType":"note"},"inputFields":[]}`))
	f.Add([]byte(`{"callbackId":"a"} trailing`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in := &inbox{}
		w := send(newActions(t, in, nil), signed(body))
		if w.Code != 200 && w.Code != 400 && w.Code != 413 {
			t.Fatalf("status %d", w.Code)
		}
		if w.Code == 200 && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("answered %q", w.Body)
		}
		for _, it := range in.items {
			fact := it.(sync.Fact)
			if !strings.HasPrefix(fact.ID, "hubspot:action:33:") || fact.Type == "" || !validID(fact.Subject.ID) || objectTypes[fact.Subject.Kind] == nil {
				t.Fatalf("an unusable fact: %+v", fact)
			}
			if _, err := json.Marshal(fact); err != nil {
				t.Fatal(err)
			}
		}
	})
}
