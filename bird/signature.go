package bird

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
)

// The headers of a signed webhook.
// See https://docs.bird.com/api/notifications-api/api-reference/webhook-subscriptions/verifying-a-webhook-subscription.
const (
	signatureHeader = "messagebird-signature"
	timestampHeader = "messagebird-request-timestamp"
)

// signed reports whether the signature header was made with one of the keys
// over the timestamp header, the subscription's URL and the raw body. Every
// key is tried in full, so that the time taken tells nothing.
func signed(keys []string, timestamp, url string, body []byte, header string) bool {
	got, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		return false
	}
	valid := false
	for _, key := range keys {
		valid = hmac.Equal(got, mac(key, timestamp, url, body)) || valid
	}
	return valid
}

// mac computes the signature. The digest of the body goes in as 32 raw bytes,
// and the key is used as typed although it looks like base64.
func mac(key, timestamp, url string, body []byte) []byte {
	digest := sha256.Sum256(body)
	m := hmac.New(sha256.New, []byte(key))
	_, _ = io.WriteString(m, timestamp+"\n"+url+"\n")
	_, _ = m.Write(digest[:])
	return m.Sum(nil)
}
