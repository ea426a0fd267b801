package bird_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/sync"
)

const quietCall = `{"event":"contact.updated","bird_contact_id":"c1"}`

// signature is HMAC-SHA256 of the text, written in one of the forms.
func signature(key, text string, form func([]byte) string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return form(m.Sum(nil))
}

// opensslVector was made by
//
//	printf '%s' '{"event":"contact.updated","bird_contact_id":"c1"}' | openssl dgst -sha256 -hmac 'flow key'
const opensslVector = "84e1edfae42e78c5f72097f96cec0870fdc59a014c646d4a3ba16b46becae9b1"

// An old secret is taken until its end, in both receivers and by whichever
// proof.
func TestAnOldSecretEnds(t *testing.T) {
	now := time.Now()
	secrets := []string{"new", "old"}
	for until, want := range map[time.Time]int{now.Add(time.Second): 204, now: 401} {
		clock := func() time.Time { return now }
		rc, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: hookURL, Secrets: secrets, OldUntil: until, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		flow, err := bird.NewFlowReceiver(&inbox{}, bird.FlowOptions{Secrets: secrets, OldUntil: until, Now: clock,
			Signature: bird.FlowSignature{Header: "X-Sign", Secrets: secrets}})
		if err != nil {
			t.Fatal(err)
		}
		for key, status := range map[string]int{"new": 204, "old": want} {
			signed := flowCall(quietCall, "")
			signed.Header.Set("X-Sign", signature(key, quietCall, hex.EncodeToString))
			equal(t, "webhook by "+key, answer(rc, hook(`{"event":"channel.created"}`, key, now)), status)
			equal(t, "bearer by "+key, answer(flow, flowCall(quietCall, "Bearer "+key)), status)
			equal(t, "signature by "+key, answer(flow, signed), status)
		}
	}
}

func TestFlowSignature(t *testing.T) {
	now := time.Date(2026, 1, 22, 4, 20, 0, 0, time.UTC)
	stamp := func(age time.Duration) string { return strconv.FormatInt(now.Add(-age).Unix(), 10) }
	stamped := func(age time.Duration) map[string]string {
		return map[string]string{"X-Time": stamp(age), "X-Sign": signature("flow key", stamp(age)+"."+quietCall, hex.EncodeToString)}
	}
	only := bird.FlowSignature{Header: "X-Sign", Secrets: []string{"next key", "flow key"}}
	timed := bird.FlowSignature{Header: "X-Sign", Secrets: []string{"flow key"}, TimestampHeader: "X-Time", MaxAge: time.Hour}
	hexed := signature("flow key", quietCall, hex.EncodeToString)
	for name, tt := range map[string]struct {
		bearers []string
		options bird.FlowSignature
		headers map[string]string
		status  int
	}{
		"openssl's":           {nil, only, map[string]string{"X-Sign": "sha256=" + opensslVector}, 204},
		"hex":                 {nil, only, map[string]string{"X-Sign": "sha256=" + hexed}, 204},
		"upper hex":           {nil, only, map[string]string{"X-Sign": strings.ToUpper(hexed)}, 204},
		"base64":              {nil, only, map[string]string{"X-Sign": "sha256=" + signature("flow key", quietCall, base64.StdEncoding.EncodeToString)}, 204},
		"raw url base64":      {nil, only, map[string]string{"X-Sign": signature("flow key", quietCall, base64.RawURLEncoding.EncodeToString)}, 204},
		"the next key":        {nil, only, map[string]string{"X-Sign": signature("next key", quietCall, hex.EncodeToString)}, 204},
		"another key":         {nil, only, map[string]string{"X-Sign": signature("old key", quietCall, hex.EncodeToString)}, 401},
		"another body":        {nil, only, map[string]string{"X-Sign": signature("flow key", quietCall+" ", hex.EncodeToString)}, 401},
		"cut":                 {nil, only, map[string]string{"X-Sign": hexed[:62]}, 401},
		"empty":               {nil, only, map[string]string{"X-Sign": "sha256="}, 401},
		"none":                {nil, only, nil, 401},
		"the secret itself":   {nil, only, map[string]string{"X-Sign": "flow key", "Authorization": "Bearer flow key"}, 401},
		"scheme in any case":  {[]string{"b"}, only, map[string]string{"Authorization": "bEARER b"}, 204},
		"no scheme":           {[]string{"b"}, only, map[string]string{"Authorization": "b"}, 401},
		"another scheme":      {[]string{"b"}, only, map[string]string{"Authorization": "Basic b"}, 401},
		"bearer instead":      {[]string{"b"}, only, map[string]string{"Authorization": "Bearer b"}, 204},
		"signature instead":   {[]string{"b"}, only, map[string]string{"X-Sign": hexed, "Authorization": "Bearer x"}, 204},
		"neither":             {[]string{"b"}, only, map[string]string{"X-Sign": "x", "Authorization": "Bearer x"}, 401},
		"no bearer is known":  {nil, only, map[string]string{"Authorization": "Bearer "}, 401},
		"in time":             {nil, timed, stamped(59 * time.Minute), 204},
		"a clock ahead":       {nil, timed, stamped(-4 * time.Minute), 204},
		"too old":             {nil, timed, stamped(61 * time.Minute), 401},
		"of the future":       {nil, timed, stamped(-6 * time.Minute), 401},
		"without timestamp":   {nil, timed, map[string]string{"X-Sign": hexed}, 401},
		"another timestamp":   {nil, timed, map[string]string{"X-Time": stamp(time.Second), "X-Sign": stamped(0)["X-Sign"]}, 401},
		"timestamp no number": {nil, timed, map[string]string{"X-Time": "now", "X-Sign": signature("flow key", "now."+quietCall, hex.EncodeToString)}, 401},
	} {
		in := &inbox{}
		f, err := bird.NewFlowReceiver(in, bird.FlowOptions{Secrets: tt.bearers, Signature: tt.options, Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(name, err)
		}
		r := httptest.NewRequest(http.MethodPost, "/flow", strings.NewReader(quietCall))
		for k, v := range tt.headers {
			r.Header.Set(k, v)
		}
		equal(t, name, answer(f, r), tt.status)
		equal(t, name, len(in.items) == 1, tt.status == 204)
	}
}

func TestFlowCredentialsAreChecked(t *testing.T) {
	for name, tt := range map[string]struct {
		opts bird.FlowOptions
		rule string
	}{
		"nothing":         {bird.FlowOptions{}, "flow.secrets"},
		"an empty bearer": {bird.FlowOptions{Secrets: []string{"a", ""}}, "flow.secrets"},
		"a line's bearer": {bird.FlowOptions{Secrets: []string{"a\n"}}, "flow.secrets"},
		"a line's key":    {bird.FlowOptions{Signature: bird.FlowSignature{Header: "X", Secrets: []string{"a", "b\r\n"}}}, "flow.signature"},
		"no key":          {bird.FlowOptions{Signature: bird.FlowSignature{Header: "X"}}, "flow.signature"},
		"an empty key":    {bird.FlowOptions{Signature: bird.FlowSignature{Header: "X", Secrets: []string{""}}}, "flow.signature"},
		"no header":       {bird.FlowOptions{Secrets: []string{"a"}, Signature: bird.FlowSignature{Secrets: []string{"a"}}}, "flow.signature"},
		"unsigned time":   {bird.FlowOptions{Secrets: []string{"a"}, Signature: bird.FlowSignature{TimestampHeader: "T"}}, "flow.timestamp"},
		"one header":      {bird.FlowOptions{Secrets: []string{"a"}, Signature: bird.FlowSignature{Header: "authorization", Secrets: []string{"a"}}}, "flow.signature"},
	} {
		_, err := bird.NewFlowReceiver(&inbox{}, tt.opts)
		equal(t, name, failure(t, err, sync.Fatal).Rule, tt.rule)
	}
	_, err := bird.NewFlowReceiver(nil, bird.FlowOptions{Secrets: []string{"a"}})
	equal(t, "no inbox", failure(t, err, sync.Fatal).Rule, "flow.inbox")
}
