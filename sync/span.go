package sync

import "context"

// An Op names what the engine does in a [Span].
type Op string

// The steps that a [Tracer] follows, in the order in which a change meets them.
const (
	OpEnqueue Op = "enqueue" // items are made durable; Count
	OpProcess Op = "process" // messages of a lane are worked on; Ref, Priority, Count, Links
	OpRead    Op = "read"    // a record is read; Flow, Ref
	OpPlan    Op = "plan"    // a pair is planned; Flow, Ref
	OpWrite   Op = "write"   // a record or an activity is written; Flow, Ref, Count fields
)

// A Span is one step of work. It holds no values of records.
type Span struct {
	Op       Op
	Flow     string
	Ref      Ref // without an ID for what is about to be created
	Priority Priority
	Count    int
	// Links are what the messages carry from the steps that enqueued them,
	// each once; see [Tracer].
	Links []string
}

// A Tracer follows work through the engine and across the queue. Methods are
// called concurrently; they must be quick and must not call the engine.
// Package sync/trace has one for OpenTelemetry.
type Tracer interface {
	// Start begins a step. The context it returns is that of the work in it;
	// end is called once, with how it ended.
	Start(ctx context.Context, s Span) (within context.Context, end func(error))
	// Carrier returns the text that messages take along from the step of ctx,
	// so that the process that works on them can name it; "" for none.
	Carrier(ctx context.Context) string
}

// span begins a step, if anybody follows.
func (e *Engine) span(ctx context.Context, s Span) (context.Context, func(error)) {
	if e.cfg.Tracer == nil {
		return ctx, func(error) {}
	}
	return e.cfg.Tracer.Start(ctx, s)
}

// carrier is what messages that are pushed under ctx take along.
func (e *Engine) carrier(ctx context.Context) string {
	if e.cfg.Tracer == nil {
		return ""
	}
	return e.cfg.Tracer.Carrier(ctx)
}
