package hubspottest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// record is a contact as the API shows it: every value is a string or null.
type record struct {
	ID         string                    `json:"id"`
	Properties map[string]*string        `json:"properties"`
	History    map[string][]wireRevision `json:"propertiesWithHistory,omitempty"`
	CreatedAt  string                    `json:"createdAt"`
	UpdatedAt  string                    `json:"updatedAt"`
	Archived   bool                      `json:"archived"`
	ArchivedAt string                    `json:"archivedAt,omitempty"`
	TraceID    string                    `json:"objectWriteTraceId,omitempty"`
	New        *bool                     `json:"new,omitempty"`
}

// view says what of a record is asked for.
type view struct {
	properties []string
	history    []string
	at         time.Time // the time as of which values are read; zero means now
}

var (
	alwaysShown    = []string{propCreated, propModified, propID}
	shownByDefault = []string{propEmail, "firstname", "lastname"}
)

// record shows a contact. Unknown properties are left out, asked ones without a value are null.
func (s *Server) record(c *contact, v view) record {
	r := record{
		ID: c.key(), Properties: map[string]*string{},
		CreatedAt: c.created.Format(timeLayout), UpdatedAt: c.updated.Format(timeLayout), Archived: !c.live(),
	}
	if !c.live() {
		r.ArchivedAt = c.archived.Format(timeLayout)
	}
	asked := v.properties
	if len(asked) == 0 {
		asked = shownByDefault
	}
	for _, name := range slices.Concat(alwaysShown, asked) {
		if _, known := s.schema.properties[name]; known {
			r.Properties[name] = orNull(c.valueAt(name, v.at))
		}
	}
	for _, name := range v.history {
		if _, known := s.schema.properties[name]; known {
			if r.History == nil {
				r.History = map[string][]wireRevision{}
			}
			r.History[name] = c.wireHistory(name)
		}
	}
	return r
}

func orNull(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}

// values are the properties of a write. The vendor takes JSON strings, numbers and booleans; null clears like "".
type values map[string]string

func (v *values) UnmarshalJSON(data []byte) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var raw map[string]any
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	*v = values{}
	for name, x := range raw {
		switch x := x.(type) {
		case nil:
			(*v)[name] = ""
		case string:
			(*v)[name] = x
		default:
			text, err := json.Marshal(x)
			if err != nil {
				return err
			}
			(*v)[name] = string(text)
		}
	}
	return nil
}

// decode reads the JSON body; the response is nil when it could.
func (q *request) decode(into any) *response {
	if err := json.Unmarshal(q.body, into); err != nil {
		r := invalidJSON(err)
		return &r
	}
	return nil
}

// list reads a query parameter that may be repeated and may hold commas.
func (q *request) list(name string) []string {
	var all []string
	for _, v := range q.URL.Query()[name] {
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				all = append(all, part)
			}
		}
	}
	return all
}

func (q *request) view() view {
	return view{properties: q.list("properties"), history: q.list("propertiesWithHistory")}
}

func (q *request) archived() bool { return q.URL.Query().Get("archived") == "true" }

func ok(body any) response { return response{http.StatusOK, body} }

func noContent() response { return response{status: http.StatusNoContent} }
