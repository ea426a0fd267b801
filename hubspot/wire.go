package hubspot

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Properties read besides those asked for: the time of the last change, the
// ids absorbed by merges, and the further addresses of a contact.
const (
	propModified   = "lastmodifieddate"    // of contacts
	propChanged    = "hs_lastmodifieddate" // of all others
	propMerged     = "hs_merged_object_ids"
	propEmail      = "email"
	propMoreEmails = "hs_additional_emails"
	propObjectID   = "hs_object_id"
)

// The most inputs a batch takes, without and with history. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
const (
	maxBatch        = 100
	maxHistoryBatch = 50
)

// object is a record as HubSpot writes it. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
type object struct {
	ID         string                `json:"id"`
	Properties map[string]sync.Value `json:"properties"`
	History    map[string][]moment   `json:"propertiesWithHistory"`
	UpdatedAt  string                `json:"updatedAt"`
	Archived   bool                  `json:"archived"`
	New        bool                  `json:"new"`
	TraceID    string                `json:"objectWriteTraceId"`
}

// moment is one entry of a property's history.
type moment struct {
	Value      sync.Value `json:"value"`
	Timestamp  string     `json:"timestamp"`
	SourceType string     `json:"sourceType"`
	SourceID   sync.Value `json:"sourceId"`
}

type input struct {
	ID         string            `json:"id"`
	IDProperty string            `json:"idProperty,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	// Associations is present, if empty, where the specification requires it.
	Associations []associated `json:"associations,omitzero"`
	TraceID      string       `json:"objectWriteTraceId,omitempty"`
}

type batchRead struct {
	Properties []string `json:"properties"`
	History    []string `json:"propertiesWithHistory,omitempty"`
	IDProperty string   `json:"idProperty,omitempty"`
	Inputs     []input  `json:"inputs"`
}

// inputs are what a call for many is about.
type inputs[T any] struct {
	Inputs []T `json:"inputs"`
}

type batchWrite = inputs[input]

// records tells how many records a call is for.
func (b batchRead) records() int { return len(b.Inputs) }
func (b inputs[T]) records() int { return len(b.Inputs) }

// batchReply answers every batch call, whatever its 2xx status.
type batchReply struct {
	Results []object    `json:"results"`
	Errors  []errorBody `json:"errors"`
}

type searchRequest struct {
	FilterGroups []filterGroup `json:"filterGroups"`
	Sorts        []searchSort  `json:"sorts,omitempty"`
	Properties   []string      `json:"properties"`
	Limit        int           `json:"limit"`
	After        string        `json:"after,omitempty"`
}

type filterGroup struct {
	Filters []filter `json:"filters"`
}

type filter struct {
	Property string   `json:"propertyName"`
	Operator string   `json:"operator"`
	Value    string   `json:"value,omitempty"`
	Values   []string `json:"values,omitempty"`
}

type searchSort struct {
	Property  string `json:"propertyName"`
	Direction string `json:"direction"`
}

type searchReply struct {
	Total   int      `json:"total"`
	Results []object `json:"results"`
	Paging  paging   `json:"paging"`
}

// paging tells where the next page begins, if there is one.
type paging struct {
	Next struct {
		After string `json:"after"`
	} `json:"next"`
}

// errorBody is HubSpot's error envelope, also found inside a batchReply.
// Every field may be missing. Source:
// https://developers.hubspot.com/docs/api-reference/error-handling
type errorBody struct {
	Message       string        `json:"message"`
	CorrelationID string        `json:"correlationId"`
	Category      string        `json:"category"`
	SubCategory   string        `json:"subCategory"`
	ErrorType     string        `json:"errorType"`
	PolicyName    string        `json:"policyName"`
	Errors        []errorDetail `json:"errors"`
	Context       contextMap    `json:"context"`
}

type errorDetail struct {
	Message string     `json:"message"`
	Code    string     `json:"code"`
	Context contextMap `json:"context"`
}

// UnmarshalJSON keeps what fits, so that a field of an unexpected type never
// hides the others.
func (b *errorBody) UnmarshalJSON(data []byte) error {
	type plain errorBody
	var mismatch *json.UnmarshalTypeError
	if err := json.Unmarshal(data, (*plain)(b)); err != nil && !errors.As(err, &mismatch) {
		return err
	}
	return nil
}

// contextMap holds an error's context: lists of texts, or now and then a
// single one.
type contextMap map[string][]string

// UnmarshalJSON passes over what is neither.
func (m *contextMap) UnmarshalJSON(data []byte) error {
	var raw map[string]sync.Value
	if json.Unmarshal(data, &raw) != nil {
		return nil
	}
	*m = make(contextMap, len(raw))
	for k, v := range raw {
		(*m)[k] = v.Items()
	}
	return nil
}

// value returns a property as text, "" when it has no value.
func (o *object) value(name string) string { return o.Properties[name].String() }

// modified returns the time of the last change, zero if it is not told.
func (o *object) modified() time.Time {
	for _, name := range []string{propModified, propChanged} {
		if t := parseTime(o.value(name)); !t.IsZero() {
			return t
		}
	}
	return parseTime(o.UpdatedAt)
}

// merged returns the ids absorbed by the record.
func (o *object) merged() []string {
	return strings.FieldsFunc(o.value(propMerged), func(r rune) bool { return r == ';' })
}

// record returns the record with those of the named fields that have a value.
func (o *object) record(kind sync.Kind, names []string) sync.Record {
	fields := sync.Fields{sync.IDField: sync.Text(o.ID)}
	for _, n := range names {
		if v := o.value(n); v != "" && n != sync.IDField {
			fields[n] = sync.Text(v)
		}
	}
	return sync.Record{Ref: sync.Ref{System: System, Kind: kind, ID: o.ID}, Fields: fields, UpdatedAt: o.modified(), Deleted: o.Archived}
}

// parseTime reads RFC 3339 with or without a fraction, or milliseconds since
// 1970; anything else is zero.
func parseTime(s string) time.Time {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t.UTC()
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil && ms > 0 {
		return time.UnixMilli(ms).UTC()
	}
	return time.Time{}
}

// validID reports whether s can be a record's id: HubSpot answers a batch that
// holds any other text with an error for the whole batch.
func validID(s string) bool {
	if len(s) == 0 || len(s) > 19 {
		return false
	}
	return !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
}
