// Package bird connects crmsync to the contacts of a Bird workspace.
//
// # Keys and ids
//
// The adapter speaks to the workspace API at https://api.bird.com, the only
// one of Bird's APIs with contacts and conversations. It needs the workspace's
// UUID and an access key created in that workspace with a role; a key without
// one is answered like a wrong key, with 401. The least that the role's policy
// must allow is View, Create and Update on /workspaces/{id}/contacts/** and
// /workspaces/{id}/contacts. Keys that begin with bk_ and ids that begin with
// ws_ belong to another product and are refused by [New].
// See https://docs.bird.com/api/api-access/api-authorization.
//
// # Limits
//
// Bird allows a workspace 50 GET and 500 POST a second and has no batch calls:
// every contact read is one GET, every contact written one PATCH. The adapter
// keeps to 40 and 450 of them, leaves out reads that [Adapter.Snapshot] makes
// needless, and pauses when Bird answers 429 all the same.
// See https://docs.bird.com/api/channels-api/rate-limit.
//
// # What is synced
//
// A record's fields have these raw names:
//
//	id             the contact's id, read only
//	external_id    the custom identifier named by Options.ExternalIDKey
//	msisdn         the identifier phonenumber, E.164 with "+"
//	email          the identifier emailaddress
//	name           the attribute displayName, else the computed name
//	attributes.X   the attribute X
//	X              any other name is the attribute X, too
//
// An identifier belongs to one contact only; taking one that another contact
// holds is a conflict that names the holder. A contact may have several phones
// or e-mails, which merges leave behind: the field is the one added last, and a
// write replaces that one. Bird keeps no version of a contact and
// no time of a single attribute, so the adapter is no [sync.Historian].
//
// # Webhooks and Flow calls
//
// Bird's own webhooks tell of conversations and messages, never of contacts.
// [NewReceiver] handles them. That a contact changed is told by a Flow with the
// trigger "Contact updated" whose HTTP step calls [NewFlowReceiver]; qualified
// leads, booked tours and hand-overs come the same way. The step needs the
// method POST, the header "Authorization: Bearer <secret>" and a body of the
// customer's own making, such as
//
//	{
//	  "event": "contact.updated",
//	  "event_id": "{{flow.run.id}}",
//	  "bird_contact_id": "{{context.contact.id}}",
//	  "msisdn": "{{context.contact.attributes.phonenumber}}",
//	  "email": "{{context.contact.attributes.emailaddress}}",
//	  "name": "{{context.contact.computedDisplayName}}"
//	}
//
// Only event and bird_contact_id are required; the contact is read afresh
// anyway, unless FlowOptions.Witness says that the body tells enough. A field
// occurred_at (RFC 3339) measures the lag. What neither tells is found by the walk of [Adapter.Changes].
// See https://docs.bird.com/applications/automation/flows/concepts/triggers.
//
// # Errors
//
// Every error is a [sync.Error]; what Bird said is an [APIError] within it.
// Bird's texts may contain a person's phone, so they are kept out of the
// errors' own texts.
//
// # Testing
//
// Package birdtest simulates the API, the webhooks and the Flows.
package bird
