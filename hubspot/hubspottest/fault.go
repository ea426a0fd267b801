package hubspottest

import (
	"encoding/json"
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

// Expired is the fault of an OAuth token past its half hour: 401 with its own category.
func Expired() Fault {
	return fail(http.StatusUnauthorized, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired 7 second(s) ago.").fault()
}

// MissingScopes is the fault of an app that lacks permissions: 403 with the scopes it needs.
func MissingScopes(scopes ...string) Fault {
	e := fail(http.StatusForbidden, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call. "+
		"Read more about required scopes here: https://developers.hubspot.com/scopes.")
	e.Errors = []errorDetail{{
		Message: "One or more of the following scopes are required.",
		Context: map[string][]string{"requiredGranularScopes": scopes},
	}}
	e.Links = map[string]string{"scopes": "https://developers.hubspot.com/scopes"}
	return e.fault()
}

// fault answers with the error, and a correlation id that is always the same.
func (e *apiError) fault() Fault {
	e.CorrelationID = "c033cdaa-2c40-4a64-ae48-b4cec88dad24"
	body, _ := json.Marshal(e)
	return Fault{Status: e.code, Body: string(body)}
}

// The words of these answers are not published; their status is.
func refused(status int, message string) Fault {
	return Fault{Status: status, Body: fmt.Sprintf(`{"status":"error","message":%q}`, message)}
}
