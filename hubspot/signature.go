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
	url  string
	keys websig.Keys
	now  func() time.Time
	// allowV1 and allowV2 also take the older signatures, of requests that
	// have no newer one.
	allowV1, allowV2 bool
}

// The checks that a request may fail, for the log.
const (
	checkMissing  = "no v3 signature"
	checkFormat   = "the form of the signature or its timestamp"
	checkAge      = "the timestamp's age"
	checkMismatch = "the signature"
)

// verify returns "" when HubSpot signed the request, or else the check that
// failed. A request with a signature of version 3 is judged by that alone.
func (v *verifier) verify(h http.Header, method string, body []byte) (failed string) {
	if signature := h.Get("X-HubSpot-Signature-v3"); signature != "" {
		return v.verifyV3(signature, h.Get("X-HubSpot-Request-Timestamp"), method, body)
	}
	sign := v.older(h.Get("X-HubSpot-Signature-Version"), method, body)
	if sign == nil {
		return checkMissing
	}
	var want [][]byte
	for _, secret := range v.keys.At(v.now()) {
		for _, uri := range v.uris() {
			want = append(want, []byte(sign(secret, uri)))
		}
	}
	return verdict(websig.EqualAny([]byte(h.Get("X-HubSpot-Signature")), want...))
}

// older returns how a version without timestamp signs, or nil if the version
// is not taken.
func (v *verifier) older(version, method string, body []byte) func(secret, uri string) string {
	switch {
	case version == "v1" && v.allowV1:
		return func(secret, _ string) string { return SignV1(secret, body) }
	case version == "v2" && v.allowV2:
		return func(secret, uri string) string { return SignV2(secret, method, uri, body) }
	}
	return nil
}

func (v *verifier) verifyV3(signature, timestamp, method string, body []byte) (failed string) {
	got, err := base64.StdEncoding.DecodeString(signature)
	if err != nil || !timestampForm.MatchString(timestamp) {
		return checkFormat
	}
	ms, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return checkFormat
	}
	if !websig.Fresh(v.now(), time.UnixMilli(ms), signatureWindow) {
		return checkAge
	}
	var want [][]byte
	for _, secret := range v.keys.At(v.now()) {
		for _, uri := range v.uris() {
			want = append(want, macV3(secret, method, uri, body, timestamp))
		}
	}
	return verdict(websig.EqualAny(got, want...))
}

// uris returns the URL in both forms, as configured and as HubSpot decodes it,
// because senders differ.
func (v *verifier) uris() []string { return []string{v.url, decodeURI(v.url)} }

func verdict(equal bool) (failed string) {
	if !equal {
		return checkMismatch
	}
	return ""
}
