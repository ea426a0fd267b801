package birdtest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// ServerError is a passing fault of Bird's own: 500, 502, 503 or 504.
func ServerError(status int) Fault {
	return refused(&refusal{Status: status, Code: "InternalServerError", Message: "try again later"})
}

// Throttled is the answer over a rate limit. A pause above zero is told in
// Retry-After, in whole seconds.
// See https://docs.bird.com/api/channels-api/rate-limit.
func Throttled(pause time.Duration) Fault {
	f := refused(tooMany)
	if pause > 0 {
		f.Header.Set("Retry-After", strconv.Itoa(int((pause+time.Second-1)/time.Second)))
	}
	return f
}

// WithoutRole is the answer to a key that nobody gave a role: that to a wrong
// key.
func WithoutRole() Fault { return refused(unauthorized) }

// Slow holds the answer back.
func Slow(d time.Duration) Fault { return Fault{Delay: d} }

// TruncatedJSON is an answer of status 200 whose JSON ends too early. The call
// takes no effect.
func TruncatedJSON() Fault {
	return Fault{Status: http.StatusOK, Body: `{"results":[{"id":"12bd0e40-9361-4e32-8b26-`}
}

// CutAfter breaks the connection after the call took effect: the answer is
// lost, the write is not.
func CutAfter() Fault { return Fault{DropAfter: true} }

func refused(r *refusal) Fault {
	body, err := json.Marshal(r)
	if err != nil {
		panic("birdtest: " + err.Error())
	}
	h := http.Header{}
	h.Set("messagebird-request-id", "00000000-0000-4000-8000-000000000000")
	return Fault{Status: r.Status, Header: h, Body: string(body)}
}
