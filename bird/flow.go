package bird

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// FlowOptions configure [NewFlowReceiver].
type FlowOptions struct {
	// Secrets are the bearer secrets that callers may present; two while one
	// is changed, the new one first. None empty; they may be left out if
	// Signature has some.
	Secrets []string
	// OldUntil is until when others than the first are taken, of these and of
	// Signature's; zero is for good.
	OldUntil time.Time
	// Signature lets callers sign what they send instead.
	Signature FlowSignature
	// Map says where the fields are in the bodies, and what the events mean.
	// The zero value is good for bodies as in docs/bird-flows.md.
	Map FlowMap
	// Location is the zone of dates and times that come without one, best the
	// account's; nil is UTC.
	Location *time.Location
	// Witness names all the raw fields that are read from Bird, as
	// [sync.Flow.Names] gives them; nil trusts no call that far. A call of the
	// event contact.created or contact.updated that carries every one of them,
	// be it empty, and says only what was seen agreed on, as in the echo of our
	// own write, then costs no read. Those that Map leaves out are under their
	// own names, the id under bird_contact_id.
	Witness []string
	// MaxConcurrent is how many requests are worked on at once, 128 by
	// default, and MaxPerSecond how many a second are let in, 1,000 by default.
	// Others are answered 503 before their bodies are read.
	MaxConcurrent int
	MaxPerSecond  float64
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// OnEvent, if set, is told of each authentic call: its event, as the
	// caller wrote it, and what was done. It may be called concurrently.
	OnEvent func(event string, outcome Outcome)
	// Logger receives refusals; nil is silent.
	Logger *slog.Logger
}

// flowReceiver is the handler that NewFlowReceiver returns.
type flowReceiver struct {
	intake
	credentials
	events   map[string]*flowEvent
	other    *flowEvent // any that the map does not name
	location *time.Location
	witness  []string
	now      func() time.Time
}

// NewFlowReceiver returns the handler that the HTTP steps of Flows and the
// actions of AI employees call. The caller proves itself by a header
// "Authorization: Bearer <secret>" or by a signature; docs/bird-flows.md has an
// example of a step for each event.
//
// Every call is a [sync.Change] of the contact; an event that is a fact is a
// [sync.Fact] besides, with the mapped fields as its data. An event that is
// not known is taken as a change, and OnEvent told so. Values may be texts,
// numbers, arrays, or arrays written as text, as Bird's templates render them;
// of an array with one item the item is taken. Three fields have a type: score
// becomes a number, starts_at and ends_at become RFC 3339 in UTC, and a phone
// gets its "+".
//
// A fact that Bird tells of by itself, too, is one fact with that: its id comes
// from the conversation, the message, or the conversation and the agent. Other
// facts are told apart by event_id, and without it by the content of the body,
// whatever the order of its keys. Changes are told apart by event_id alone:
// without one they are taken every time, because two edits may well read the
// same.
//
// Answers: 204 stored, 400 not JSON, 401 wrong secret, 405 not a POST, 413
// over 1 MiB, 415 compressed, 422 a field is missing or cannot be read, with all
// of their names and paths, 503 the inbox failed or too many at once.
//
// Handlers may be called concurrently. The error is a [*sync.Error] that names
// the wrong option.
func NewFlowReceiver(inbox sync.Inbox, opts FlowOptions) (http.Handler, error) {
	proof, err := newCredentials(opts.Secrets, opts.Signature, opts.OldUntil)
	if err != nil {
		return nil, err
	}
	if inbox == nil {
		return nil, misconfigured("flow.inbox", "give the engine")
	}
	if err := opts.Map.check(func(p mapProblem) error { return mapError(p, nil) }); err != nil {
		return nil, err
	}
	f := &flowReceiver{
		intake:      newIntake(inbox, opts.OnEvent, opts.Logger),
		credentials: proof,
		location:    opts.Location,
		witness:     opts.Witness,
		now:         opts.Now,
	}
	f.events, f.other = opts.Map.resolve(opts.Witness)
	if f.location == nil {
		f.location = time.UTC
	}
	if f.now == nil {
		f.now = time.Now
	}
	return f.limited(f, websig.Limit{AtOnce: opts.MaxConcurrent, PerSecond: opts.MaxPerSecond}), nil
}

// ServeHTTP implements http.Handler.
func (f *flowReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := f.read(w, r)
	if !ok {
		return
	}
	now := f.now()
	if !f.authentic(r.Header, body, now) {
		f.turnAway(w, r, http.StatusUnauthorized, "the bearer secret or the signature is wrong")
		return
	}
	object, err := decodeObject(body)
	if err != nil {
		f.malformed(w, r, "", "the body is not a JSON object")
		return
	}
	call, outcome := f.call(object)
	if problems := append(call.refine(f.location), call.missing()...); len(problems) > 0 {
		f.onEvent(call.text(flowEventName), Malformed)
		f.refuse(w, r, http.StatusUnprocessableEntity, strings.Join(problems, "\n"))
		return
	}
	f.store(w, r, call.text(flowEventName), outcome, call.items(f.witness, now))
}

// call reads the fields of a body by the map of its event.
func (f *flowReceiver) call(object map[string]any) (*flowCall, Outcome) {
	name := newFlowCall(object, f.other).text(flowEventName)
	if event := f.events[name]; event != nil {
		return newFlowCall(object, event), Enqueued
	}
	return newFlowCall(object, f.other), Unknown
}
