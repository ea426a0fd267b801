package hubspottest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// apiError is the vendor's error body, keys in the order it sends them.
// https://developers.hubspot.com/docs/api-reference/error-handling
type apiError struct {
	Status        string              `json:"status"`
	Message       string              `json:"message"`
	ErrorType     string              `json:"errorType,omitempty"`
	CorrelationID string              `json:"correlationId,omitempty"`
	PolicyName    string              `json:"policyName,omitempty"`
	RequestID     string              `json:"requestId,omitempty"`
	Errors        []errorDetail       `json:"errors,omitempty"`
	Context       map[string][]string `json:"context,omitempty"`
	Links         map[string]string   `json:"links,omitempty"`
	Category      string              `json:"category,omitempty"`
	SubCategory   string              `json:"subCategory,omitempty"`

	code int // the HTTP status
}

type errorDetail struct {
	Message string              `json:"message"`
	Code    string              `json:"code,omitempty"`
	Context map[string][]string `json:"context,omitempty"`
}

func fail(code int, category, message string) *apiError {
	return &apiError{Status: "error", Message: message, Category: category, code: code}
}

func failure(code int, category, message string) response {
	return fail(code, category, message).response()
}

func (e *apiError) response() response { return response{e.code, e} }

// markup is a body that is not JSON.
type markup string

// send writes the response; an error gets the correlation id of the header.
func send(w http.ResponseWriter, r response) {
	if e, ok := r.body.(*apiError); ok {
		copied := *e
		copied.CorrelationID = w.Header().Get("X-Hubspot-Correlation-Id")
		r.body = &copied
	}
	if r.body == nil {
		w.WriteHeader(r.status)
		return
	}
	if text, isMarkup := r.body.(markup); isMarkup {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(r.status)
		_, _ = io.WriteString(w, string(text))
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=utf-8")
	w.WriteHeader(r.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r.body)
}

const validation = "VALIDATION_ERROR"

func unauthenticated() *apiError {
	return fail(http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 "+
		"authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview")
}

func resourceNotFound() response { return failure(http.StatusNotFound, "", "resource not found") }

// noSuchRecord is what a single call answers for an id without a record: numeric ids and others differ.
func noSuchRecord(id string) response {
	if _, ok := parseID(id); ok {
		return resourceNotFound()
	}
	e := fail(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found.  objectId are usually numeric.")
	e.Context = map[string][]string{"id": {id}}
	return e.response()
}

func invalidJSON(err error) response {
	return failure(http.StatusBadRequest, "", "Invalid input JSON on line 1, column 1: "+err.Error())
}

func invalid(format string, args ...any) *apiError {
	return fail(http.StatusBadRequest, validation, fmt.Sprintf(format, args...))
}

// tooMany is the refusal of a call with more inputs than allowed; the vendor's own words are not published.
func tooMany(n, most int) *apiError {
	return invalid("The number of inputs in the request (%d) is more than the maximum of %d.", n, most)
}

func contactExists(id int64) *apiError {
	return fail(http.StatusConflict, "CONFLICT", fmt.Sprintf("Contact already exists. Existing ID: %d", id))
}

// valueTaken names two ids: the record that was being written and the one that has the value.
func (a *Account) valueTaken(t *objectType, property, value string, on, holder int64) *apiError {
	return invalid("Cannot set PropertyValueCoordinates{portalId=%d, objectTypeId=ObjectTypeId{legacyObjectType=%s}, "+
		"propertyName=%s, value=%s} on %d. %d already has that value.", a.PortalID, t.legacy, property, value, on, holder)
}

// problem is one refused property of a write.
type problem struct{ property, code, message string }

// propertiesInvalid reports every problem of a write at once.
func (a *Account) propertiesInvalid(problems []problem) *apiError {
	type entry struct {
		IsValid   bool   `json:"isValid"`
		Message   string `json:"message"`
		Error     string `json:"error"`
		Name      string `json:"name"`
		Localized string `json:"localizedErrorMessage"`
		PortalID  int64  `json:"portalId"`
	}
	var entries []entry
	var details []errorDetail
	for _, p := range problems {
		entries = append(entries, entry{false, p.message, p.code, p.property, p.message, a.PortalID})
		details = append(details, errorDetail{p.message, p.code, map[string][]string{"propertyName": {p.property}}})
	}
	var list strings.Builder
	enc := json.NewEncoder(&list)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(entries)
	e := invalid("Property values were not valid: %s", strings.TrimSpace(list.String()))
	e.Errors = details
	return e
}

// Error makes a refusal usable as a Go error.
func (e *apiError) Error() string { return fmt.Sprintf("hubspottest: %d %s", e.code, e.Message) }
