package hubspottest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Locked is the fault of too many writes on the same data, which the vendor answers with 423 for about two seconds.
// https://developers.hubspot.com/docs/api-reference/error-handling
func Locked() Fault { return refused(http.StatusLocked, "The resource is locked.") }

// Moving is the fault of an account that is being moved to another data centre: 477 with Retry-After in seconds.
// https://developers.hubspot.com/docs/api-reference/error-handling
func Moving(retryAfter time.Duration) Fault {
	f := refused(477, "This account is being migrated.")
	f.Header = http.Header{"Retry-After": {strconv.Itoa(int(retryAfter.Seconds()))}}
	return f
}

// ServerError is a passing fault of the vendor's own: 500, 502, 503, 504 or one of the 52x.
func ServerError(status int) Fault { return refused(status, "internal error") }

// The words of these answers are not published; their status is.
func refused(status int, message string) Fault {
	return Fault{Status: status, Body: fmt.Sprintf(`{"status":"error","message":%q}`, message)}
}
