// Package bird connects crmsync to the contacts and conversations of a Bird
// workspace.
//
// # Keys and ids
//
// The adapter speaks to the workspace API at https://api.bird.com, the only
// one of Bird's APIs with contacts and conversations. It needs the workspace's
// UUID and an access key created in that workspace with a role; a key without
// one is answered like a wrong key, with 401. The least that the role's policy
// must allow is View, Create and Update on contacts and contacts/** below
// /workspaces/{id}; on conversations, conversations/**, participants/**,
// search/**, feeds/** and attribute-definitions for what is done with them;
// View on agents and channels/**; and Delete on contacts/** where people are
// erased. Keys that begin with bk_ and ids that begin
// with ws_ belong to another product and are refused by [New].
// See https://docs.bird.com/api/api-access/api-authorization.
//
// # Limits
//
// Bird allows a workspace 50 GET and 500 POST a second and has no batch calls:
// every contact read is one GET, every contact written one PATCH. The adapter
// keeps to 40 and 450 of them and leaves out reads that [Adapter.Snapshot] makes
// needless. Where calls must wait, the priorities of [sync.WithPriority] share
// the quota, live work first. When Bird answers 429 all the same, because other
// programs share the quota, the adapter slows down and pauses: until the time
// that Retry-After names, else for a random span that doubles each time.
// See https://docs.bird.com/api/channels-api/rate-limit.
//
// # What is synced
//
// A contact's fields have these raw names:
//
//	id             the contact's id, read only
//	external_id    the custom identifier named by Options.ExternalIDKey
//	msisdn         the identifier phonenumber, E.164 with "+"
//	email          the identifier emailaddress
//	name           the attribute displayName, else the computed name
//	anonymous      whether it is a visitor without e-mail and phone, read only
//	identifiers.X  the identifier X, such as identifiers.whatsappusername
//	attributes.X   the attribute X
//	X              any other name is the attribute X, too
//
// A condition such as "record.anonymous != true" keeps visitors at home until
// somebody knows how to reach them. Attributes are written with the types that
// Options.Attributes declares or [Adapter.LearnAttributes] read.
//
// An identifier belongs to one contact only; taking one that another contact
// holds is a conflict that names the holder, unless another [MatchStrategy] is
// chosen. A contact may have several phones
// or e-mails, which merges leave behind: the field is the one added last, and a
// write replaces that one. Phones are the same with and without "+". One that
// Bird would refuse is left out of a write and named in its result. Bird keeps
// no version of a contact and no time of a single attribute, so the adapter is
// no [sync.Historian].
//
// Bird merges contacts without telling anybody, and the id that is gone
// answers like a deleted one; [Adapter.Read] says how the survivor is found.
//
// Conversations are kept in step, too, under [ConversationKind], with the
// fields that Options.Conversations names; ReceiverOptions.Kinds then asks for
// their changes. These are read only but for the name, the status and the
// attributes:
//
//	id             the conversation's id
//	name           what agents see
//	status         "active", or "closed"
//	contact_id     the contact who began, or else the first one taking part
//	contact_name   what that contact is called, as far as it tells
//	channel_id     the channel's id
//	platform       the channel's platform, such as "whatsapp"
//	created_at     when it began, RFC 3339 in UTC
//	attributes.X   the attribute X, a text; "" is none
//
// They begin in Bird, and are matched by their id alone. Whether Bird merges or
// replaces attributes is not documented, so a write reads them first; of two
// programs that write at the same moment, one may lose.
//
// # Conversations
//
// [Adapter.History] tells what happened with a contact before anybody
// listened, as the facts that the webhooks make. [Adapter.Conversations],
// [Adapter.Messages] and their like read what is needed to show a
// conversation; [Adapter.SendNote], [Adapter.UpdateConversation],
// [Adapter.StartConversation] and [Adapter.AssignFeedItem] write to it. Whom a
// message is from tells its sender's type: a contact, an AI employee ("bot"),
// a person ("user"), a Flow or a program.
// See https://docs.bird.com/api/conversations-api.
//
// # Webhooks and Flow calls
//
// Bird's own webhooks tell of conversations and messages, never of contacts.
// [NewReceiver] handles them. That a contact changed is told by a Flow with the
// trigger "Contact updated" whose HTTP step calls [NewFlowReceiver]; qualified
// leads, booked tours and hand-overs come the same way, and from the actions of
// AI employees. docs/bird-flows.md has an example of a step for each event. Only
// event and bird_contact_id are always required; the contact is read afresh
// anyway, unless FlowOptions.Witness says that the body tells enough. A field
// occurred_at (RFC 3339) measures the lag. What neither tells is found by the
// walk of [Adapter.Changes].
// See https://docs.bird.com/applications/automation/flows/concepts/triggers.
//
// # Catch-up
//
// [Adapter.Changes] walks the list of all contacts round after round, behind
// all other reads and at no more than a quarter of their budget, and reports
// those that are not as the last walk showed them. So an edit that nobody told
// of is found in minutes; [Adapter.DetectionDelay] is the bound, and
// [Adapter.Walk] tells how far the walk is. The memory of what was shown is the
// process's own: after a restart the first walk reports everybody once more,
// and the queue drops whom it knows. Contacts deleted while no process ran are
// found by an inventory or a verification of the engine, not by the walk;
// [Adapter.List] is what an inventory and a first load go through.
//
// With Options.Conversations the list of conversations is walked in turn with
// that of contacts, out of the same budget and to its end: it is in the order of
// their beginnings, so that nothing less finds the thread of a contact who came
// back. Those are reported that moved within Options.ConversationAge.
//
// # Set-up
//
// [Adapter.Setup] makes a workspace as a [Schema] needs it, with its
// attributes, webhooks and channels, and reports what a person must do;
// [Adapter.Watch] tells when it changes. Besides the above, the role must allow
// View on available-webhooks; View, Create, Update and Delete on
// webhook-subscriptions and webhook-subscriptions/**, and View on the latter
// below /organizations/{id}/workspaces/{id}, too; and Update on channels/**
// where conversations are to be switched on.
//
// # Summaries
//
// A [Summarizer] writes a conversation down for the body of an activity, so
// that no message can add markup to it.
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
