package hubspot

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// Bounds of a webhook. Source: https://developers.hubspot.com/docs/api/webhooks
const (
	maxWebhookBody   = 1 << 20
	maxWebhookEvents = 100
)

// ReceiverOptions configure [NewReceiver].
type ReceiverOptions struct {
	// PublicURL is the whole URL that HubSpot calls, as set in the app, query
	// included. It is part of what is signed; the request's own Host and
	// forwarding headers are never believed.
	PublicURL string
	// Secrets are the app's client secrets: one, or two while it is rotated.
	Secrets []string
	// PortalID is the account whose events are wanted; 0 takes those of any.
	PortalID int64
	// AllowV1 also accepts the older signature, with which legacy private apps
	// sign, when a request has no newer one. It has no timestamp, so whoever
	// saw a request once can send it again; the changes it makes are harmless.
	AllowV1 bool
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
	inbox   sync.Inbox
	verify  *verifier
	portal  id
	onEvent func(string, Outcome)
	log     *slog.Logger
}

// NewReceiver returns the handler for HubSpot's webhooks. It verifies the
// signature over the raw bytes, enqueues a change for each contact that the
// events concern, and answers when they are durable. It does nothing else, and
// so answers well within HubSpot's 5 seconds.
//
// The answers: 204 when done, whatever the types of the events; 401 for any
// fault of the signature, without telling which; 405 for another method than
// POST; 413 over 1 MiB; 400 for what is not a JSON array of at most 100
// entries; 503 with Retry-After when the inbox cannot take the changes.
// Handlers may be called concurrently.
//
// The error is a [*sync.Error] that names the wrong option.
func NewReceiver(inbox sync.Inbox, opts ReceiverOptions) (http.Handler, error) {
	if inbox == nil {
		return nil, receiverError("inbox", "inbox.set", "give the engine")
	}
	if u, err := url.Parse(opts.PublicURL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.Fragment != "" {
		return nil, receiverError("PublicURL", "url.absolute", "give the whole URL that is set in the HubSpot app")
	}
	if len(opts.Secrets) == 0 {
		return nil, receiverError("Secrets", "secret.set", "give the app's client secret")
	}
	for _, s := range opts.Secrets {
		if s == "" {
			return nil, receiverError("Secrets", "secret.set", "an empty secret would accept anyone; leave it out")
		}
	}
	r := &receiver{
		inbox:   inbox,
		verify:  &verifier{url: opts.PublicURL, secrets: opts.Secrets, allowV1: opts.AllowV1, now: opts.Now},
		onEvent: opts.OnEvent,
		log:     opts.Logger,
	}
	if opts.PortalID != 0 {
		r.portal = id(strconv.FormatInt(opts.PortalID, 10))
	}
	if r.verify.now == nil {
		r.verify.now = time.Now
	}
	if r.onEvent == nil {
		r.onEvent = func(string, Outcome) {}
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

func receiverError(field, rule, hint string) error {
	return &sync.Error{Op: "hubspot: new receiver", Action: sync.Fatal, Field: field, Rule: rule, Hint: hint}
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		r.refuse(w, http.StatusMethodNotAllowed)
		return
	}
	body, err := websig.ReadBody(w, req, maxWebhookBody)
	switch {
	case errors.Is(err, websig.ErrTooLarge):
		r.refuse(w, http.StatusRequestEntityTooLarge)
		return
	case err != nil:
		r.refuse(w, http.StatusBadRequest)
		return
	case !r.verify.verify(req.Header, req.Method, body):
		r.log.Warn("hubspot: the signature or its time is wrong; compare the client secret, the public URL and the clock")
		r.refuse(w, http.StatusUnauthorized)
		return
	}
	var events []json.RawMessage
	if json.Unmarshal(body, &events) != nil || events == nil || len(events) > maxWebhookEvents {
		r.refuse(w, http.StatusBadRequest)
		return
	}
	if items := r.items(events); len(items) > 0 {
		if err := r.inbox.Enqueue(req.Context(), items...); err != nil {
			r.log.Error("hubspot: webhook not stored; HubSpot will send it again", "changes", len(items), "error", err)
			w.Header().Set("Retry-After", "10")
			r.refuse(w, http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// items turns the events into changes and tells of each what was done.
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
			more, outcome = e.changes()
			items = append(items, more...)
		}
		r.onEvent(e.name(), outcome)
	}
	return items
}

// refuse answers with a status and its standard words.
func (r *receiver) refuse(w http.ResponseWriter, status int) {
	r.log.Warn("hubspot: webhook refused", "status", status)
	http.Error(w, http.StatusText(status), status)
}
