package sync

import "context"

// A Write sets some fields of one record.
type Write struct {
	// Ref is the record. An empty ID means: create it, or update the record
	// that already holds the value Fields[Key].
	Ref Ref
	// Key names the unique field by which a create is idempotent. It is one
	// of Fields and is only used when Ref.ID is empty. A write with neither
	// makes a new record each time it is applied.
	Key string
	// Fields holds the new values and nothing else; a blank value clears.
	Fields Fields
	// Related are records of the same system with which the record is to be
	// associated. Those it is associated with already stay so.
	Related []Ref
	// Delete removes the record, so that a person may still bring it back
	// where the system allows it. It goes with no other content.
	Delete bool
}

// A Result tells the outcome of one [Write].
type Result struct {
	// Record is the record as the system now stores it, as far as it told:
	// its ID always, its fields and UpdatedAt when the answer had them.
	Record Record
	// Complete is set when Record holds every field the adapter reads, so
	// that a missing one is known to be blank.
	Complete bool
	// Created is set when the write made a new record.
	Created bool
	// Dropped holds, by raw name, the fields that the system does not take at
	// present and the rule that says so: an archived property, say. All
	// others were written. The system's [Degrader] names them from then on.
	Dropped map[string]string
	// Call identifies the vendor's call, for support requests.
	Call string
	// Err is nil when the write took effect. Otherwise nothing of this write
	// was applied, except that a Retry error may leave the outcome unknown.
	Err error
}

// A Sink is where records go. Apply may be called concurrently; an adapter
// gathers concurrent writes into the vendor's batches.
type Sink interface {
	// Apply carries out the writes and returns one result per write, in
	// order. A bad write never spoils its neighbours: it is never all or
	// nothing. The error is for a call that could not be made at all.
	Apply(ctx context.Context, writes []Write) ([]Result, error)
}
