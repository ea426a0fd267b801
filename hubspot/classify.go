package hubspot

import (
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// How long HubSpot wants to be left alone. Sources:
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
// and https://developers.hubspot.com/docs/api-reference/error-handling
const (
	waitSecond  = time.Second      // the search quota's window
	waitTen     = 10 * time.Second // the burst quota's window
	waitLocked  = 2 * time.Second  // 423: the record is being written
	waitMoving  = time.Minute      // 477 without Retry-After: the account is being moved
	statusMoved = 477
)

// callError is the error of a call that HubSpot answered with another status
// than 2xx.
func callError(op string, res *httpx.Response, now time.Time) *sync.Error {
	api := apiError(res.Status, res.Body)
	if api.CorrelationID == "" {
		api.CorrelationID = only(correlationForm, res.RequestID)
	}
	e := classify(op, "", api)
	if e.Action == sync.RetryAt {
		e.RetryAt = retryAt(api, res, now)
	}
	return e
}

// classify decides what is to be done about an answer to a call about records
// of the kind.
func classify(op string, kind sync.Kind, api *APIError) *sync.Error {
	e := &sync.Error{Op: op, Err: api}
	if len(api.Details) > 0 {
		e.Field, e.Rule = api.Details[0].Property, api.Details[0].Code
	}
	switch s := api.Status; {
	case api.rateLimited():
		e.Action, e.Rule, e.Hint = sync.RetryAt, "quota", "the account's quota of calls is used up; it comes back by itself"
	case s == http.StatusLocked, s == statusMoved:
		e.Action, e.Rule, e.Hint = sync.RetryAt, "locked", "HubSpot is busy with these data; it passes by itself"
	case s == http.StatusUnauthorized:
		e.Action, e.Rule, e.Hint = sync.Denied, "auth.token", "the token is wrong, expired or of another account; replace it"
	case s == http.StatusForbidden:
		e.Action, e.Rule, e.Hint = sync.Denied, "auth.scope", scopeHint(api.Scopes)
	case api.Category == "OBJECT_NOT_FOUND":
		e.Action, e.Rule = sync.NotFound, "record.exists"
	case s == http.StatusNotFound:
		e.Action, e.Rule, e.Hint = sync.Fatal, "path.exists", "check Options.APIVersion and Options.BaseURL"
	case notUniqueKey.MatchString(api.message):
		e.Action, e.Rule, e.Hint = sync.Fatal, "property.unique", "the property by which records are created is missing or not unique: create it with hasUniqueValue, as Adapter.Setup does; it cannot be switched on later"
	case len(api.UnknownIDs) > 0:
		e.Action, e.Rule, e.Hint = sync.NotFound, "association.exists", "the record to be associated with is gone or was merged; look it up again"
	case api.holdsValue():
		e.Action, e.Rule, e.Hint = sync.Conflict, or(e.Rule, "value.unique"), "another record holds this value; link it, or merge the two"
		if api.ExistingID != "" {
			e.Existing = sync.Ref{System: System, Kind: kind, ID: api.ExistingID}
		}
	case s == http.StatusRequestTimeout, s >= 500, strings.HasPrefix(api.Category, "INTERNAL"):
		e.Action, e.Hint = sync.Retry, "HubSpot has a passing fault"
	case s == 0 || s == 400 || s == 413 || s == 414 || s == 422:
		e.Action, e.Rule, e.Hint = sync.Invalid, or(e.Rule, or(api.Category, "request.valid")), validationHint(e.Rule)
	default:
		e.Action, e.Hint = sync.Fatal, "HubSpot does not take this call; check Options.BaseURL and Options.APIVersion"
	}
	return e
}

// validationHint says what mends a broken rule.
func validationHint(code string) string {
	switch code {
	case codeGone:
		return "create the property in HubSpot or take it out of the mapping"
	case codeReadOnly:
		return "HubSpot computes this property; map it one way only"
	case "INVALID_OPTION":
		return "map the value to an option's internal name, or add the option in HubSpot"
	}
	return "mend the value on the other side, or the mapping, and replay"
}

func scopeHint(scopes []string) string {
	if len(scopes) == 0 {
		return "grant the token the scopes listed in the package's documentation"
	}
	return "grant the token one of the scopes " + strings.Join(scopes, ", ")
}

// retryAt returns when to try again: when HubSpot says, or else by the quota.
func retryAt(api *APIError, res *httpx.Response, now time.Time) time.Time {
	if at, ok := res.RetryAfter(now); ok {
		return at
	}
	policy := strings.ToUpper(api.Policy + " " + api.message)
	switch {
	case api.Status == http.StatusLocked:
		return now.Add(jitter(waitLocked))
	case api.Status == statusMoved:
		return now.Add(jitter(waitMoving))
	case strings.Contains(policy, "DAILY"):
		// The day ends at midnight in the account's time zone, which is not
		// told; it is a full hour almost everywhere.
		return now.Truncate(time.Hour).Add(time.Hour + jitter(waitTen))
	case strings.Contains(policy, "TEN_SECONDLY"):
		return now.Add(jitter(waitSecond)) // the window rolls: places fall free all the time
	case strings.Contains(policy, "SECONDLY"):
		return now.Add(jitter(waitSecond))
	}
	return now.Add(jitter(waitTen))
}

// jitter lengthens d by up to a fifth, so that waiters do not return as one.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/5) }

// faultError is the error of a call that had no usable answer.
func faultError(op string, err error) error {
	return &sync.Error{Op: op, Action: sync.Retry, Hint: "whether the call took effect is unknown", Err: err}
}
