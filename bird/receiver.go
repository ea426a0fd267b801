package bird

import (
	"cmp"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/websig"
	"github.com/urbanhub/crmsync/sync"
)

// ReceiverOptions configure [NewReceiver].
type ReceiverOptions struct {
	// PublicURL is the address exactly as the webhook subscriptions name it,
	// with scheme, host, path and query. It is part of what Bird signs; the
	// request's own host and what proxies tell of it are then not looked at.
	// Give it, or TrustedProxies and Origins.
	PublicURL string
	// TrustedProxies are the networks of the proxies in front, for receivers
	// that are reached at several addresses. Of a request from one of them the
	// public URL is put together of what Forwarded, or X-Forwarded-Proto and
	// X-Forwarded-Host, tell and the path that arrives: a proxy that changes
	// the path needs PublicURL.
	TrustedProxies []netip.Prefix
	// Origins are the schemes and hosts that may come out of that, such as
	// "https://sync.example.com".
	Origins []string
	// Secrets are the signing keys of the subscriptions, as typed there. Every
	// subscription may have its own, and each key is tried; while one is
	// changed, keep the old one for a day, because retries carry the old
	// signature. At least one. OldUntil is until when others than the first are
	// taken; zero is for good.
	Secrets  []string
	OldUntil time.Time
	// MaxAge is how old an event may be; 0 is 24 hours. Bird sends an event
	// again for 8 hours with its first timestamp, so a short window would
	// throw real events away.
	// See https://docs.bird.com/api/notifications-api/retries.
	MaxAge time.Duration
	// Kinds are the records whose changes are wanted: give those that the
	// flows sync, of [Contact] and [ConversationKind]. Unset, it is contacts
	// alone. Facts are told whatever it says.
	Kinds []sync.Kind
	// Witness names all the raw fields that are read of conversations, as
	// Options.Conversations does; nil trusts no event that far. An event that
	// tells the whole conversation, and says only what was seen agreed on, as
	// in the echo of our own write or with every message, then costs no read.
	Witness []string
	// MaxConcurrent is how many requests are worked on at once, 128 by
	// default, and MaxPerSecond how many a second are let in, 1,000 by default.
	// Others are answered 503 before their bodies are read, and Bird sends them
	// again.
	MaxConcurrent int
	MaxPerSecond  float64
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

// receiver is the handler that NewReceiver returns.
type receiver struct {
	intake
	opts ReceiverOptions
	keys websig.Keys
	url  publicURL
}

// NewReceiver returns the handler for Bird's own webhooks. It checks the
// signature over the raw body, stores what the event means in the inbox, and
// then answers; it calls nobody.
//
// The events conversation.created, .updated and .deleted and the channels'
// <platform>.inbound and .outbound become one [sync.Change] for each contact
// taking part, the former also into one of the conversation, as
// ReceiverOptions.Kinds wants them, and these facts, each with the first contact
// as its subject:
//
//	conversation.started    of conversation.created
//	conversation.closed     a conversation is not active any more; once until a
//	                        message follows
//	message.received        of <platform>.inbound, and of a conversation whose
//	                        last message is a contact's
//	message.sent            of <platform>.outbound, and of a conversation whose
//	                        last message is anybody else's
//	message.failed          instead of message.sent, and mostly after it: Bird
//	                        has given the message up
//	escalation.triggered    a person has written in, or joined, an AI
//	                        employee's conversation; once for each person
//
// Their data are texts: conversation_id, conversation_status, channel_id,
// platform, message_id, message_status, sender_type, direction (inbound or
// outbound), text, and agent_id of an escalation; what an event does not tell
// is missing. A conversation shows of a message the beginning: where it may be
// cut, preview is "true". [Adapter.Enrich] then puts the whole text in its
// place, and reads what a person typed in the Inbox, which events lack.
//
// Bird delivers late, twice and in any order, and its events have no ids. So
// a fact's id is made of what happened, whichever event tells of it: the second
// news is the same fact, and an old event takes nothing back. Of a message's
// statuses the first to arrive makes the fact message.sent, with that status
// as message_status, and the later ones make none; see [MessageStatus.After]
// for keeping the status itself. A change is only a reason to look.
//
// Other events are answered 204 too, and told to OnEvent: Bird would send them
// again for hours otherwise.
//
// Answers: 204 stored or not wanted, 400 not JSON or of another shape, 401
// wrong or stale signature, 405 not a POST, 413 over 1 MiB, 415 compressed, 503
// the inbox failed or too many at once. Bird repeats for 8 hours what is not
// answered 2xx, each time with the first timestamp. A firewall or CDN in front must let it through: Bird
// publishes no addresses to allow, and rules against bots, such as
// Cloudflare's, answer it 403 before the request gets here; make an exception
// for the path. Nothing in between may re-encode the body or drop headers.
// See https://docs.bird.com/api/conversations-api/api-reference/events and
// https://docs.bird.com/api/notifications-api/retries.
//
// Handlers may be called concurrently. The error is a [*sync.Error] that names
// the wrong option.
func NewReceiver(inbox sync.Inbox, opts ReceiverOptions) (http.Handler, error) {
	address, err := newPublicURL(&opts)
	if err != nil {
		return nil, err
	}
	keys := websig.Keys{Secrets: opts.Secrets, OldUntil: opts.OldUntil}
	if !keys.Usable() {
		return nil, misconfigured("receiver.keys", "give every webhook subscription a signing key and name it here, without a blank or line end around it; without one nothing proves the sender")
	}
	if inbox == nil {
		return nil, misconfigured("receiver.inbox", "give the engine")
	}
	if err := cmp.Or(checkKinds(opts.Kinds), checkConversationFields(opts.Witness)); err != nil {
		return nil, err
	}
	if len(opts.Kinds) == 0 {
		opts.Kinds = []sync.Kind{Contact}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxAge <= 0 {
		opts.MaxAge = 24 * time.Hour
	}
	rc := &receiver{intake: newIntake(inbox, opts.OnEvent, opts.Logger), opts: opts, keys: keys, url: address}
	return rc.limited(rc, websig.Limit{AtOnce: opts.MaxConcurrent, PerSecond: opts.MaxPerSecond}), nil
}

func checkKinds(kinds []sync.Kind) error {
	for _, kind := range kinds {
		if kind != Contact && kind != ConversationKind {
			return misconfigured("receiver.kinds", "Bird's webhooks tell of contacts and conversations only")
		}
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := rc.read(w, r)
	if !ok {
		return
	}
	sent, failed := rc.check(r, body)
	if failed != "" {
		rc.deny(w, r, failed)
		return
	}
	e := event{kinds: rc.opts.Kinds, witness: rc.opts.Witness}
	if err := json.Unmarshal(body, &e); err != nil {
		rc.malformed(w, r, "", "the body is not the JSON of an event")
		return
	}
	items, outcome, err := e.items(body)
	if err != nil {
		rc.malformed(w, r, e.Event, "the payload has not the shape of its event")
		return
	}
	rc.store(w, r, e.Event, outcome, dated(items, sent))
}

// dated gives facts whose event tells no time that of its first delivery,
// which is the same in every later one.
func dated(items []sync.Item, sent time.Time) []sync.Item {
	for i := range items {
		if f, ok := items[i].(sync.Fact); ok && f.OccurredAt.IsZero() {
			f.OccurredAt = sent
			items[i] = f
		}
	}
	return items
}

// check checks the signature and only then the age, so that the age of a forged
// request shows nothing. It returns when Bird first sent it, and what is wrong.
func (rc *receiver) check(r *http.Request, body []byte) (sent time.Time, failed string) {
	address := rc.url.of(r)
	if address == "" {
		return sent, "nothing that is trusted tells the public URL"
	}
	now, timestamp := rc.opts.Now(), r.Header.Get(timestampHeader)
	if !signed(rc.keys.At(now), timestamp, address, body, r.Header.Get(signatureHeader)) {
		return sent, "the signature is wrong; compare the signing keys and the public URL with the subscriptions"
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return sent, "the timestamp is no number"
	}
	sent = time.Unix(seconds, 0).UTC()
	age := now.Sub(sent)
	if age > rc.opts.MaxAge || age < -maxAhead {
		return sent, "the timestamp is too old or ahead; set the clock"
	}
	return sent, ""
}
