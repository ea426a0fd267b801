package bird

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
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

func TestSignatureVectors(t *testing.T) {
	for _, v := range vectors(t).Workspace.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			valid := func(signature string, keys ...string) bool {
				return signed(keys, v.Timestamp, v.URL, []byte(v.Body), signature)
			}
			if !valid(v.Signature, v.Key) || !valid(v.Signature, "new key", v.Key) || !valid(v.Signature, v.Key, "old key") {
				t.Error("the right signature is refused")
			}
			if valid(v.Signature, "other key") || valid(v.Signature) || valid("", v.Key) || valid("not base64!", v.Key) {
				t.Error("a wrong key or header is accepted")
			}
			for name, wrong := range v.MustNotMatch {
				if valid(wrong, v.Key) {
					t.Errorf("%s is accepted", name)
				}
			}
		})
	}
}

// send gives a request with the headers and the body to a receiver of the URL,
// at the time of the timestamp.
func send(t *testing.T, key, url, timestamp, body string, headers http.Header) int {
	t.Helper()
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	in := struct{ sync.Inbox }{} // nothing may get so far
	rc, err := NewReceiver(in, ReceiverOptions{PublicURL: url, Secrets: []string{"another", key},
		Now: func() time.Time { return time.Unix(seconds, 0) }})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
	r.Header = headers
	w := httptest.NewRecorder()
	rc.ServeHTTP(w, r)
	return w.Code
}

// TestReceiverKnowsItsOwnSchemeOnly lets each vector through the receiver, and
// the ways in which Bird's other products sign to its door.
func TestReceiverKnowsItsOwnSchemeOnly(t *testing.T) {
	const address = "https://sync.example.com/bird"
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	file := vectors(t)
	for _, v := range file.Workspace.Vectors {
		own := func(signature string) http.Header {
			return header(signatureHeader, signature, timestampHeader, v.Timestamp)
		}
		if got := send(t, v.Key, v.URL, v.Timestamp, v.Body, own(v.Signature)); got == http.StatusUnauthorized {
			t.Errorf("%s is refused", v.Name)
		}
		for name, wrong := range v.MustNotMatch {
			if got := send(t, v.Key, v.URL, v.Timestamp, v.Body, own(wrong)); got != http.StatusUnauthorized {
				t.Errorf("%s: %s is answered %d", v.Name, name, got)
			}
		}
	}
	for _, v := range file.QueryString.Vectors {
		url := strings.TrimSuffix(address+"?"+v.Middle, "?")
		h := header("MessageBird-Signature", v.Signature, "MessageBird-Request-Timestamp", v.Timestamp)
		if got := send(t, v.Key, url, v.Timestamp, v.Body, h); got != http.StatusUnauthorized {
			t.Errorf("a signed query string is answered %d", got)
		}
	}
	for _, v := range file.Standard.Vectors {
		signature := strings.TrimPrefix(v.Signature, "v1,")
		for _, h := range []http.Header{
			header("webhook-id", v.ID, "webhook-timestamp", v.Timestamp, "webhook-signature", v.Signature),
			header(signatureHeader, signature, timestampHeader, v.Timestamp),
		} {
			if got := send(t, v.Secret, address, v.Timestamp, v.Body, h); got != http.StatusUnauthorized {
				t.Errorf("a Standard Webhook is answered %d", got)
			}
		}
	}
	for _, name := range []string{"MessageBird-Signature-JWT", signatureHeader} {
		h := header(name, token("key", address, "{}"), timestampHeader, "1719823259")
		if got := send(t, "key", address, "1719823259", "{}", h); got != http.StatusUnauthorized {
			t.Errorf("a token in %s is answered %d", name, got)
		}
	}
}

// token is a webhook's signature in the manner of the older platform, valid
// there.
func token(key, url, body string) string {
	part := base64.RawURLEncoding.EncodeToString
	hash := func(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }
	text := part([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part(fmt.Appendf(nil,
		`{"iss":"MessageBird","nbf":1719823259,"exp":1719823319,"jti":"1","url_hash":%q,"payload_hash":%q}`, hash(url), hash(body)))
	m := hmac.New(sha256.New, []byte(key))
	_, _ = m.Write([]byte(text))
	return text + "." + part(m.Sum(nil))
}
