package bird

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// An APIError is what Bird itself said about a call it did not carry out. It
// is the cause of a [sync.Error]; find it with [errors.As].
// See https://docs.bird.com/api/api-access/common-api-usage.
type APIError struct {
	// Status is the HTTP status.
	Status int
	// Code is Bird's word for the fault, such as "ResourceAlreadyExists".
	Code string
	// Message is Bird's explanation. It may name a person's phone or e-mail:
	// do not log it.
	Message string
	// ConversationID is the contact's active conversation when Code is
	// "ContactAlreadyInConversation".
	ConversationID string
	// RequestID identifies the call to Bird's support.
	RequestID string
}

// Error implements error. It leaves Message out.
func (e *APIError) Error() string {
	text := fmt.Sprintf("bird answered %d", e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.RequestID != "" {
		text += ", request " + e.RequestID
	}
	return text
}

// phoneRule is broken by a phone that Bird does not take.
const phoneRule = "phone.e164"

// plain matches what is certainly a code or an id and not a person's data.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z_]{0,63}$`)

func apiError(res *httpx.Response) *APIError {
	e := &APIError{Status: res.Status, RequestID: res.RequestID}
	var body struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Details struct {
			ConversationID string `json:"conversationId"`
		} `json:"details"`
	}
	// Not every gateway in between answers in JSON, and details have any form;
	// what does not fit is left out, and the status then suffices.
	_ = json.Unmarshal(res.Body, &body)
	e.Message = body.Message
	if plain.MatchString(body.Code) {
		e.Code = body.Code
	}
	if idPattern.MatchString(body.Details.ConversationID) {
		e.ConversationID = body.Details.ConversationID
	}
	return e
}

// unanswered classifies a call that brought no usable answer. The outcome of
// one that writes is then unknown.
func (r request) unanswered(err error) error {
	e := &sync.Error{Op: r.op, Ref: r.ref, Action: sync.Retry, Rule: "bird.answers", Err: err}
	var wait *ratelimit.TooLongError
	switch {
	case errors.As(err, &wait):
		e.Action, e.Rule, e.RetryAt = sync.RetryAt, "bird.rate", wait.Until
	case errors.Is(err, context.Canceled):
		e.Action = sync.RetryAt // nobody's fault: it uses up no attempt
	}
	return e
}

// throttled classifies a 429: Bird did not process the call.
// See https://docs.bird.com/api/channels-api/rate-limit.
func (r request) throttled(res *httpx.Response, until time.Time) error {
	return &sync.Error{Op: r.op, Ref: r.ref, Action: sync.RetryAt, Rule: "bird.rate", RetryAt: until,
		Hint: "other programs share the workspace's limit; lower GETPerSecond and POSTPerSecond, or ask Bird for more",
		Err:  apiError(res)}
}

// conflicts says what a 409 means, by the kind of what was to be changed.
var conflicts = map[sync.Kind]struct{ rule, hint string }{
	Contact:          {"identifier.unique", "another contact holds one of the identifiers"},
	ConversationKind: {"conversation.active", "the contact has another active conversation on the channel; use that one"},
	feedItemKind:     {"conversation.active", "the contact has another active conversation, or somebody changed the item meanwhile; look again"},
	"":               {"bird.unique", "there is one already"},
}

// invalids says what to do about a 400 or 422.
var invalids = map[sync.Kind]string{
	Contact:          "correct the value in the system it comes from; phones must be E.164",
	ConversationKind: "a closed conversation takes no messages; reopen it, or correct the value; a status is active or closed",
	feedItemKind:     "a closed item cannot be assigned; look again",
}

// refused classifies an answer by its status.
func (r request) refused(res *httpx.Response) error {
	e := &sync.Error{Op: r.op, Ref: r.ref, Err: apiError(res)}
	switch res.Status {
	case http.StatusUnauthorized:
		e.Action, e.Rule = sync.Denied, "bird.authorized"
		e.Hint = "Bird answers so to a wrong key, to a key without a role, and to a wrong workspace id alike; check all three"
	case http.StatusForbidden:
		e.Action, e.Rule = sync.Denied, "bird.policy"
		e.Hint = "give the access key a role whose policy allows View, Create and Update on the workspace's contacts and conversations"
	case http.StatusNotFound:
		e.Action, e.Rule = sync.NotFound, string(r.ref.Kind)+".exists"
		if r.ref.Zero() {
			e.Action, e.Rule, e.Hint = sync.Fatal, "workspace.exists", "check the workspace id and the base URL"
		}
	case http.StatusConflict:
		e.Action, e.Rule, e.Hint = sync.Conflict, conflicts[r.ref.Kind].rule, conflicts[r.ref.Kind].hint
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		e.Action, e.Rule, e.Hint = sync.Invalid, "bird.payload", invalids[r.ref.Kind]
	default:
		r.passing(e, res)
	}
	return e
}

// passing classifies what usually mends itself, and what nobody expected.
func (r request) passing(e *sync.Error, res *httpx.Response) {
	if res.Status != http.StatusRequestTimeout && res.Status < 500 {
		e.Action, e.Rule = sync.Fatal, "bird.answers"
		e.Hint = "the API answered in a way its documentation does not describe; check the base URL"
		return
	}
	e.Action, e.Rule = sync.Retry, "bird.answers"
	if at, ok := res.RetryAfter(time.Now()); ok {
		e.Action, e.RetryAt = sync.RetryAt, at
	}
}

// blame names the one written field that Bird's message speaks of, if there
// is exactly one. The message itself stays out of the error's text.
func blame(err error, fields sync.Fields, externalIDKey string) {
	var e *sync.Error
	var api *APIError
	if !errors.As(err, &e) || e.Action != sync.Invalid || !errors.As(err, &api) {
		return
	}
	message := strings.ToLower(api.Message)
	found := ""
	for name := range fields {
		if !mentions(message, placeOf(name, externalIDKey)) {
			continue
		}
		if found != "" {
			return
		}
		found = name
	}
	e.Field = found
	if found == FieldPhone {
		e.Rule = phoneRule
	}
}

func mentions(message string, p place) bool {
	switch p.key {
	case "":
		return false
	case phoneKey:
		return strings.Contains(message, "phone")
	case emailKey:
		return strings.Contains(message, "email")
	}
	return strings.Contains(message, strings.ToLower(p.key))
}
