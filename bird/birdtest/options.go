package birdtest

import (
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// Aliases for the machinery shared by the simulators, so that a host
// application can name the types.
type (
	// Clock is the workspace's clock with a settable offset.
	Clock = simhttp.Clock
	// Fault says which requests go wrong and how.
	Fault = simhttp.Fault
	// Faults is the plan of what goes wrong.
	Faults = simhttp.Faults
	// Call is one request in the log.
	Call = simhttp.Call
	// Log remembers the requests to the API.
	Log = simhttp.Log
	// Chaos is what the network does to Flow calls and webhooks.
	Chaos = simhttp.Chaos
	// DeliveryStats counts what became of Flow calls or webhooks.
	DeliveryStats = simhttp.SenderStats
)

// Options adjusts a [Server]. The zero value and nil mean the defaults.
type Options struct {
	// WorkspaceID, OrganizationID and AccessKey are what clients must present;
	// "" is a fixed UUID, another one and a fixed key.
	WorkspaceID, OrganizationID, AccessKey string
	// ExternalIDKey is the identifier that the field external_id of the
	// admin methods and of Flow bodies means; "" is "external_id".
	ExternalIDKey string
	// Seed decides ids and every random choice.
	Seed uint64
	// Clock replaces time.Now as the base of the workspace's clock; nil means
	// time.Now.
	Clock func() time.Time
	// GETPerSecond and WritePerSecond are the rate limits; 0 is Bird's 50 and
	// 500, a negative number none.
	GETPerSecond, WritePerSecond int
	// RetryAfter adds a Retry-After header to 429 answers.
	RetryAfter bool
	// Featured is how many identifiers a contact shows without asking for
	// the list; 0 is 3.
	Featured int
	// RefuseUnknownAttributes answers 422 to attributes that have no
	// definition. By default they are accepted.
	RefuseUnknownAttributes bool
	// KeepUpdatedAt leaves a contact's updatedAt alone when a write changes
	// nothing. By default every write moves it; which of the two Bird does is
	// not documented.
	KeepUpdatedAt bool
	// ReplaceConversationAttributes lets a PATCH put the attributes it has in
	// the place of all of a conversation. By default they are merged; which
	// of the two Bird does is not documented.
	ReplaceConversationAttributes bool
	// CreatedWithMessage lets conversation.created carry the message with
	// which a conversation began as its last one. By default that comes with
	// conversation.updated alone; what Bird does is not documented.
	CreatedWithMessage bool
	// SeparateFeedItems leaves a conversation's status alone when its feed
	// item is closed or reopened, and the other way round. By default they go
	// together; what Bird does is not documented.
	SeparateFeedItems bool
	// StatusDelay is the time between two statuses of a message to a contact;
	// 0 is 100 ms, a negative number none.
	StatusDelay time.Duration
	// IndexDelay is how long after its making a feed item is found and the
	// channel's view of a message names its conversation; 0 is 2 s, a
	// negative number none.
	IndexDelay time.Duration
	// ArraysAsText renders arrays in Flow bodies as text that holds JSON.
	ArraysAsText bool
	// QuietAPI keeps Flows from firing on changes made through the API. By
	// default they fire, which makes echoes.
	QuietAPI bool
	// FlowRetries is how often a Flow repeats a call that failed; 0 is 3, a
	// negative number never. FlowPause is the wait between; 0 is 1 second.
	FlowRetries int
	FlowPause   time.Duration
	// WebhookRetries is how often a webhook that failed is sent again, at
	// intervals that grow from 1 second to an hour; 0 is 19, which takes
	// Bird's 8 hours, a negative number never.
	WebhookRetries int
	// WebhookRetryScale compresses those intervals: 0 and 1 are real time,
	// 0.001 takes half a minute. Timestamps are not compressed.
	WebhookRetryScale float64
	// FreshRequestIDs gives every attempt of a webhook an id of its own; by
	// default retries keep the first.
	FreshRequestIDs bool
	// AnyWebhookURL lets the API register webhooks for any address, such as
	// that of an httptest.Server. By default it takes what Bird does: https, a
	// host name with dots, no port; [Server.Proxy] then leads to the receiver.
	AnyWebhookURL bool
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	setDefault(&c.WorkspaceID, "5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11")
	setDefault(&c.OrganizationID, "0b7c6a52-3f0e-4d19-8c27-94e1d5a3f680")
	setDefault(&c.AccessKey, "birdtest-access-key")
	setDefault(&c.ExternalIDKey, "external_id")
	setDefault(&c.GETPerSecond, 50)
	setDefault(&c.WritePerSecond, 500)
	setDefault(&c.Featured, 3)
	setDefault(&c.FlowRetries, 3)
	setDefault(&c.WebhookRetries, 19)
	setDefault(&c.WebhookRetryScale, 1)
	setDefault(&c.FlowPause, time.Second)
	setDefault(&c.StatusDelay, 100*time.Millisecond)
	setDefault(&c.IndexDelay, 2*time.Second)
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
