package hubspot

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// An APIError is what HubSpot answered, for use with errors.As on the errors
// of this package. Its text names the status, the codes and the properties,
// which are never personal data; [APIError.Message] may be.
type APIError struct {
	// Status is the HTTP status; 0 for an error told inside a batch's answer.
	Status int
	// Category is HubSpot's class of the error, such as VALIDATION_ERROR.
	Category string
	// SubCategory narrows the category, if told.
	SubCategory string
	// Policy names the quota that was exceeded, such as TEN_SECONDLY_ROLLING.
	Policy string
	// CorrelationID identifies the call to HubSpot's support.
	CorrelationID string
	// Details names each offending property and what is wrong with it.
	Details []ErrorDetail
	// Scopes are those that the token lacks.
	Scopes []string
	// ExistingID is the record that already holds a unique value, if told.
	ExistingID string
	// UnknownIDs are the records that were to be associated and that HubSpot
	// does not have, or not any more.
	UnknownIDs []string

	message string
}

// An ErrorDetail is one of several things that are wrong.
type ErrorDetail struct {
	// Property is the property's internal name, if told.
	Property string
	// Code is HubSpot's code, such as INVALID_OPTION, if told.
	Code string
}

// Message returns HubSpot's own words. They often quote the values that were
// sent: do not log them.
func (e *APIError) Message() string { return e.message }

// Error implements error. It quotes nothing that was sent.
func (e *APIError) Error() string {
	b := []string{"HubSpot answered"}
	if e.Status != 0 {
		b = append(b, fmt.Sprint(e.Status))
	}
	for _, s := range []string{e.Category, e.SubCategory, e.Policy} {
		if s != "" {
			b = append(b, s)
		}
	}
	for _, d := range e.Details {
		b = append(b, strings.TrimSpace(d.Code+" "+d.Property))
	}
	if e.CorrelationID != "" {
		b = append(b, "correlation "+e.CorrelationID)
	}
	return strings.Join(b, " ")
}

// What may appear in an error's text: codes and ids, never free text.
var (
	codeForm        = regexp.MustCompile(`^[A-Za-z0-9_.]{1,80}$`)
	correlationForm = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
	scopeForm       = regexp.MustCompile(`^[a-z0-9_.-]{1,100}$`)
)

// The two places in which HubSpot names the record that holds a unique value.
// In the second the first number is the record being written, the second the
// one to keep. Sources: https://github.com/HubSpot/hubspot-api-nodejs/issues/545
// and https://github.com/HubSpot/hubspot-api-php/issues/59
var (
	existingID   = regexp.MustCompile(`Existing ID:\s*(\d+)`)
	alreadyHas   = regexp.MustCompile(`(\d+) already has that value`)
	coordinates  = regexp.MustCompile(`propertyName=([a-z0-9_]+)`)
	notUniqueKey = regexp.MustCompile(`by non-unique`)
	unknownID    = regexp.MustCompile(`=(\d{1,19}) is not valid`)
)

const invalidValues = "Property values were not valid: "

func only(form *regexp.Regexp, s string) string {
	if form.MatchString(s) {
		return s
	}
	return ""
}

// apiError turns a body into an APIError; a body that is not JSON (a proxy's
// page) leaves only the status.
func apiError(status int, body []byte) *APIError {
	var b errorBody
	if json.Unmarshal(body, &b) != nil {
		b = errorBody{}
	}
	return b.apiError(status)
}

func (b *errorBody) apiError(status int) *APIError {
	category := b.Category
	if category == "" && b.ErrorType == "RATE_LIMIT" {
		category = "RATE_LIMITS"
	}
	e := &APIError{
		Status:        status,
		Category:      only(codeForm, category),
		SubCategory:   only(codeForm, b.SubCategory),
		Policy:        only(codeForm, b.PolicyName),
		CorrelationID: only(correlationForm, b.CorrelationID),
		Details:       b.details(),
		message:       b.Message,
	}
	for _, form := range []*regexp.Regexp{existingID, alreadyHas} {
		if m := form.FindStringSubmatch(b.Message); m != nil {
			e.ExistingID = m[1]
			break
		}
	}
	for _, s := range b.Context["INVALID_OBJECT_IDS"] {
		if m := unknownID.FindStringSubmatch(s); m != nil {
			e.UnknownIDs = append(e.UnknownIDs, m[1])
		}
	}
	for _, d := range b.Errors {
		for _, s := range d.Context["requiredGranularScopes"] {
			if scopeForm.MatchString(s) {
				e.Scopes = append(e.Scopes, s)
			}
		}
	}
	return e
}

// details gathers the offending properties from wherever HubSpot put them:
// the list of errors, the JSON inside the message, or the coordinates of a
// collision.
func (b *errorBody) details() []ErrorDetail {
	var ds []ErrorDetail
	for _, d := range b.Errors {
		detail := ErrorDetail{Code: only(codeForm, d.Code)}
		if names := d.Context["propertyName"]; len(names) > 0 {
			detail.Property = only(propertyForm, names[0])
		}
		if detail != (ErrorDetail{}) {
			ds = append(ds, detail)
		}
	}
	if len(ds) > 0 {
		return ds
	}
	if list, ok := strings.CutPrefix(b.Message, invalidValues); ok {
		var inner []struct{ Name, Error string }
		if json.Unmarshal([]byte(list), &inner) == nil {
			for _, d := range inner {
				ds = append(ds, ErrorDetail{Property: only(propertyForm, d.Name), Code: only(codeForm, d.Error)})
			}
		}
		return ds
	}
	if m := coordinates.FindStringSubmatch(b.Message); m != nil {
		ds = append(ds, ErrorDetail{Property: m[1]})
	}
	return ds
}

// unknownIDs are the records that an error says HubSpot does not have.
func unknownIDs(err error) []string {
	var api *APIError
	if errors.As(err, &api) {
		return api.UnknownIDs
	}
	return nil
}

// rateLimited reports whether a quota was exceeded. HubSpot has answered 500
// with this category too.
func (e *APIError) rateLimited() bool { return e.Status == 429 || e.Category == "RATE_LIMITS" }

// holdsValue reports whether another record already holds a unique value.
func (e *APIError) holdsValue() bool {
	return e.Status == 409 || e.Category == "CONFLICT" || e.ExistingID != ""
}
