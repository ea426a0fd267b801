package bird

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// The names under which a [FlowReceiver] knows the fields that it uses itself.
const (
	flowEvent        = "event"
	flowEventID      = "event_id"
	flowOccurredAt   = "occurred_at"
	flowContact      = "bird_contact_id"
	flowConversation = "conversation_id"
)

// FlowOptions configures a [FlowReceiver].
type FlowOptions struct {
	// Secrets are the bearer secrets that callers may present; two while one
	// is changed. At least one, none empty.
	Secrets []string
	// Paths says where the fields are in the body: name to path, with dots
	// between the names of nested objects. What it leaves out is under its own
	// name: event, event_id, occurred_at, bird_contact_id, conversation_id,
	// conversation_status, msisdn, email, name, property_interest, external_id
	// and message_id. Further names are carried in the facts' data.
	Paths map[string]string
	// Events says what the values of event mean: the name of a fact, or "" for
	// no more than a change of the contact. Nil means conversation.started,
	// message.received, qualification.completed, tour.scheduled and
	// escalation.triggered as facts and contact.created, contact.updated and
	// contact.deleted as changes.
	Events map[string]string
	// Witness names all the raw fields that are read from Bird, as
	// [sync.Flow.Names] gives them; nil trusts no call that far. A call of the
	// event contact.created or contact.updated that carries every one of them, be it empty, and says only what was seen
	// agreed on, as in the echo of our own write, then costs no read. Those
	// that Paths leaves out are under their own names, the id under
	// bird_contact_id.
	Witness []string
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// OnEvent, if set, is told of each authentic call: its event, as the
	// caller wrote it, and what was done. It may be called concurrently.
	OnEvent func(event string, outcome Outcome)
	// Logger receives refusals; nil is silent.
	Logger *slog.Logger
}

// A FlowReceiver is the http.Handler that the HTTP steps of Flows and the
// actions of AI employees call. The caller proves itself by a header
// "Authorization: Bearer <secret>".
//
// Every call is a [sync.Change] of the contact; an event that is a fact is a
// [sync.Fact] besides, with the mapped fields as its data. An event that is
// not known is taken as a change, and OnEvent told so. Values may be texts, arrays, or
// arrays written as text, as Bird's templates render them; of an array with
// one item the item is taken.
//
// Calls are told apart by event and event_id. Without an event_id a fact is
// identified by its event, conversation and content, and a change is taken
// every time, because two edits may well read the same.
//
// Answers: 204 stored, 400 not JSON, 401 wrong secret, 405 not a POST, 413
// over 1 MiB, 422 a required field is missing, 503 the inbox failed.
type FlowReceiver struct {
	intake
	secrets [][]byte // hashed, so that their lengths do not show
	paths   map[string]string
	events  map[string]string
	witness []string
	now     func() time.Time
}

// NewFlowReceiver returns a receiver that stores into the inbox.
func NewFlowReceiver(inbox sync.Inbox, opts FlowOptions) (*FlowReceiver, error) {
	if !allPresent(opts.Secrets) {
		return nil, misconfigured("flow.secrets", "give at least one bearer secret and none that is empty; Flow calls are not signed")
	}
	if inbox == nil {
		return nil, misconfigured("flow.inbox", "give the engine")
	}
	f := &FlowReceiver{
		intake:  newIntake(inbox, opts.OnEvent, opts.Logger),
		paths:   map[string]string{},
		events:  opts.Events,
		witness: opts.Witness,
		now:     opts.Now,
	}
	for _, s := range opts.Secrets {
		f.secrets = append(f.secrets, hashed(s))
	}
	for _, name := range []string{flowEvent, flowEventID, flowOccurredAt, flowContact, flowConversation,
		"conversation_status", "msisdn", "email", "name", "property_interest", "external_id", "message_id"} {
		f.paths[name] = name
	}
	for _, name := range opts.Witness {
		f.paths[name] = name
	}
	maps.Copy(f.paths, opts.Paths)
	if slices.Contains(opts.Witness, sync.IDField) && opts.Paths[sync.IDField] == "" {
		f.paths[sync.IDField] = f.paths[flowContact]
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.events == nil {
		f.events = defaultEvents()
	}
	return f, nil
}

func defaultEvents() map[string]string {
	events := map[string]string{"contact.created": "", "contact.updated": "", "contact.deleted": ""}
	for _, name := range []string{"conversation.started", "message.received", "qualification.completed",
		"tour.scheduled", "escalation.triggered"} {
		events[name] = name
	}
	return events
}

func hashed(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// ServeHTTP implements [http.Handler].
func (f *FlowReceiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := f.read(w, r)
	if !ok {
		return
	}
	secret, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !websig.EqualAny(hashed(secret), f.secrets...) || !bearer {
		f.refuse(w, r, http.StatusUnauthorized, "the bearer secret is wrong")
		return
	}
	call, err := f.parse(body)
	if err != nil {
		f.malformed(w, r, "", "the body is not a JSON object")
		return
	}
	for _, name := range []string{flowEvent, flowContact} {
		if problem := call.lacks(name); problem != "" {
			f.onEvent(call.text(flowEvent), Malformed)
			f.refuse(w, r, http.StatusUnprocessableEntity,
				fmt.Sprintf("the field %s (at %q) %s", name, f.paths[name], problem))
			return
		}
	}
	event := call.text(flowEvent)
	fact, known := f.events[event]
	outcome := Enqueued
	if !known {
		outcome = Unknown
	}
	f.store(w, r, event, outcome, call.items(fact, f.witness, f.now()))
}
