package hubspot

import (
	"net/http"
	"strconv"
	"testing"
	"time"
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
		check := &verifier{url: or(v.URI, v.RequestURI), secrets: []string{"another", v.ClientSecret},
			now: func() time.Time { return time.UnixMilli(ms) }}
		if got := check.verify(v.header(), v.Method, []byte(v.Body)); got != (v.Version == "v3") {
			t.Errorf("%s: verified %v by default", v.Name, got)
		}
		check.allowV1 = true
		if got := check.verify(v.header(), v.Method, []byte(v.Body)); got != (v.Version != "v2") {
			t.Errorf("%s: verified %v with v1 allowed", v.Name, got)
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
		want   bool
	}{
		{"good", good(), "POST", string(body), true},
		{"raw url signed", vector{Version: "v3", Timestamp: stamp, Expected: rawV3(secret, uri, body, stamp)}.header(), "POST", string(body), true},
		{"five minutes old", at(ms(-5 * time.Minute)), "POST", string(body), true},
		{"older", at(ms(-5*time.Minute - time.Millisecond)), "POST", string(body), false},
		{"five minutes ahead", at(ms(5 * time.Minute)), "POST", string(body), true},
		{"further ahead", at(ms(5*time.Minute + time.Millisecond)), "POST", string(body), false},
		{"seconds", at("1790000000"), "POST", string(body), false},
		{"not a number", at("NaN"), "POST", string(body), false},
		{"signed number", at("+179000000000"), "POST", string(body), false},
		{"other body", good(), "POST", `[{"a":2}]`, false},
		{"body reformatted", good(), "POST", `[{"a": 1}]`, false},
		{"other method", good(), "PUT", string(body), false},
		{"nothing signed", http.Header{}, "POST", string(body), false},
		{"not base64", vector{Version: "v3", Timestamp: stamp, Expected: "%%%"}.header(), "POST", string(body), false},
		{"cut short", vector{Version: "v3", Timestamp: stamp, Expected: "AAAA"}.header(), "POST", string(body), false},
	} {
		v := &verifier{url: uri, secrets: []string{secret}, now: func() time.Time { return now }}
		if got := v.verify(tt.header, tt.method, []byte(tt.body)); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
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
	v := &verifier{url: "https://example.com/", secrets: []string{"k"}, allowV1: true, now: time.Now}
	if v.verify(h, "POST", body) {
		t.Fatal("a request with a wrong v3 signature passed by its v1 signature")
	}
}

func FuzzSignature(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Expected, v.Timestamp, []byte(v.Body))
	}
	f.Fuzz(func(t *testing.T, signature, stamp string, body []byte) {
		ms, _ := strconv.ParseInt(stamp, 10, 64)
		v := &verifier{url: "https://example.com/x", secrets: []string{"not-in-the-corpus"},
			now: func() time.Time { return time.UnixMilli(ms) }}
		if v.verify(vector{Version: "v3", Timestamp: stamp, Expected: signature}.header(), "POST", body) {
			t.Fatal("a stranger's signature passed")
		}
		if !timestampForm.MatchString(stamp) {
			return
		}
		good := SignV3("not-in-the-corpus", "POST", "https://example.com/x", body, stamp)
		if !v.verify(vector{Version: "v3", Timestamp: stamp, Expected: good}.header(), "POST", body) {
			t.Fatal("a good signature was refused")
		}
	})
}
