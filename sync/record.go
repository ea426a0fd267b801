package sync

import (
	"maps"
	"time"
)

// A System names one side of a sync, such as a CRM or a messaging platform.
// The core never looks inside the name.
type System string

// A Kind names a type of record within a system, such as "contact".
type Kind string

// IDField is the name under which every record carries its own id among its
// fields, so that a mapping can store one side's id on the other side.
const IDField = "id"

// A Ref points at one record of one system.
type Ref struct {
	System System `json:"system"`
	Kind   Kind   `json:"kind"`
	ID     string `json:"id"`
}

// String returns "system:kind:id".
func (r Ref) String() string { return string(r.System) + ":" + string(r.Kind) + ":" + r.ID }

// Zero reports whether r points at nothing.
func (r Ref) Zero() bool { return r.ID == "" }

// Fields holds a record's values by the names its system uses. A missing name
// and a null Value mean the same.
type Fields map[string]Value

// Clone returns a copy of f; a nil f gives an empty map.
func (f Fields) Clone() Fields {
	c := make(Fields, len(f))
	maps.Copy(c, f)
	return c
}

// A Record is the current state of one record as its system tells it.
type Record struct {
	Ref
	// Fields holds the requested fields and always [IDField].
	Fields Fields
	// UpdatedAt is the system's own time of the last change to the record,
	// zero when the system gives none.
	UpdatedAt time.Time
	// Deleted is set when the record is archived or gone.
	Deleted bool
	// Aliases are former ids that now lead to this record, after merges.
	Aliases []string
}
