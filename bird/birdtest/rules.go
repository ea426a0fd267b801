package birdtest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A refusal is an answer other than 2xx.
type refusal struct {
	Status  int            `json:"-"`
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
}

var (
	unauthorized = &refusal{Status: http.StatusUnauthorized, Code: "Unauthorized", Message: "Unauthorized"}
	forbidden    = &refusal{Status: http.StatusForbidden, Code: "FORBIDDEN_INTERNAL", Message: "forbidden"}
	notFound     = &refusal{Status: http.StatusNotFound, Code: "NotFound", Message: "contact not found"}
	tooMany      = &refusal{Status: http.StatusTooManyRequests, Code: "TooManyRequests", Message: "Too Many Requests"}
	unavailable  = &refusal{Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable", Message: "try again later"}
)

// missing is the answer to an id that names nothing.
func missing(what string) *refusal {
	return &refusal{Status: http.StatusNotFound, Code: "NotFound", Message: what + " not found"}
}

func invalid(message string) *refusal {
	return &refusal{Status: http.StatusUnprocessableEntity, Code: "InvalidPayload", Message: message}
}

func malformed(message string) *refusal {
	return &refusal{Status: http.StatusBadRequest, Code: "BadRequest", Message: message}
}

// exists names the value, as Bird's own text may: clients must not log it.
func exists(i Identifier) *refusal {
	return &refusal{Status: http.StatusConflict, Code: "ResourceAlreadyExists",
		Message: "a contact with the identifier " + i.Key + " " + i.Value + " already exists", Details: map[string]any{}}
}

// Error lets the admin methods return a refusal as an error.
func (r *refusal) Error() string { return "birdtest: " + r.Code + ": " + r.Message }

var (
	uuidPattern  = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	emailPattern = regexp.MustCompile(`^[^@\s%/]+@[^@\s%/]+\.[^@\s%/]+$`)
)

func checkIdentifier(i Identifier) *refusal {
	switch {
	case !within(i.Key, 1, 64):
		return invalid("identifier key must have 1 to 64 characters")
	case !within(i.Value, 1, 500):
		return invalid("identifier value must have 1 to 500 characters")
	case i.Key == phoneKey && !phonePattern.MatchString(i.Value):
		return invalid(i.Value + " is not a valid phone number")
	case i.Key == emailKey && !emailPattern.MatchString(i.Value):
		return invalid(i.Value + " is not a valid email address")
	}
	return nil
}

// within reports whether a text has as many characters as the API wants.
func within(text string, least, most int) bool {
	n := utf8.RuneCountInString(text)
	return least <= n && n <= most
}

// indexKey is the form under which an identifier is unique.
func indexKey(i Identifier) string {
	if i.Key == emailKey {
		return i.Key + "\x00" + strings.ToLower(i.Value)
	}
	return i.Key + "\x00" + i.Value
}

// attributeShape reports whether v is a boolean, number, string, a non-empty
// array of those, or null.
func attributeShape(v any) bool {
	list, ok := v.([]any)
	if !ok {
		return v == nil || scalar(v)
	}
	for _, item := range list {
		if !scalar(item) {
			return false
		}
	}
	return len(list) > 0
}

func scalar(v any) bool {
	switch v.(type) {
	case string, float64, bool:
		return true
	}
	return false
}

// equal compares two values as JSON does.
func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
