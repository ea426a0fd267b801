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
	// WorkspaceID and AccessKey are what clients must present; "" is a fixed
	// UUID and a fixed key.
	WorkspaceID, AccessKey string
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
}

func (o *Options) withDefaults() Options {
	var c Options
	if o != nil {
		c = *o
	}
	setDefault(&c.WorkspaceID, "5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11")
	setDefault(&c.AccessKey, "birdtest-access-key")
	setDefault(&c.ExternalIDKey, "external_id")
	setDefault(&c.GETPerSecond, 50)
	setDefault(&c.WritePerSecond, 500)
	setDefault(&c.Featured, 3)
	setDefault(&c.FlowRetries, 3)
	setDefault(&c.WebhookRetries, 19)
	setDefault(&c.FlowPause, time.Second)
	return c
}

func setDefault[T comparable](v *T, d T) {
	var zero T
	if *v == zero {
		*v = d
	}
}
