package sync

import "time"

// An EventType says what an engine tells its [Observer].
type EventType string

// The events, in the order in which a change meets them.
const (
	EventEnqueued  EventType = "enqueued"  // items became durable; Count
	EventTaken     EventType = "taken"     // a lane was leased; Count messages, Lag of the oldest
	EventRead      EventType = "read"      // a record was read; Duration, Elided when a snapshot served
	EventMatched   EventType = "matched"   // a counterpart was looked for; Count candidates
	EventHeld      EventType = "held"      // a record waits for a person: its match is ambiguous; Count candidates
	EventDecided   EventType = "decided"   // a field was decided; Decision
	EventLost      EventType = "lost"      // an edit that a write had overwritten unseen was found; Decision
	EventDropped   EventType = "dropped"   // signals about an erased person were dropped; Count
	EventEcho      EventType = "echo"      // a change turned out to make no difference
	EventWrote     EventType = "wrote"     // a record was written; Count fields, Duration
	EventRecorded  EventType = "recorded"  // a fact became an activity; Lag since it was enqueued
	EventUnknown   EventType = "unknown"   // whether it did cannot be found out; Ref is the fact's subject
	EventCreated   EventType = "created"   // a record was created
	EventSynced    EventType = "synced"    // a change is done; Lag since it occurred, Count of the flows that wrote
	EventRetried   EventType = "retried"   // a lane was given back; Err, Action
	EventBuried    EventType = "buried"    // messages went to the dead letters; Count, Err
	EventSwept     EventType = "swept"     // a sweep ended; Count changes, Duration
	EventDegraded  EventType = "degraded"  // a field pauses: its system cannot hold it; Err names field and rule
	EventRecovered EventType = "recovered" // it goes on; Err names field and rule
	EventTripped   EventType = "tripped"   // a field oscillates and is held (Decision), or a guard suspended a flow (Err)
	EventGap       EventType = "gap"       // a feed lost its place, the system is swept as a whole
	EventProgress  EventType = "progress"  // a stage of a run ended; Progress, Duration since it began
	EventVerified  EventType = "verified"  // a verification ended; Agreement
)

// An Event is one thing that happened in an engine. It carries no field
// values except those inside Decision, which an observer must not publish.
type Event struct {
	Type     EventType
	At       time.Time
	Flow     string
	Ref      Ref
	Reason   Reason
	Priority Priority
	Count    int
	Elided   bool
	Duration time.Duration
	// Lag is the time since the change occurred by its system's clock, or
	// since it was enqueued when the system gave no time.
	Lag       time.Duration
	Action    Action
	Err       error
	Decision  *Decision
	Agreement *Agreement
	Progress  *Progress
}

// An Observer is told everything that metrics, dashboards and logs need. It
// is called synchronously from many goroutines: it must be quick and safe for
// concurrent use, and must not call the engine.
type Observer func(Event)
