package sync

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Action says what the engine does about an [Error]. Adapters classify what
// their vendor answers; of the rules the engine looks at [RuleBreakerOpen] alone.
type Action uint8

// The actions.
const (
	// Fatal is a bug or broken configuration: the message is buried.
	Fatal Action = iota
	// Retry is a passing fault: try again with exponential backoff.
	Retry
	// RetryAt asks to wait until a known moment (a quota, a lock); it uses up
	// no attempt.
	RetryAt
	// Conflict means that the world moved or that another record holds a
	// unique value: read again and decide anew.
	Conflict
	// NotFound means that the record does not exist.
	NotFound
	// Invalid means that the data break a rule: a person must mend them.
	Invalid
	// Denied means that the credentials do not allow it. It is tried again
	// like Retry, because most often it concerns every record alike until
	// somebody renews a token.
	Denied
)

var actionNames = [...]string{"fatal", "retry", "retry-at", "conflict", "not-found", "invalid", "denied"}

// String returns the action's name, such as "retry-at".
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return fmt.Sprintf("action(%d)", uint8(a))
}

// RuleBreakerOpen is the rule of an adapter's error that tells of its whole
// system: it is down, and was not even asked this time, by a circuit breaker.
// The error's RetryAt is when it may be asked again; until then the engine
// leaves the system alone, in other lanes, too.
const RuleBreakerOpen = "breaker.open"

// An Error is the one error type of the core and its adapters. It says what
// was done (Op), to which record (Ref) and field, by which rule it failed and
// what to do (Hint). Its text never contains a field's value or a secret;
// values appear only as their [Value.Shape].
type Error struct {
	Op     string // what was attempted, such as "hubspot: batch update"
	Action Action
	Ref    Ref    // the record, if any
	Field  string // the field, if any
	Rule   string // the rule that was broken, such as "phone.e164"
	Hint   string // what to do about it
	// RetryAt is the moment to wait for when Action is [RetryAt]. A [Retry]
	// that has one uses up no attempt either: the system is down, and whether
	// the call took effect may be unknown.
	RetryAt time.Time
	// Existing is the record that already holds a unique value, when Action
	// is [Conflict] and the system told it.
	Existing Ref
	// Err is the cause; the vendor's own error is reachable through it.
	Err error
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if !e.Ref.Zero() {
		b.WriteString(" " + e.Ref.String())
	}
	if e.Field != "" {
		b.WriteString(" field " + e.Field)
	}
	b.WriteString(": " + e.Action.String())
	if e.Rule != "" {
		b.WriteString(" by rule " + e.Rule)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ErrStale is returned by a [Queue] when a lane's lease has moved on and by a
// [Store] when a link's generation has: somebody else owns the work now.
var ErrStale = errors.New("sync: lease or generation is stale")

// ErrNotFound is returned by a [Store] for what it does not hold.
var ErrNotFound = errors.New("sync: not found")

// ActionOf returns what to do about err: the action of the [Error] in its
// chain, Conflict for [ErrStale], NotFound for [ErrNotFound], and otherwise
// Retry, because an unclassified fault (a lost connection, a deadline) is
// most often a passing one and attempts are bounded.
func ActionOf(err error) Action {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Action
	case errors.Is(err, ErrStale):
		return Conflict
	case errors.Is(err, ErrNotFound):
		return NotFound
	case errors.Is(err, context.Canceled):
		return RetryAt
	}
	return Retry
}
