package hubspot

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// maxWebhookEvents is the most events in a webhook. Source:
// https://developers.hubspot.com/docs/api/webhooks
const maxWebhookEvents = 100

// ReceiverOptions configure [NewReceiver].
type ReceiverOptions struct {
	// PublicURL is the whole URL that HubSpot calls, as set in the app, query
	// included. It is part of what is signed; the request's own Host and
	// forwarding headers are never believed.
	PublicURL string
	// Secrets are the app's client secrets: one, or two while it is rotated, the
	// new one first. OldUntil is until when the other is taken; zero is for good.
	Secrets  []string
	OldUntil time.Time
	// PortalID is the account whose events are wanted; 0 takes those of any.
	PortalID int64
	// Kinds are the records whose events are wanted: give those that the flows
	// sync. Events of others are [Ignored]. Unset, it is contacts alone.
	Kinds []sync.Kind
	// AllowV1 also accepts the older signature, with which legacy private apps
	// sign, when a request has no newer one. It has no timestamp, so whoever
	// saw a request once can send it again; the changes it makes are harmless.
	AllowV1 bool
	// MaxConcurrent is how many requests are worked on at once, 128 by
	// default, and MaxPerSecond how many a second are let in, 1,000 by default.
	// Others are answered 503 before their bodies are read, and HubSpot sends them
	// again.
	MaxConcurrent int
	MaxPerSecond  float64
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// OnEvent, if set, is told of each event of an authentic request: its
	// type, as HubSpot wrote it, and what was done. It may be called
	// concurrently.
	OnEvent func(eventType string, outcome Outcome)
	// Logger receives refusals and failures, never contents; nil is silent.
	Logger *slog.Logger
}

// receiver is the handler that NewReceiver returns.
type receiver struct {
	*gate
	inbox   sync.Inbox
	portal  id
	kinds   map[sync.Kind]bool
	onEvent func(string, Outcome)
}

// NewReceiver returns the handler for HubSpot's webhooks. It verifies the
// signature over the raw bytes, enqueues a change for each record that the
// events concern, and answers when they are durable. It does nothing else, and
// so answers well within HubSpot's 5 seconds.
//
// The answers: 204 when done, whatever the types of the events; 401 for any
// fault of the signature, without telling which; 405 for another method than
// POST; 413 over 1 MiB; 415 for a compressed body; 400 for what is not a JSON
// array of at most 100 entries; 503 with Retry-After when the inbox cannot take
// the changes, or for more requests than the options let in.
// Handlers may be called concurrently.
//
// The error is a [*sync.Error] that names the wrong option.
func NewReceiver(inbox sync.Inbox, opts ReceiverOptions) (http.Handler, error) {
	g, err := newGate(inbox, verifier{url: opts.PublicURL, keys: websig.Keys{Secrets: opts.Secrets, OldUntil: opts.OldUntil}, allowV1: opts.AllowV1, now: opts.Now}, opts.Logger)
	if err != nil {
		return nil, err
	}
	r := &receiver{gate: g, inbox: inbox, portal: idOf(opts.PortalID), kinds: map[sync.Kind]bool{}, onEvent: opts.OnEvent}
	if len(opts.Kinds) == 0 {
		opts.Kinds = []sync.Kind{Contact}
	}
	for _, kind := range opts.Kinds {
		if kindNamed(string(kind)) != kind || kind == "" {
			return nil, receiverError("Kinds", "kind.known", "HubSpot sends no events of such records, or this adapter does not know them")
		}
		r.kinds[kind] = true
	}
	if r.onEvent == nil {
		r.onEvent = func(string, Outcome) {}
	}
	return g.limited(r, websig.Limit{AtOnce: opts.MaxConcurrent, PerSecond: opts.MaxPerSecond}), nil
}

// idOf writes a number as an id, "" for 0.
func idOf(n int64) id {
	if n == 0 {
		return ""
	}
	return id(strconv.FormatInt(n, 10))
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, ok := r.admit(w, req)
	if !ok {
		return
	}
	var events []json.RawMessage
	if json.Unmarshal(body, &events) != nil || events == nil || len(events) > maxWebhookEvents {
		r.refuse(w, http.StatusBadRequest, "a JSON array of at most 100 entries")
		return
	}
	if items := r.items(events); len(items) > 0 {
		if err := r.inbox.Enqueue(req.Context(), items...); err != nil {
			w.Header().Set("Retry-After", "10")
			r.unavailable(w, len(items), err)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// items turns the events into changes and tells of each what was done. None
// spoils the others.
func (r *receiver) items(events []json.RawMessage) []sync.Item {
	var items []sync.Item
	for _, data := range events {
		e, ok := decodeEvent(data)
		outcome := Malformed
		switch {
		case !ok:
		case r.portal != "" && e.PortalID != r.portal:
			outcome = Foreign
		default:
			var more []sync.Item
			more, outcome = e.changes(r.kinds)
			items = append(items, more...)
		}
		r.onEvent(e.name(), outcome)
	}
	return items
}
