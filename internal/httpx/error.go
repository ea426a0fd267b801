package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

var errTooLarge = errors.New("the answer exceeds the size limit")

// A TransportError tells that no whole answer came, so that the outcome of a
// call that writes is unknown.
type TransportError struct {
	Method string
	// Timeout is set when a deadline passed.
	Timeout bool
	err     error
}

// Error implements error; the text holds neither URL nor header.
func (e *TransportError) Error() string { return e.Method + ": no answer: " + reason(e.err) }

// Unwrap returns the cause, which tells a cancelled context. Its text may hold
// addresses; print the TransportError instead.
func (e *TransportError) Unwrap() error { return e.err }

func transportError(method string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err // drops the URL with its path and query
	}
	var n net.Error
	timeout := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
	return &TransportError{Method: method, Timeout: timeout, err: err}
}

// reason names what went wrong; anything not known to be free of request data
// is named only by the operation that failed.
func reason(err error) string {
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return "the call was cancelled"
	case errors.Is(err, context.DeadlineExceeded):
		return "the deadline passed"
	case errors.As(err, &dns):
		return "the host name does not resolve"
	case errors.As(err, &op):
		return "the connection failed: " + op.Op + ": " + op.Err.Error()
	}
	return "the connection failed"
}

// A BodyError tells that a request or an answer was not the JSON it should be.
type BodyError struct{ Reason string }

// Error implements error.
func (e *BodyError) Error() string { return e.Reason }

// longestWait is more than any vendor asks for.
const longestWait = 30 * 24 * time.Hour

// RetryAfter reads the Retry-After header, in seconds or as an HTTP date, which
// counts from the answer's own Date if it has one: the server's clock may differ.
// The second result is false when the header is absent, malformed or past, or
// asks for more than 30 days.
func (r *Response) RetryAfter(now time.Time) (time.Time, bool) {
	h := r.Header.Get("Retry-After")
	if s, err := strconv.ParseFloat(h, 64); err == nil {
		if !(s >= 0 && s <= longestWait.Seconds()) { // also refuses NaN
			return time.Time{}, false
		}
		return now.Add(time.Duration(s * float64(time.Second))), true
	}
	at, err := http.ParseTime(h)
	if err != nil {
		return time.Time{}, false
	}
	from := now
	if date, err := http.ParseTime(r.Header.Get("Date")); err == nil {
		from = date
	}
	wait := at.Sub(from)
	if wait < 0 || wait > longestWait {
		return time.Time{}, false
	}
	return now.Add(wait), true
}

// Skew returns how far the server's clock, as told by the Date header, is
// ahead of now (negative: behind). The header has a resolution of one second.
func (r *Response) Skew(now time.Time) (time.Duration, bool) {
	t, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	return t.Sub(now), true
}
