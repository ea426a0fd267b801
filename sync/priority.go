package sync

import (
	"context"
	"fmt"
)

// Priority orders the work of a [Queue]. Lower values are more urgent; every
// priority keeps a reserved share, so none starves.
type Priority uint8

// The priorities, most urgent first.
const (
	Live     Priority = iota // webhooks and other signals of a change just made
	Facts                    // activities and triggers
	Sweep                    // periodic catch-up
	Backfill                 // bulk loads

	Priorities = 4 // how many there are
)

// String returns the priority's name in lower case.
func (p Priority) String() string {
	switch p {
	case Live:
		return "live"
	case Facts:
		return "facts"
	case Sweep:
		return "sweep"
	case Backfill:
		return "backfill"
	}
	return fmt.Sprintf("priority(%d)", uint8(p))
}

// Bulk reports whether work of the priority may wait for urgent work.
func (p Priority) Bulk() bool { return p > Facts }

type (
	priorityKey struct{}
	laneKey     struct{}
	urgentKey   struct{}
)

// UrgentOnly returns a context with which [Queue].Take hands out no bulk work.
func UrgentOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, urgentKey{}, true)
}

// IsUrgentOnly reports whether a context asks for no bulk work.
func IsUrgentOnly(ctx context.Context) bool {
	urgent, _ := ctx.Value(urgentKey{}).(bool)
	return urgent
}

// WithPriority returns a context whose calls have the priority. The engine
// gives each piece of work its own, so that an adapter can keep bulk work from
// delaying live work within the vendor's quota.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, min(p, Priorities-1))
}

// PriorityOf returns the priority of a call, Live if none was given.
func PriorityOf(ctx context.Context) Priority {
	p, _ := ctx.Value(priorityKey{}).(Priority)
	return p
}

// LaneOf returns the key of the lane whose work a call is part of, "" outside
// the engine's work: what a trace or a log can tell calls apart by.
func LaneOf(ctx context.Context) string {
	key, _ := ctx.Value(laneKey{}).(string)
	return key
}
