package hubspot

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

type errorFixture struct {
	Name   string
	Status int
	Body   json.RawMessage
}

func (f errorFixture) response() *httpx.Response {
	return &httpx.Response{Status: f.Status, Body: f.Body, Header: http.Header{}}
}

func TestRecordedErrorsAreClassified(t *testing.T) {
	type want struct {
		action             sync.Action
		field, rule, holds string
	}
	wants := map[string]want{
		"conflict_contact_create":      {sync.Conflict, "", "value.unique", "37765128953"},
		"conflict_email_on_write":      {sync.Conflict, "email", "value.unique", "552239500007"},
		"property_doesnt_exist":        {sync.Invalid, "testproperty", "PROPERTY_DOESNT_EXIST", ""},
		"missing_scopes":               {sync.Denied, "", "auth.scope", ""},
		"association_invalid_object":   {sync.NotFound, "", "association.exists", ""},
		"daily_limit":                  {sync.RetryAt, "", "quota", ""},
		"burst_limit":                  {sync.RetryAt, "", "quota", ""},
		"search_limit":                 {sync.RetryAt, "", "quota", ""},
		"unauthenticated":              {sync.Denied, "", "auth.token", ""},
		"expired_token":                {sync.Denied, "", "auth.token", ""},
		"object_not_found_non_numeric": {sync.NotFound, "", "record.exists", ""},
		"resource_not_found":           {sync.Fatal, "", "path.exists", ""},
	}
	now := time.Date(2026, 11, 1, 12, 34, 0, 0, time.UTC)
	seen := 0
	for _, f := range fixture[[]errorFixture](t, "error_bodies.json") {
		w, ok := wants[f.Name]
		if !ok {
			continue
		}
		seen++
		e := callError("op", f.response(), now)
		if got := (want{e.Action, e.Field, e.Rule, e.Existing.ID}); got != w {
			t.Errorf("%s: got %+v, want %+v", f.Name, got, w)
		}
		if e.Hint == "" && e.Action != sync.NotFound {
			t.Errorf("%s: no hint", f.Name)
		}
	}
	if seen != len(wants) {
		t.Fatalf("%d of %d bodies found", seen, len(wants))
	}
}

func TestErrorsQuoteNothingThatWasSent(t *testing.T) {
	body := `{"status":"error","category":"VALIDATION_ERROR","correlationId":"ada@example.com",
		"message":"Property values were not valid: [{\"isValid\":false,\"message\":\"ada@example.com was not one of the allowed options\",\"error\":\"INVALID_OPTION\",\"name\":\"color\"}]",
		"errors":[{"message":"ada@example.com","code":"ada@example.com","context":{"propertyName":["ada@example.com"],"requiredGranularScopes":["Ada Lovelace"]}}]}`
	e := callError("op", errorFixture{Status: 400, Body: []byte(body)}.response(), time.Now())
	if strings.Contains(strings.ToLower(e.Error()), "ada") {
		t.Fatalf("the error tells too much: %v", e)
	}
	if e.Field != "color" || e.Rule != "INVALID_OPTION" {
		t.Fatalf("field %q rule %q", e.Field, e.Rule)
	}
	var api *APIError
	if !errors.As(e, &api) || !strings.Contains(api.Message(), "ada@example.com") {
		t.Fatal("HubSpot's own words are not reachable")
	}
}

func TestClassifyByStatus(t *testing.T) {
	for status, want := range map[int]sync.Action{
		302: sync.Fatal, 400: sync.Invalid, 401: sync.Denied, 403: sync.Denied, 404: sync.Fatal, 405: sync.Fatal,
		408: sync.Retry, 409: sync.Conflict, 413: sync.Invalid, 414: sync.Invalid, 423: sync.RetryAt, 429: sync.RetryAt,
		477: sync.RetryAt, 500: sync.Retry, 502: sync.Retry, 503: sync.Retry, 521: sync.Retry, 524: sync.Retry, 530: sync.Retry,
	} {
		e := callError("op", errorFixture{Status: status, Body: []byte("<html>Cloudflare</html>")}.response(), time.Now())
		if e.Action != want {
			t.Errorf("%d: got %v, want %v", status, e.Action, want)
		}
		if (e.Action == sync.RetryAt) == e.RetryAt.IsZero() {
			t.Errorf("%d: retry at %v", status, e.RetryAt)
		}
	}
}

func TestRetryAtFollowsThePolicy(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 34, 0, 0, time.UTC)
	bodies := map[string]json.RawMessage{}
	for _, f := range fixture[[]errorFixture](t, "error_bodies.json") {
		bodies[f.Name] = f.Body
	}
	for _, tt := range []struct {
		name       string
		status     int
		body       json.RawMessage
		retryAfter string
		from, to   time.Duration
	}{
		{"burst", 429, bodies["burst_limit"], "", time.Second, 1200 * time.Millisecond},
		{"search", 429, bodies["search_limit"], "", time.Second, 1200 * time.Millisecond},
		{"day", 429, bodies["daily_limit"], "", 26 * time.Minute, 27 * time.Minute},
		{"header", 429, bodies["daily_limit"], "7", 7 * time.Second, 7 * time.Second},
		{"server error", 500, json.RawMessage(`{"category":"RATE_LIMITS"}`), "", 10 * time.Second, 12 * time.Second},
		{"locked", 423, nil, "", 2 * time.Second, 2400 * time.Millisecond},
		{"moving", 477, nil, "3600", time.Hour, time.Hour},
		{"moving, untold", 477, nil, "", time.Minute, 72 * time.Second},
	} {
		res := errorFixture{Status: tt.status, Body: tt.body}.response()
		res.Header.Set("Retry-After", tt.retryAfter)
		got := callError("op", res, now).RetryAt.Sub(now)
		if got < tt.from || got > tt.to {
			t.Errorf("%s: after %v, want %v to %v", tt.name, got, tt.from, tt.to)
		}
	}
}

func TestScopesAreNamed(t *testing.T) {
	for _, f := range fixture[[]errorFixture](t, "error_bodies.json") {
		if f.Name == "missing_scopes" {
			if e := callError("op", f.response(), time.Now()); !strings.Contains(e.Hint, "crm.objects.deals.read") {
				t.Fatalf("hint %q", e.Hint)
			}
			return
		}
	}
	t.Fatal("no such body")
}

func FuzzErrorBody(f *testing.F) {
	for _, e := range fixture[[]errorFixture](f, "error_bodies.json") {
		f.Add(e.Status, []byte(e.Body))
	}
	f.Add(500, []byte(`{"errors":{"a":1},"context":[],"category":5}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := callError("op", errorFixture{Status: status, Body: body}.response(), time.Now())
		if strings.ContainsAny(e.Error(), "@\n") {
			t.Fatalf("free text in %q", e)
		}
	})
}

func TestNewChecksItsOptions(t *testing.T) {
	if _, err := New(Static(""), nil); sync.ActionOf(err) != sync.Denied {
		t.Errorf("no token: %v", err)
	}
	if _, err := New(Static("has a blank"), nil); err == nil || strings.Contains(err.Error(), "has a blank") {
		t.Errorf("blank in token: %v", err)
	}
	for _, o := range []Options{
		{BaseURL: "api.hubapi.com"}, {APIVersion: "v4"}, {APIVersion: "2026-09/../x"}, {Linger: -1},
		{Objects: map[sync.Kind]Object{Contact: {Properties: []string{"Bad Name"}}}},
		{Objects: map[sync.Kind]Object{Deal: {Unique: []string{"x-y"}}}}, {Objects: map[sync.Kind]Object{"ticket": {}}},
	} {
		if _, err := New(Static("t"), &o); sync.ActionOf(err) != sync.Fatal {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := New(Static("t"), &Options{APIVersion: "2027-03-beta"}); err != nil {
		t.Error(err)
	}
}

func TestPaths(t *testing.T) {
	for version, want := range map[string]string{
		"v3":      "/crm/v3/objects/contacts/batch/upsert",
		"2026-03": "/crm/objects/2026-03/contacts/batch/upsert",
		"2026-09": "/crm/objects/2026-09/contacts/batch/upsert",
	} {
		if got := opUpsert.path(version, objectTypes[Contact].target()); got != want {
			t.Errorf("%s: %s", version, got)
		}
	}
}
