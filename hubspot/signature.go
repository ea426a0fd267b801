package hubspot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

// signatureWindow is how far a request's timestamp may be from now, either
// way. Source: https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
const signatureWindow = 5 * time.Minute

var timestampForm = regexp.MustCompile(`^\d{13}$`)

// decodeURI undoes the percent-escapes that HubSpot undoes before it signs a
// URL, and no others.
var decodeURI = strings.NewReplacer(
	"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$",
	"%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
	"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";").Replace

// SignV1 returns HubSpot's signature of version 1, in hexadecimal: the hash of
// the secret and the body. It has no timestamp, so it can be replayed.
func SignV1(secret string, body []byte) string {
	return hexHash(secret, string(body))
}

// SignV2 returns HubSpot's signature of version 2, in hexadecimal, with which
// workflows and cards sign: the hash of the secret, the method, the URL and
// the body. It has no timestamp, so it can be replayed.
func SignV2(secret, method, uri string, body []byte) string {
	return hexHash(secret, method, uri, string(body))
}

// SignV3 returns HubSpot's signature of version 3, in base64: the HMAC of the
// method, the URL, the body and the timestamp (milliseconds since 1970, as
// text) under the app's client secret. Of uri it signs the form in which
// HubSpot has undone some of the percent-escapes. Source:
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
func SignV3(secret, method, uri string, body []byte, timestamp string) string {
	return base64.StdEncoding.EncodeToString(macV3(secret, method, decodeURI(uri), body, timestamp))
}

func hexHash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func macV3(secret, method, uri string, body []byte, timestamp string) []byte {
	m := hmac.New(sha256.New, []byte(secret))
	for _, p := range []string{method, uri, string(body), timestamp} {
		m.Write([]byte(p))
	}
	return m.Sum(nil)
}

// verifier checks the signatures of requests to one URL.
type verifier struct {
	url     string
	secrets []string
	allowV1 bool
	now     func() time.Time
}

// verify reports whether HubSpot signed the request. It does not tell why not.
func (v *verifier) verify(h http.Header, method string, body []byte) bool {
	if sig := h.Get("X-HubSpot-Signature-v3"); sig != "" || !v.allowV1 {
		return v.verifyV3(sig, h.Get("X-HubSpot-Request-Timestamp"), method, body)
	}
	return h.Get("X-HubSpot-Signature-Version") == "v1" && v.verifyV1(h.Get("X-HubSpot-Signature"), body)
}

// verifyV3 takes the URL in both forms, as configured and as HubSpot decodes
// it, because senders differ.
func (v *verifier) verifyV3(signature, timestamp, method string, body []byte) bool {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || !timestampForm.MatchString(timestamp) {
		return false
	}
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !websig.Fresh(v.now(), time.UnixMilli(ms), signatureWindow) {
		return false
	}
	var want [][]byte
	for _, secret := range v.secrets {
		for _, uri := range []string{v.url, decodeURI(v.url)} {
			want = append(want, macV3(secret, method, uri, body, timestamp))
		}
	}
	return websig.EqualAny(got, want...)
}

func (v *verifier) verifyV1(signature string, body []byte) bool {
	var want [][]byte
	for _, secret := range v.secrets {
		want = append(want, []byte(SignV1(secret, body)))
	}
	return websig.EqualAny([]byte(signature), want...)
}
