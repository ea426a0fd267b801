package sync

import "time"

// A Call is one request to a system's API. Adapters tell of theirs by an
// option, for metrics; it names no record and holds no value.
type Call struct {
	System System
	// Operation says what was asked for, in one of few ways, such as "batch
	// read".
	Operation string
	// Status is the answer's, 0 without one.
	Status int
	// Records is how many records a call for many held, 0 where a call is for
	// one or for none.
	Records int
	// Duration is the time from the request to the end of the answer.
	Duration time.Duration
}
