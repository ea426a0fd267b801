// Package hubspottest simulates HubSpot accounts in the manner of net/http/httptest: real HTTP, real wire shapes, the
// vendor's quotas, uniqueness and batch rules, search that lags, signed webhooks, and switches for everything that goes
// wrong. Host applications use it to test their own integration without an account.
//
//	account := hubspottest.NewServer(nil)
//	defer account.Close()
//	// give the client account.URL and account.Token
//
// # What is served
//
// Contacts (0-1), deals (0-3), communications (0-18), tasks (0-27), notes (0-46) and meetings (0-47), on the path sets of
// v3, 2026-03 and 2026-09 from the same records, by the plural name or the id: list, create (with associations), read,
// update, archive, merge, search, batch create, read, update, upsert and archive, and gdpr-delete for contacts; properties
// and their groups (list, read, create, update, archive, batches); associations and their labels, singly and in batches
// (under v4 in place of v3); deal pipelines and stages; owners; the limits of custom properties; account-info details; the
// OAuth token endpoints; the settings and subscriptions of push webhooks; the webhooks journal. Everything else is 404.
//
// Each type starts with the vendor's own properties that a sync meets, asks a new record for what the vendor asks for
// (hs_timestamp of activities, dealname and dealstage of deals), and numbers its records apart from the others. Stages must
// belong to the pipeline; the bodies of notes, tasks and meetings come back as sanitised HTML (Options.RawBodies).
//
// # Where it runs
//
// NewServer listens on loopback. NewPipeServer uses in-process pipes, touches no network, is reached through Client only,
// and works inside a testing/synctest bubble if it is created, used and closed there.
//
// # Several accounts
//
// A Server is its first Account. AddAccount adds more at the same address, each with its own token, portal, records, clock,
// quotas, log, faults and webhooks. The bearer token decides whose request it is; an unknown one is the first account's.
//
// # Tokens and scopes
//
// Token never expires and may do what Options.Scopes say. The OAuth endpoints (v1, v3 and dated paths) know one app, that of
// ClientID and ClientSecret: Install puts it into an account and returns the code to exchange; refresh tokens may rotate
// (AppOptions.RotateRefreshTokens), access tokens live AppOptions.TokenTTL by the account's clock, and the app's own come
// from client_credentials. ExpireTokens, RevokeToken and Uninstall end them; TokenRequests counts what was asked for. A call
// beyond the token's scopes is 403 MISSING_SCOPES with the scopes it lacks.
//
// # People and other programs
//
// CreateObject, EditObject, ArchiveObject, RestoreObject, MergeObjects and Erase act as a person in the user interface
// (change source CRM_UI); CreateObjectAs and EditObjectAs act as any Actor; AddApp lets a second app in. Object, Objects
// and HistoryOf look. Object types are named by plural or id. Each has a short form for contacts: Create, Edit, Archive,
// Restore, Merge, Contact, Contacts, History. Associate, Dissociate and Associated are about associations, DefinePropertyOn
// (DefineProperty for contacts) and ArchiveProperty about custom properties, AddPipeline, AddStage, RenameStage and
// ArchiveStage about stages, AddOwner about people. Writes through the API with Token have the change source INTEGRATION
// and the AppID as source id.
//
// # Time
//
// SetSkew and Advance move the account's clock; the Date header, every timestamp, the quotas, the lag of search and the
// limits of faults follow it. Options.Clock replaces its base. In a synctest bubble the base is virtual already.
//
// # Webhooks
//
// Subscribe names the receiver, its secret and the events; SetWebhookClient reaches an in-process receiver. Contacts and
// deals have events under their own names (deal.propertyChange) and generic ones (object.propertyChange with objectTypeId),
// the others generic ones only. An association that comes or goes is one event for each side; an erased contact is a
// privacyDeletion and a deletion, in either order. Events are gathered for Options.WebhookFlush and posted in arrays of at
// most 100, each attempt with its own timestamp and v3 signature, 5 s for the answer, 10 in flight, up to 10 retries in a
// compressed day (Options.WebhookRetryScale). SetChaos drops, doubles and delays requests, ShuffleWebhooks mixes events,
// DropNext loses requests for good. WaitWebhooks and Idle wait until all is delivered.
//
// The management API does what Subscribe does, for the app and so for every account that the server has: one target URL,
// subscriptions that can be paused, signatures by ClientSecret. It takes DeveloperKey as ?hapikey= or a token of the app.
// AppOptions.SettingsCache delays what it changes. The values of sensitive properties are redacted.
//
// # Custom events, workflows and their actions
//
// DefineEvent and the API define custom behavioural events; CustomEvents lists those that came, each uuid once a year. As
// with the vendor the answer is 204 before anybody has looked: events of nobody vanish. Options.NoCustomEvents is an account
// below Enterprise, Options.EventsAsInGuide serves the other of the two documented paths of 2026-03.
//
// OnChange and OnEvent add stub workflows, which rewrite properties as AUTOMATION_PLATFORM a moment later and so provoke
// loops; Idle waits for them too. RunAction makes a workflow execute a custom action: a call signed by v2 and v3, tried again
// like a webhook and subject to the same chaos. ActionRuns tells what became of each; those that answered BLOCK wait for the
// callback, single or in a batch, until they expire by the account's clock.
//
// # Webhooks Journal
//
// The journal records the same events for readers with client credentials: those of subscriptions (with properties, object
// ids and filters) and snapshots that were asked for. Files hold the events of AppOptions.JournalFlush, at most 10,000 or
// 5 MB, and are published at the latest when somebody reads; the global journal has all accounts, the local one
// (?installPortalId=) one. A reference leads to a signed address on the simulator that needs no token and expires. Files
// are kept for three days by the first account's clock; an older offset is AppOptions.JournalLost. The journal, its
// subscriptions and its snapshots have 100, 50 and 10 requests a second and are charged to no other quota. The subscription
// types LIST_MEMBERSHIP and APP_LIFECYCLE_EVENT are taken and never fire.
//
// Requests of the OAuth endpoints, of the journal and those with the developer key are in the log, and subject to the
// faults, of the first account.
//
// # Quotas
//
// Private apps have Options.Burst requests in any 10 s and, together, Options.Daily until the account's midnight; OAuth apps
// 110 in 10 s and no limit for the day; searches have a limit of their own and answers without rate-limit headers.
// Options.RecordWrites locks a record that is written too often (423). UseQuota is another process with the same app,
// RateLimited counts the 429s by policy.
//
// # Faults
//
// Faults takes a plan of Fault values by method and path: any status, delays, connections cut before or after the request
// took effect, truncated bodies. Locked, Moving, ServerError, Cloudflare, Expired, MissingScopes, CutBefore and CutAfter
// are ready-made. Down and DownUntil answer 503 to all. Options change quirks; Options.Rules are the rules of an
// administrator, which bind the paths of 2026-09 only.
//
// # Books
//
// Log has every API request: Find by method and path, ByOperation as counts, Count by any condition. WriteCountOf and
// NoopCountOf say how often the account's own app changed a property, or wrote what was there already (WriteCount and
// NoopCount for contacts).
//
// # Where the vendor is silent
//
// The words of some refusals are not published (too many inputs, duplicate ids in a batch, existing property, missing
// required property, 423, 477, rules of 2026-09); the status and the category are right, the message is not to be relied
// on. The same holds for the exact form of a sanitised body. Email addresses are kept in lower case. Setting lifecyclestage
// back is accepted and ignored. Which faults of a custom event the vendor answers at once is not known; here they are 400
// and nothing of the call is kept. A batch of callbacks of which one is not waited for is 404 as a whole.
//
// A Server is safe for concurrent use, and deterministic for a given Options.Seed and order of requests.
package hubspottest
