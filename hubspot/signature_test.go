package hubspot

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

type vector struct {
	Name         string
	Version      string
	ClientSecret string
	Method       string
	URI          string
	RequestURI   string
	Body         string
	Timestamp    string
	Expected     string
}

func (v vector) sign() string {
	switch v.Version {
	case "v1":
		return SignV1(v.ClientSecret, []byte(v.Body))
	case "v2":
		return SignV2(v.ClientSecret, v.Method, v.URI, []byte(v.Body))
	}
	return SignV3(v.ClientSecret, v.Method, or(v.URI, v.RequestURI), []byte(v.Body), v.Timestamp)
}

func (v vector) header() http.Header {
	h := http.Header{}
	if v.Version == "v3" {
		h.Set("X-HubSpot-Signature-v3", v.Expected)
		h.Set("X-HubSpot-Request-Timestamp", v.Timestamp)
		return h
	}
	h.Set("X-HubSpot-Signature", v.Expected)
	h.Set("X-HubSpot-Signature-Version", v.Version)
	return h
}

func vectors(t testing.TB) []vector {
	all := fixture[[]vector](t, "signature_vectors.json")
	if len(all) != 7 {
		t.Fatalf("%d published vectors, want 7", len(all))
	}
	return append(all, fixture[[]vector](t, "signature_vectors_derived.json")...)
}

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t) {
		if got := v.sign(); got != v.Expected {
			t.Errorf("%s: got %s, want %s", v.Name, got, v.Expected)
		}
		ms, _ := strconv.ParseInt(v.Timestamp, 10, 64)
		check := &verifier{url: or(v.URI, v.RequestURI), keys: websig.Keys{Secrets: []string{"another", v.ClientSecret}},
			now: func() time.Time { return time.UnixMilli(ms) }}
		for _, tt := range []struct {
			v1, v2 bool
			want   string
		}{{false, false, "v3"}, {true, false, "v3 v1"}, {false, true, "v3 v2"}} {
			check.allowV1, check.allowV2 = tt.v1, tt.v2
			failed := check.verify(v.header(), v.Method, []byte(v.Body))
			if (failed == "") != strings.Contains(tt.want, v.Version) {
				t.Errorf("%s with v1 %t and v2 %t: failed %q", v.Name, tt.v1, tt.v2, failed)
			}
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	const secret, uri, stamp = "s3cret-for-tests", "https://example.com/hook?x=%3A", "1790000000000"
	body := []byte(`[{"a":1}]`)
	now := time.UnixMilli(1_790_000_000_000)
	good := func() http.Header {
		return vector{Version: "v3", Timestamp: stamp, Expected: SignV3(secret, "POST", uri, body, stamp)}.header()
	}
	at := func(ts string) http.Header {
		return vector{Version: "v3", Timestamp: ts, Expected: SignV3(secret, "POST", uri, body, ts)}.header()
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(now.Add(d).UnixMilli(), 10) }
	for _, tt := range []struct {
		name   string
		header http.Header
		method string
		body   string
		want   string
	}{
		{"good", good(), "POST", string(body), ""},
		{"raw url signed", vector{Version: "v3", Timestamp: stamp, Expected: rawV3(secret, uri, body, stamp)}.header(), "POST", string(body), ""},
		{"five minutes old", at(ms(-5 * time.Minute)), "POST", string(body), ""},
		{"older", at(ms(-5*time.Minute - time.Millisecond)), "POST", string(body), checkAge},
		{"five minutes ahead", at(ms(5 * time.Minute)), "POST", string(body), ""},
		{"further ahead", at(ms(5*time.Minute + time.Millisecond)), "POST", string(body), checkAge},
		{"seconds", at("1790000000"), "POST", string(body), checkFormat},
		{"not a number", at("NaN"), "POST", string(body), checkFormat},
		{"signed number", at("+179000000000"), "POST", string(body), checkFormat},
		{"other body", good(), "POST", `[{"a":2}]`, checkMismatch},
		{"body reformatted", good(), "POST", `[{"a": 1}]`, checkMismatch},
		{"other method", good(), "PUT", string(body), checkMismatch},
		{"nothing signed", http.Header{}, "POST", string(body), checkMissing},
		{"not base64", vector{Version: "v3", Timestamp: stamp, Expected: "%%%"}.header(), "POST", string(body), checkFormat},
		{"cut short", vector{Version: "v3", Timestamp: stamp, Expected: "AAAA"}.header(), "POST", string(body), checkMismatch},
	} {
		v := &verifier{url: uri, keys: websig.Keys{Secrets: []string{secret}}, now: func() time.Time { return now }}
		if got := v.verify(tt.header, tt.method, []byte(tt.body)); got != tt.want {
			t.Errorf("%s: failed %q, want %q", tt.name, got, tt.want)
		}
	}
}

// rawV3 signs a URL as it stands.
func rawV3(secret, uri string, body []byte, stamp string) string {
	return SignV3(secret, "POST"+uri, "", body, stamp)
}

func TestAVersion3SignatureIsNeverBypassedByVersion1(t *testing.T) {
	body := []byte("[]")
	h := vector{Version: "v1", Expected: SignV1("k", body)}.header()
	h.Set("X-HubSpot-Signature-v3", "AAAA")
	v := &verifier{url: "https://example.com/", keys: websig.Keys{Secrets: []string{"k"}}, allowV1: true, now: time.Now}
	if v.verify(h, "POST", body) == "" {
		t.Fatal("a request with a wrong v3 signature passed by its v1 signature")
	}
}

func FuzzSignature(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Expected, v.Timestamp, []byte(v.Body))
	}
	f.Fuzz(func(t *testing.T, signature, stamp string, body []byte) {
		ms, _ := strconv.ParseInt(stamp, 10, 64)
		v := &verifier{url: "https://example.com/x", keys: websig.Keys{Secrets: []string{"not-in-the-corpus"}},
			now: func() time.Time { return time.UnixMilli(ms) }}
		if v.verify(vector{Version: "v3", Timestamp: stamp, Expected: signature}.header(), "POST", body) == "" {
			t.Fatal("a stranger's signature passed")
		}
		if !timestampForm.MatchString(stamp) {
			return
		}
		good := SignV3("not-in-the-corpus", "POST", "https://example.com/x", body, stamp)
		if v.verify(vector{Version: "v3", Timestamp: stamp, Expected: good}.header(), "POST", body) != "" {
			t.Fatal("a good signature was refused")
		}
	})
}
