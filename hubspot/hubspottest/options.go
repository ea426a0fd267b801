package hubspottest

import (
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/internal/simhttp"
)

// Options change the simulated account. The zero value is a small private-app account with the documented limits.
type Options struct {
	// Token is the bearer token the account accepts; "" means "hubspottest-token".
	Token string
	// Scopes are what Token allows; nil means everything.
	Scopes []string
	// PortalID and AppID identify the account and the app the token belongs to; 0 means 33333 and 1160452.
	PortalID, AppID int64
	// Seed decides every random choice: correlation ids, event ids, shuffles, faults.
	Seed uint64
	// Properties are custom contact properties the account has from the start.
	Properties []Property
	// Pipelines are deal pipelines the account has from the start. One with the ID "default" replaces the StockPipeline.
	Pipelines []Pipeline
	// Owners are the people who can own records; nil means two invented ones.
	Owners []Owner
	// Rules are write rules of the account's administrator, enforced on the 2026-09 paths only, as the vendor does.
	// https://developers.hubspot.com/changelog/crm-api-write-validation-enforcement
	Rules []Rule
	// Clock replaces time.Now as the base of the account's clock; nil means time.Now.
	Clock func() time.Time

	// App are the settings of the server's app; those of further accounts are ignored.
	App AppOptions

	// SearchLag is how long a write stays invisible to search; 0 means 2 s, negative means none.
	SearchLag time.Duration
	// Burst is the number of requests an app has in any 10 s; 0 means 100, or 110 with tokens of the OAuth endpoints; negative
	// means no limit.
	Burst int
	// Daily is the number of requests the account's private apps have in a day; 0 means 250,000, negative means no limit.
	Daily int
	// Location is the account's time zone, at whose midnight the day begins; nil means that of Bogotá, 5 h behind UTC.
	Location *time.Location
	// RetryAfter sends Retry-After with every 429; the vendor does so sometimes.
	RetryAfter bool
	// RecordWrites is the number of writes a record takes in any second; one more locks it for 2 s (423). 0 means no limit.
	RecordWrites int
	// SearchPerSecond is the number of searches the account has in any second; 0 means 5, negative means no limit.
	SearchPerSecond int

	// RejectUniqueOnActivities refuses unique properties on notes, tasks, meetings and communications. Whether the vendor
	// takes them is not documented.
	RejectUniqueOnActivities bool
	// RawBodies returns the bodies of notes, tasks and meetings as they were written, not sanitised to HTML as the vendor does.
	RawBodies bool
	// MergeKeepsPrimaryID lets a merge keep the primary record's id instead of minting a new one.
	MergeKeepsPrimaryID bool
	// MergedIDsUnreadable makes batch reads answer "not found" for the ids of merged records instead of the survivor.
	MergedIDsUnreadable bool
	// OmitUnassociated leaves records without associations out of batch reads of associations without a word, where the vendor
	// has been seen to report each as an error of a 207.
	OmitUnassociated bool
	// CreateConflictAs400 answers a create with a taken email as the vendor does in a race: 400 with two ids, not 409.
	CreateConflictAs400 bool

	// NoCustomEvents answers 403 to custom behavioural events, as accounts below Enterprise do.
	NoCustomEvents bool
	// EventsAsInGuide serves custom events of 2026-03 where the vendor's guide says, under /events/custom/2026-03, and not
	// where its specification says, under /events/2026-03.
	EventsAsInGuide bool
	// WorkflowDelay is how long a stub workflow takes to start; 0 means 5 ms, negative means none.
	WorkflowDelay time.Duration

	// WebhookFlush is how long events are gathered into one request; 0 means 5 ms, negative means none.
	WebhookFlush time.Duration
	// WebhookBatch is the most events in a request; 0 means 100.
	WebhookBatch int
	// WebhookTimeout is how long the receiver may take; 0 means 5 s.
	WebhookTimeout time.Duration
	// WebhookRetries is the number of tries after the first; 0 means 10, negative means none.
	WebhookRetries int
	// WebhookRetryScale compresses the 24 hours over which retries spread: 1 is real time, 0 means 1/10000 (8.6 s).
	WebhookRetryScale float64
}

// AppOptions change the app of the OAuth endpoints, its push webhooks and its journal.
type AppOptions struct {
	// ClientID, ClientSecret and DeveloperKey are the app's credentials; "" means ones that the Server's fields tell.
	ClientID, ClientSecret, DeveloperKey string
	// TokenTTL is how long access tokens live, in whole seconds; 0 means the vendor's 30 min.
	TokenTTL time.Duration
	// RotateRefreshTokens gives a new refresh token with every renewal, after which the old one is BAD_REFRESH_TOKEN.
	RotateRefreshTokens bool
	// SettingsCache is how long a change through the webhook management API may take to show; 0 means that it shows at once.
	// The vendor takes up to 5 min.
	SettingsCache time.Duration

	// JournalFlush is how long events are gathered into one journal file, unless a reader comes; 0 means 20 ms.
	JournalFlush time.Duration
	// JournalBatch is the most events in a file; 0 means 10,000.
	JournalBatch int
	// JournalURLTTL is how long the address of a file works; 0 means 15 min.
	JournalURLTTL time.Duration
	// JournalLost is the status for an offset that is unknown or older than three days; 0 means 404.
	JournalLost int
}

func (o AppOptions) withDefaults() AppOptions {
	o.ClientID = or(o.ClientID, "hubspottest-client")
	o.ClientSecret = or(o.ClientSecret, "hubspottest-secret")
	o.DeveloperKey = or(o.DeveloperKey, "hubspottest-developer")
	o.TokenTTL = or(o.TokenTTL, 30*time.Minute)
	o.JournalFlush = or(o.JournalFlush, 20*time.Millisecond)
	o.JournalBatch = or(o.JournalBatch, 10_000)
	o.JournalURLTTL = or(o.JournalURLTTL, 15*time.Minute)
	o.JournalLost = or(o.JournalLost, http.StatusNotFound)
	return o
}

// Rule is an administrator's rule: the required properties must have a value when a record is created (When is "") or
// whenever the property When has the value Is.
type Rule struct {
	// On is the plural name of the object type; "" means contacts.
	On       string
	When, Is string
	Require  []string
}

const (
	defaultToken  = "hubspottest-token"
	defaultPortal = 33333
)

// Aliases for the machinery shared by the simulators, so that a host application can name the types.
type (
	// Clock is the account's clock with a settable offset.
	Clock = simhttp.Clock
	// Fault says which requests go wrong and how.
	Fault = simhttp.Fault
	// Faults is the plan of what goes wrong.
	Faults = simhttp.Faults
	// Log is the log of requests.
	Log = simhttp.Log
	// Call is one entry of the log.
	Call = simhttp.Call
	// Chaos is what the network does to webhooks.
	Chaos = simhttp.Chaos
	// WebhookStats counts what became of webhook requests.
	WebhookStats = simhttp.SenderStats
)

func (o *Options) withDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	d.Token = or(d.Token, defaultToken)
	d.PortalID = or(d.PortalID, defaultPortal)
	d.AppID = or(d.AppID, 1160452)
	d.SearchLag = orNone(d.SearchLag, 2*time.Second)
	d.Daily = or(d.Daily, 250_000)
	d.SearchPerSecond = or(d.SearchPerSecond, 5)
	if d.Location == nil {
		d.Location = time.FixedZone("America/Bogota", -5*60*60)
	}
	d.App = d.App.withDefaults()
	d.WorkflowDelay = orNone(d.WorkflowDelay, 5*time.Millisecond)
	d.WebhookFlush = orNone(d.WebhookFlush, 5*time.Millisecond)
	d.WebhookBatch = or(d.WebhookBatch, 100)
	d.WebhookRetries = orNone(d.WebhookRetries, 10)
	d.WebhookRetryScale = or(d.WebhookRetryScale, 1e-4)
	return d
}

// or returns v, or the default when v is zero.
func or[T comparable](v, byDefault T) T {
	var zero T
	if v == zero {
		return byDefault
	}
	return v
}

// orNone is or for settings whose negative values mean zero.
func orNone[T int | time.Duration](v, byDefault T) T { return max(or(v, byDefault), 0) }
