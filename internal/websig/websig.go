// Package websig holds what every verifier of signed webhooks needs: the raw
// body within bounds, a comparison in constant time, and the age window.
package websig

import (
	"crypto/subtle"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// ErrTooLarge is returned by [ReadBody] for a body over the limit; the right
// answer to it is 413.
var ErrTooLarge = errors.New("the body exceeds the size limit")

// ErrEncoded is returned by [ReadBody] for a compressed body; the right answer
// to it is 415. No vendor compresses what it signs, and what nobody unpacks
// cannot burst.
var ErrEncoded = errors.New("the body is compressed")

// ReadBody reads the raw body of r, at most limit bytes. Any other error than
// [ErrTooLarge] and [ErrEncoded] means that the sender broke off, or took longer
// than a [Limit] lets it.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, ErrEncoded
	}
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, ErrTooLarge
	}
	if err == nil { // otherwise the server waits for the rest, before it closes the connection
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	return body, err
}

// EqualAny reports whether got equals one of the candidates. It takes the same
// time whichever it equals and wherever they differ; only lengths show.
func EqualAny(got []byte, candidates ...[]byte) bool {
	equal := 0
	for _, c := range candidates {
		equal |= subtle.ConstantTimeCompare(got, c)
	}
	return equal == 1
}

// Fresh reports whether signed lies neither more than window before now nor
// more than window after it.
func Fresh(now, signed time.Time, window time.Duration) bool {
	age := now.Sub(signed)
	return age <= window && age >= -window
}
