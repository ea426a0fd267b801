package hubspottest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// SignatureV3 is the signature the vendor sends in X-HubSpot-Signature-v3 for a request with this method, address, raw
// body and X-HubSpot-Request-Timestamp (epoch milliseconds as text).
// https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
func SignatureV3(secret, method, uri string, body []byte, timestamp string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(method + decodeURI(uri)))
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SignatureV1 is the older signature over secret and body, sent next to v3 for compatibility.
func SignatureV1(secret string, body []byte) string {
	sum := sha256.Sum256(append([]byte(secret), body...))
	return hex.EncodeToString(sum[:])
}

// decoded are the only percent sequences that the signed address does not keep.
var decoded = []string{"%3A", "%2F", "%3F", "%40", "%21", "%24", "%27", "%28", "%29", "%2A", "%2C", "%3B"}

func decodeURI(uri string) string {
	for _, seq := range decoded {
		plain, _ := url.PathUnescape(seq)
		uri = strings.ReplaceAll(uri, seq, plain)
	}
	return uri
}

// signed are the headers of one attempt.
func signed(secret, uri string, body []byte, at time.Time) http.Header {
	timestamp := strconv.FormatInt(at.UnixMilli(), 10)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set("X-HubSpot-Request-Timestamp", timestamp)
	h.Set("X-HubSpot-Signature-v3", SignatureV3(secret, http.MethodPost, uri, body, timestamp))
	h.Set("X-HubSpot-Signature", SignatureV1(secret, body))
	h.Set("X-HubSpot-Signature-Version", "v1")
	return h
}
