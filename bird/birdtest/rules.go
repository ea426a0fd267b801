package birdtest

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
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
	phonePattern = regexp.MustCompile(`^\+[1-9][0-9]{7,14}$`)
	emailPattern = regexp.MustCompile(`^[^@\s%/]+@[^@\s%/]+\.[^@\s%/]+$`)
)

func checkIdentifier(i Identifier) *refusal {
	switch {
	case i.Key == "" || len(i.Key) > 64:
		return invalid("identifier key must have 1 to 64 characters")
	case i.Value == "" || len(i.Value) > 500:
		return invalid("identifier value must have 1 to 500 characters")
	case i.Key == phoneKey && !phonePattern.MatchString(i.Value):
		return invalid(i.Value + " is not a valid phone number")
	case i.Key == emailKey && !emailPattern.MatchString(i.Value):
		return invalid(i.Value + " is not a valid email address")
	}
	return nil
}

// indexKey is the form under which an identifier is unique.
func indexKey(i Identifier) string {
	if i.Key == emailKey {
		return i.Key + "\x00" + strings.ToLower(i.Value)
	}
	return i.Key + "\x00" + i.Value
}

// checkAttributes holds the attributes of a write to the API's schema and to
// their definitions.
func (s *Server) checkAttributes(attributes map[string]any) *refusal {
	for key, v := range attributes {
		if name, ok := v.(string); ok && key == displayNameKey && len(name) > 150 {
			return invalid("displayName is too long")
		}
		d, defined := s.definitions[key]
		if !defined && s.opts.RefuseUnknownAttributes {
			return invalid("attribute " + key + " is not defined")
		}
		if !attributeShape(v) || defined && v != nil && !d.allows(v) {
			return invalid("attribute " + key + " has the wrong type")
		}
	}
	return nil
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

// A definition declares an attribute.
type definition struct {
	ID          string `json:"id"`
	Key         string `json:"key"`
	DisplayName string `json:"displayName"`
	Description string `json:"description,omitempty"`
	Cardinality string `json:"cardinality"`
	Type        string `json:"type"`
	PII         *bool  `json:"pii"`
	ReadOnly    *bool  `json:"readOnly"`
	Builtin     bool   `json:"builtin"`
	CreatedAt   string `json:"createdAt"`
}

// builtins are the attributes that every workspace defines.
func builtins() map[string]*definition {
	all := map[string]*definition{}
	no := false
	for _, key := range []string{displayNameKey, "firstName", "lastName", "country", "countryCode", "city", "locale", "timezone"} {
		all[key] = &definition{ID: "builtin-" + key, Key: key, DisplayName: key, Cardinality: "one", Type: "string",
			PII: &no, ReadOnly: &no, Builtin: true}
	}
	return all
}

var attributeKeyPattern = regexp.MustCompile(`^[A-Za-z\d_-]{1,64}$`)

func (d *definition) check() *refusal {
	setDefault(&d.Cardinality, "one")
	setDefault(&d.Type, "string")
	switch {
	case !attributeKeyPattern.MatchString(d.Key):
		return invalid("key does not match the pattern")
	case d.PII == nil || d.ReadOnly == nil:
		return invalid("pii and readOnly are required")
	case d.Cardinality != "one" && d.Cardinality != "many":
		return invalid("cardinality is unknown")
	case d.Type != "boolean" && d.Type != "datetime" && d.Type != "number" && d.Type != "string":
		return invalid("type is unknown")
	}
	return nil
}

func (d *definition) allows(v any) bool {
	items, many := v.([]any)
	if many != (d.Cardinality == "many") {
		return false
	}
	if !many {
		items = []any{v}
	}
	for _, item := range items {
		if !d.allowsOne(item) {
			return false
		}
	}
	return true
}

func (d *definition) allowsOne(v any) bool {
	switch v.(type) {
	case bool:
		return d.Type == "boolean"
	case float64:
		return d.Type == "number"
	}
	return d.Type == "string" || d.Type == "datetime"
}

// equal compares two values as JSON does.
func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
