package bird

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// ReceiverOptions configures a [Receiver].
type ReceiverOptions struct {
	// PublicURL is the address exactly as the webhook subscriptions name it,
	// with scheme, host, path and query. It is part of what Bird signs, so a
	// proxy in between does not matter. Required.
	PublicURL string
	// Secrets are the signing keys of the subscriptions, as typed there. Every
	// subscription may have its own; while one is changed, keep the old one
	// for a day, because retries carry the old signature. At least one.
	Secrets []string
	// MaxAge is how old an event may be; 0 is 24 hours. Bird sends an event
	// again for 8 hours with its first timestamp, so a short window would
	// throw real events away.
	// See https://docs.bird.com/api/notifications-api/retries.
	MaxAge time.Duration
	// Now tells the time; nil is time.Now.
	Now func() time.Time
	// OnEvent, if set, is told of each authentic event: its name, as Bird
	// wrote it, and what was done. It may be called concurrently.
	OnEvent func(event string, outcome Outcome)
	// Logger receives refusals; nil is silent.
	Logger *slog.Logger
}

// maxAhead is how far the sender's clock may be ahead of ours.
const maxAhead = 5 * time.Minute

// A Receiver is the http.Handler for Bird's own webhooks. It checks the
// signature, stores what the event means in the inbox, and then answers.
//
// The events conversation.created, .updated and .deleted and the channels'
// <platform>.inbound and .outbound become one [sync.Change] for each contact
// taking part. In addition conversation.created is the fact
// "conversation.started", and an inbound message the fact "message.received".
// Other events are answered 204 and told to OnEvent: Bird would send them again
// for hours otherwise.
//
// Answers: 204 stored, 400 not JSON, 401 wrong or stale signature, 405 not a
// POST, 413 over 1 MiB, 503 the inbox failed.
// See https://docs.bird.com/api/conversations-api/api-reference/events.
type Receiver struct {
	intake
	opts ReceiverOptions
}

// NewReceiver returns a receiver that stores into the inbox.
func NewReceiver(inbox sync.Inbox, opts ReceiverOptions) (*Receiver, error) {
	u, err := url.Parse(opts.PublicURL)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, misconfigured("receiver.url", "give the public URL of the webhook subscription, with scheme and host; Bird signs it")
	}
	if !allPresent(opts.Secrets) {
		return nil, misconfigured("receiver.keys", "give every webhook subscription a signing key and name it here; without one nothing proves the sender")
	}
	if inbox == nil {
		return nil, misconfigured("receiver.inbox", "give the engine")
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxAge <= 0 {
		opts.MaxAge = 24 * time.Hour
	}
	return &Receiver{intake: newIntake(inbox, opts.OnEvent, opts.Logger), opts: opts}, nil
}

func allPresent(secrets []string) bool {
	for _, s := range secrets {
		if s == "" {
			return false
		}
	}
	return len(secrets) > 0
}

// ServeHTTP implements [http.Handler].
func (rc *Receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := rc.read(w, r)
	if !ok {
		return
	}
	if !rc.authentic(r.Header, body) {
		rc.refuse(w, r, http.StatusUnauthorized, "the signature is wrong or too old")
		return
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		rc.malformed(w, r, "", "the body is not the JSON of an event")
		return
	}
	items, outcome, err := e.items(body)
	if err != nil {
		rc.malformed(w, r, e.Event, "the payload has not the shape of its event")
		return
	}
	rc.store(w, r, e.Event, outcome, items)
}

// authentic checks the signature and only then the age, so that the age of a
// forged request shows nothing.
func (rc *Receiver) authentic(h http.Header, body []byte) bool {
	timestamp := h.Get(timestampHeader)
	if !signed(rc.opts.Secrets, timestamp, rc.opts.PublicURL, body, h.Get(signatureHeader)) {
		return false
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	age := rc.opts.Now().Sub(time.Unix(seconds, 0))
	return age <= rc.opts.MaxAge && age >= -maxAhead
}
