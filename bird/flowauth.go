package bird

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
)

// A FlowSignature says how those sign who call the handler of
// [NewFlowReceiver]: by HMAC-SHA256, over the raw body, in hex or base64, with
// or without "sha256=" before it.
// That is the form in which Bird's own HTTP trigger expects signed calls.
// See https://docs.bird.com/applications/automation/flows/concepts/triggers.
type FlowSignature struct {
	// Header is where the signature is, such as "X-Signature-256"; "" takes
	// none.
	Header string
	// Secrets are the keys, as typed; two while one is changed, the new one
	// first. None empty.
	Secrets []string
	// TimestampHeader, if set, is where the time of the call must be, in Unix
	// seconds. What is signed is then that header's text, a full stop, and the
	// body, so that nobody can send an old call as a new one.
	TimestampHeader string
	// MaxAge is how old a call with a timestamp may be; 0 is 24 hours, because
	// what is sent again may bear its first timestamp.
	MaxAge time.Duration
}

// credentials are what callers may prove themselves by.
type credentials struct {
	bearers   websig.Keys
	keys      websig.Keys // of the signature
	signature FlowSignature
}

func newCredentials(bearers []string, s FlowSignature, oldUntil time.Time) (credentials, error) {
	c := credentials{bearers: websig.Keys{Secrets: bearers, OldUntil: oldUntil}, keys: websig.Keys{Secrets: s.Secrets, OldUntil: oldUntil}, signature: s}
	switch {
	case len(bearers) == 0 && s.Header == "" || len(bearers) > 0 && !c.bearers.Usable():
		return c, misconfigured("flow.secrets", "give at least one bearer secret, or a signature, and none that is empty or has a blank or line end around it; without one nothing proves the caller")
	case (s.Header != "") != (len(s.Secrets) > 0) || s.Header != "" && !c.keys.Usable():
		return c, misconfigured("flow.signature", "give the signature's header and its secrets, none of them empty or with a blank or line end around it")
	case s.TimestampHeader != "" && s.Header == "":
		return c, misconfigured("flow.timestamp", "a timestamp proves something only if it is signed; give the signature's header")
	case strings.EqualFold(s.Header, "Authorization") && len(bearers) > 0:
		return c, misconfigured("flow.signature", "the header Authorization holds the bearer secret; name another one for the signature")
	}
	if c.signature.MaxAge <= 0 {
		c.signature.MaxAge = 24 * time.Hour
	}
	return c, nil
}

// hashed makes secrets of one length, so that theirs do not show.
func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// authentic reports whether the request proves its caller in one of the ways.
// Every secret is compared in full, so that the time taken tells nothing.
func (c *credentials) authentic(h http.Header, body []byte, now time.Time) bool {
	scheme, secret, _ := strings.Cut(h.Get("Authorization"), " ")
	known := websig.EqualAny(hashed(secret), each(c.bearers.At(now), hashed)...) && strings.EqualFold(scheme, "Bearer") // RFC 9110: in any case
	return c.signature.valid(h, c.keys.At(now), body, now) || known
}

// each makes a proof of every secret.
func each(secrets []string, proof func(secret string) []byte) [][]byte {
	proofs := make([][]byte, len(secrets))
	for i, s := range secrets {
		proofs[i] = proof(s)
	}
	return proofs
}

// valid reports whether the body is signed with one of the keys and not too
// old.
func (s *FlowSignature) valid(h http.Header, keys []string, body []byte, now time.Time) bool {
	got := decodedSignature(h.Get(s.Header))
	if s.Header == "" || got == nil {
		return false
	}
	signed := string(body)
	if s.TimestampHeader != "" {
		signed = h.Get(s.TimestampHeader) + "." + signed
	}
	macs := each(keys, func(key string) []byte {
		m := hmac.New(sha256.New, []byte(key))
		_, _ = m.Write([]byte(signed))
		return m.Sum(nil)
	})
	return websig.EqualAny(got, macs...) && (s.TimestampHeader == "" || s.fresh(h.Get(s.TimestampHeader), now))
}

func (s *FlowSignature) fresh(timestamp string, now time.Time) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	age := now.Sub(time.Unix(seconds, 0))
	return err == nil && age <= s.MaxAge && age >= -maxAhead
}

// decodedSignature returns the bytes of a signature in any of its forms, nil
// if it is none. 32 bytes are 64 digits in hex and never so many in base64.
func decodedSignature(text string) []byte {
	text = strings.TrimPrefix(strings.TrimSpace(text), "sha256=")
	if mac, err := hex.DecodeString(text); err == nil && len(mac) == sha256.Size {
		return mac
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	if mac, err := base64.RawStdEncoding.DecodeString(text); err == nil && len(mac) == sha256.Size {
		return mac
	}
	return nil
}
