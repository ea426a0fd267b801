package hubspottest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Locked is the fault of too many writes on the same data, which the vendor answers with 423 for about two seconds.
// Options.RecordWrites makes it happen by itself.
// https://developers.hubspot.com/docs/api-reference/error-handling
func Locked() Fault { return refused(http.StatusLocked, lockedMessage) }

// Moving is the fault of an account that is being moved to another data centre: 477 with Retry-After in seconds.
// https://developers.hubspot.com/docs/api-reference/error-handling
func Moving(retryAfter time.Duration) Fault {
	f := refused(statusMoving, "This account is being migrated.")
	f.Header = http.Header{}
	setRetryAfter(f.Header, retryAfter)
	return f
}

const statusMoving = 477

// ServerError is a passing fault of the vendor's own: 500, 502, 503, 504 or one of the 52x.
func ServerError(status int) Fault { return refused(status, "internal error") }

// Cloudflare is a fault of the network in front of the vendor, with a page for people as its body: 502, 504, 520 to 524 or
// 530. A 524 comes after the vendor worked on the request for over 100 s; whether it took effect is not known.
func Cloudflare(status int) Fault {
	return Fault{
		Status: status, Header: http.Header{"Content-Type": {"text/html; charset=UTF-8"}, "Cf-Ray": {"0000000000000000-BOG"}},
		Body: fmt.Sprintf("<!DOCTYPE html>\n<html lang=\"en-US\">\n<head><title>api.hubapi.com | %d</title></head>\n"+
			"<body><h1>Error code %d</h1></body>\n</html>\n", status, status),
	}
}

// CutBefore is the fault of a connection that breaks before the request takes effect.
func CutBefore() Fault { return Fault{DropBefore: true} }

// CutAfter is the fault of a connection that breaks after the request took effect: the answer is lost, the write is not.
func CutAfter() Fault { return Fault{DropAfter: true} }

// Expired is the fault of an OAuth token past its half hour: 401 with its own category. Tokens of the OAuth endpoints
// expire by themselves.
func Expired() Fault { return expired(7 * time.Second).fault() }

// MissingScopes is the fault of an app that lacks permissions: 403 with the scopes it needs. Tokens with scopes provoke it
// by themselves.
func MissingScopes(scopes ...string) Fault { return missingScopes(scopes).fault() }

func missingScopes(scopes []string) *apiError {
	e := fail(http.StatusForbidden, "MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call. "+
		"Read more about required scopes here: https://developers.hubspot.com/scopes.")
	e.Errors = []errorDetail{{
		Message: "One or more of the following scopes are required.",
		Context: map[string][]string{"requiredGranularScopes": scopes},
	}}
	e.Links = map[string]string{"scopes": "https://developers.hubspot.com/scopes"}
	return e
}

// fault answers with the error, and a correlation id that is always the same.
func (e *apiError) fault() Fault {
	e.CorrelationID = "c033cdaa-2c40-4a64-ae48-b4cec88dad24"
	body, _ := json.Marshal(e)
	return Fault{Status: e.code, Body: string(body)}
}

const lockedMessage = "The resource is locked."

// The words of these answers are not published; their status is.
func refused(status int, message string) Fault {
	return Fault{Status: status, Body: fmt.Sprintf(`{"status":"error","message":%q}`, message)}
}
