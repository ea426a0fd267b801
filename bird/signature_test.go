package bird_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
)

type vector struct {
	Name         string            `json:"name"`
	Key          string            `json:"signing_key"`
	Timestamp    string            `json:"messagebird-request-timestamp"`
	URL          string            `json:"url"`
	Body         string            `json:"body"`
	Signature    string            `json:"messagebird-signature"`
	MustNotMatch map[string]string `json:"must_not_match"`
}

// vectorFile holds what Bird's three ways of signing give for known inputs.
type vectorFile struct {
	Workspace struct {
		Vectors []vector `json:"vectors"`
	} `json:"workspace_scheme"`
	QueryString struct {
		Vectors []struct{ Key, Timestamp, Middle, Body, Signature string } `json:"vectors"`
	} `json:"legacy_query_string_scheme"`
	Standard struct {
		Vectors []struct {
			Secret, Body string
			ID           string `json:"webhook-id"`
			Timestamp    string `json:"webhook-timestamp"`
			Signature    string `json:"webhook-signature"`
		} `json:"vectors"`
	} `json:"standard_webhooks_scheme"`
}

func vectors(t testing.TB) (file vectorFile) {
	data, err := os.ReadFile("testdata/signature-vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	if n := len(file.Workspace.Vectors) + len(file.QueryString.Vectors) + len(file.Standard.Vectors); n != 11 {
		t.Fatalf("%d vectors, want 11", n)
	}
	return file
}

// authentic reports whether a receiver that has the keys, for subscriptions of
// the URL, takes a body with these headers at the time of the timestamp.
func authentic(t *testing.T, keys []string, url, timestamp, body string, headers map[string]string) bool {
	t.Helper()
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	rc, err := bird.NewReceiver(&inbox{}, bird.ReceiverOptions{PublicURL: url, Secrets: keys,
		Now: func() time.Time { return time.Unix(seconds, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return answer(rc, r) != http.StatusUnauthorized
}

// own are the headers of the scheme that the receiver knows.
func (v *vector) own(signature string) map[string]string {
	return map[string]string{"messagebird-signature": signature, "messagebird-request-timestamp": v.Timestamp}
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t).Workspace.Vectors {
		valid := func(signature string, keys ...string) bool {
			return authentic(t, keys, v.URL, v.Timestamp, v.Body, v.own(signature))
		}
		for _, keys := range [][]string{{v.Key}, {"new key", v.Key}, {v.Key, "old key"}} {
			equal(t, v.Name+": the right signature", valid(v.Signature, keys...), true)
		}
		equal(t, v.Name+": another key", valid(v.Signature, "other key"), false)
		for _, wrong := range []string{"", "not base64!", v.Signature + "A", strings.ToLower(v.Signature)} {
			equal(t, v.Name+": the signature "+wrong, valid(wrong, v.Key), false)
		}
		for name, wrong := range v.MustNotMatch {
			equal(t, v.Name+": "+name, valid(wrong, v.Key), false)
		}
		late := v.own(v.Signature)
		late["messagebird-request-timestamp"] = "0" + v.Timestamp
		equal(t, v.Name+": another timestamp", authentic(t, []string{v.Key}, v.URL, v.Timestamp, v.Body, late), false)
	}
}
