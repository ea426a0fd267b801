package hubspottest

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// Now is the account's time, which the Date header and every timestamp follow.
func (a *Account) Now() time.Time { return a.clock.Now() }

// SetSkew sets how far the account's clock is ahead of the base (behind when negative).
func (a *Account) SetSkew(d time.Duration) { a.clock.SetOffset(d) }

// Advance moves the account's clock ahead of where it is (back when negative). Quotas, search lag and expiry follow at
// once; timers that run already, such as those of webhook retries, do not.
func (a *Account) Advance(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.clock.SetOffset(a.clock.Offset() + d)
}

// Log returns the log of API requests, refused ones included.
func (a *Account) Log() *Log { return a.log }

// Faults returns the plan of what goes wrong with API requests.
func (a *Account) Faults() *Faults { return a.faults }

// Down makes the API answer 503 to everything until Down(false).
func (a *Account) Down(down bool) { a.outage(down, time.Time{}) }

// DownUntil makes the API answer 503 to everything until the account's clock reaches t.
func (a *Account) DownUntil(t time.Time) { a.outage(true, t) }

func (a *Account) outage(down bool, until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.undown != nil {
		a.undown()
		a.undown = nil
	}
	if down {
		f := ServerError(http.StatusServiceUnavailable)
		f.Until = until
		a.undown = a.faults.Add(f)
	}
}

// AddApp lets a further app into the account with its own token, quota and source id.
func (a *Account) AddApp(token string, appID int64) {
	a.server.tokens.static(token, a.PortalID, appID, nil)
}

// RevokeToken makes the API answer 401 to an access token and 400 to a refresh token from now on.
func (a *Account) RevokeToken(token string) {
	a.server.tokens.revoke(token)
}

// DefineProperty adds a custom contact property; "" leaves type and fieldType to their defaults (string, and the usual
// field of the type). It replaces a property of the same name.
func (a *Account) DefineProperty(name, typ, fieldType string, unique bool, options ...string) {
	a.DefinePropertyOn("contacts", Property{Name: name, Type: typ, FieldType: fieldType, HasUniqueValue: unique, Options: optionsOf(options)})
}

// DefinePropertyOn adds a custom property to an object type, which is named by its plural or its id, as in all methods. It
// replaces a property of the same name; empty fields take the vendor's defaults.
func (a *Account) DefinePropertyOn(objectType string, p Property) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.define(a.in(objectType), p)
}

// ArchiveProperty takes a custom property of an object type out of use; writes to it are refused from then on. It panics
// when there is none in use.
func (a *Account) ArchiveProperty(objectType, name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.in(objectType).schema
	if !s.has(name) || !s.properties[name].Modification.Archivable {
		panic(fmt.Sprintf("hubspottest: no custom property %s of %s", name, objectType))
	}
	s.archive(s.properties[name])
}

// Subscribe sends webhooks to url, signed with the app's client secret; without subscriptions it sends every event.
// Several targets may be subscribed.
func (a *Account) Subscribe(url, secret string, subs ...Subscription) {
	a.hooks.subscribe(url, secret, subs)
}

// SetWebhookClient sets the client that delivers webhooks, such as that of an in-process receiver.
func (a *Account) SetWebhookClient(c *http.Client) { a.hooks.sender.SetClient(c) }

// SetChaos sets what the network does to webhook requests.
func (a *Account) SetChaos(c Chaos) { a.hooks.sender.SetChaos(c) }

// ShuffleWebhooks mixes the events of each flush.
func (a *Account) ShuffleWebhooks(on bool) { a.hooks.setShuffle(on) }

// DropNext loses the next n webhook requests for good, with all the events in them.
func (a *Account) DropNext(n int) { a.hooks.dropNext(n) }

// WebhookStats counts what became of webhook requests.
func (a *Account) WebhookStats() WebhookStats { return a.hooks.sender.Stats() }

// Idle waits for the webhooks like WaitWebhooks, without a limit.
func (a *Account) Idle() { _ = a.WaitWebhooks(context.Background()) }
