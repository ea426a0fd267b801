// Package hubspot connects crmsync to the contacts of a HubSpot account.
//
// [New] returns an [Adapter], which reads, writes, finds and follows contacts;
// [NewReceiver] returns the handler for HubSpot's webhooks. Package hubspottest
// simulates an account.
//
// # What is synced
//
// Contacts (HubSpot's object type 0-1) with the properties in
// Options.Properties. Values travel as text, the way HubSpot keeps them; a
// property without a value is missing; writing a blank value clears. After a
// merge the old ids lead to the surviving contact. Archived contacts count as
// deleted.
//
// # Scopes
//
// The token needs crm.objects.contacts.read and crm.objects.contacts.write. A
// service key is enough for the calls; webhooks need an app, whose client
// secret signs them.
//
// # Set-up
//
// Create the contact property custom_bird_contact_id (single-line text) with
// hasUniqueValue: it is how contacts are created once and only once, and it
// cannot be made unique later. See
// https://developers.hubspot.com/changelog/unique-properties-for-contacts.
//
// In the app, set the webhooks' target URL to the one given as
// ReceiverOptions.PublicURL and subscribe to contact.creation,
// contact.deletion, contact.merge, contact.restore, contact.privacyDeletion,
// and contact.propertyChange for each property that is synced. The generic
// object.* events do as well.
//
// # Limits
//
// Calls take up to 100 contacts (50 with history) and are shared by all who
// call within Options.Linger. The quota of calls is learned from HubSpot's
// headers, and nine tenths of it are used; searches have a quota of their own.
// A wait of up to 5 seconds happens inside the adapter, a longer one becomes
// an error of action RetryAt. See
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines.
//
// Each id that a batch does not find costs one more call, which tells a merged
// contact from a deleted one.
//
// # Errors
//
// Every error is a [*sync.Error], except the context's own. What HubSpot said
// is reachable by errors.As as an [*APIError]. Their texts name properties,
// codes and HubSpot's correlation id, and never a value or the token.
//
//	401                     Denied: replace the token
//	403                     Denied: grant the scopes named in the hint
//	400                     Invalid, with the property and HubSpot's code
//	a value held elsewhere  Conflict, with the contact that holds it
//	404, in a batch         NotFound for that contact alone
//	423, 429, 477           RetryAt the moment HubSpot names or its quota implies
//	5xx, no answer          Retry
//
// # Catch-up
//
// [Adapter.Changes] finds what webhooks failed to tell, except deletions: its
// search does not see archived contacts.
package hubspot
