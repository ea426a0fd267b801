package hubspottest

import (
	"slices"
	"time"
)

// record is a record as the API shows it: every value is a string or null.
type record struct {
	ID           string                    `json:"id"`
	Properties   map[string]*string        `json:"properties"`
	History      map[string][]wireRevision `json:"propertiesWithHistory,omitempty"`
	CreatedAt    string                    `json:"createdAt"`
	UpdatedAt    string                    `json:"updatedAt"`
	Archived     bool                      `json:"archived"`
	ArchivedAt   string                    `json:"archivedAt,omitempty"`
	Associations map[string]linked         `json:"associations,omitempty"`
	TraceID      string                    `json:"objectWriteTraceId,omitempty"`
	New          *bool                     `json:"new,omitempty"`
}

// view says what of a record is asked for.
type view struct {
	properties   []string
	history      []string
	associations []string
	at           time.Time // the time as of which values are read; zero means now
}

// record shows a record. Unknown properties are left out, asked ones without a value are null.
func (a *Account) record(o *object, v view) record {
	r := record{
		ID: o.key(), Properties: map[string]*string{},
		CreatedAt: o.born.Format(timeLayout), UpdatedAt: o.updated.Format(timeLayout), Archived: !o.live(),
		Associations: a.linkedTo(o, v.associations),
	}
	if !o.live() {
		r.ArchivedAt = o.archived.Format(timeLayout)
	}
	asked := v.properties
	if len(asked) == 0 {
		asked = o.typ.shown
	}
	for _, name := range slices.Concat(o.typ.always(), asked) {
		if o.schema.has(name) {
			r.Properties[name] = orNull(a.shown(o.typ, name, o.valueAt(name, v.at)))
		}
	}
	for _, name := range v.history {
		if o.schema.has(name) {
			if r.History == nil {
				r.History = map[string][]wireRevision{}
			}
			r.History[name] = a.wireHistory(o, name)
		}
	}
	return r
}

// always are the properties shown whatever is asked for.
func (t *objectType) always() []string { return []string{t.created, t.modified, propID} }

// shown is a value as it is read: bodies come back sanitised.
func (a *Account) shown(t *objectType, property, value string) string {
	if value != "" && !a.opts.RawBodies && slices.Contains(t.bodies, property) {
		return sanitise(value)
	}
	return value
}

func orNull(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
