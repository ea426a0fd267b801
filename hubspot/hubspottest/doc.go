// Package hubspottest simulates a HubSpot account in the manner of net/http/httptest: real HTTP, real wire shapes, the
// vendor's quotas, uniqueness and batch rules, search that lags, signed webhooks, and switches for everything that goes
// wrong. It serves contacts. Host applications use it to test their own integration without an account.
//
//	account := hubspottest.NewServer(nil)
//	defer account.Close()
//	// give the client account.URL and account.Token
//
// # What is served
//
// The same account answers on the path sets of v3, 2026-03 and 2026-09, for "contacts" and for "0-1": list, create, read,
// update, archive, merge, gdpr-delete, search, batch create, read, update, upsert and archive; properties (list, read,
// create, batch read and create) and their groups; account-info details. Everything else is 404.
//
// # Where it runs
//
// NewServer listens on loopback. NewPipeServer uses in-process pipes, touches no network, is reached through Client only,
// and works inside a testing/synctest bubble if it is created, used and closed there.
//
// # People and other programs
//
// Create, Edit, Archive, Restore, Merge and Erase act as a person in the user interface (change source CRM_UI); CreateAs
// and EditAs act as any Actor; AddApp lets a second app in. Contact, Contacts and History look. DefineProperty adds a
// custom property. Writes through the API with Token have the change source INTEGRATION and the AppID as source id.
//
// # Webhooks
//
// Subscribe names the receiver, its secret and the events; SetWebhookClient reaches an in-process receiver. Events are
// gathered for Options.WebhookFlush and posted in arrays of at most 100, each attempt with its own timestamp and v3
// signature, 5 s for the answer, 10 in flight, up to 10 retries in a compressed day (Options.WebhookRetryScale).
// SetChaos drops, doubles and delays requests, ShuffleWebhooks mixes events, DropNext loses requests for good.
// WaitWebhooks and Idle wait until all is delivered.
//
// # Faults
//
// Faults takes a plan of Fault values by method and path: any status, delays, connections cut before or after the request
// took effect, truncated bodies. Locked, Moving, ServerError,
// Expired and MissingScopes are ready-made. Down and DownUntil answer 503 to all.
// RevokeToken answers 401. SetSkew sets the account's clock wrong. Options lower the quotas and change quirks.
//
// # Books
//
// Log has every API request. WriteCount and NoopCount say how often the account's own app changed a property, or wrote
// what was there already.
//
// # Where the vendor is silent
//
// The words of some refusals are not published (too many inputs, duplicate ids in a batch, existing property, 423, 477,
// rules of 2026-09); the status and the category are right, the message is not to be relied on. Email addresses are kept
// in lower case. Setting lifecyclestage back is accepted and ignored.
//
// A Server is safe for concurrent use, and deterministic for a given Options.Seed and order of requests.
package hubspottest
