// Package hubspot connects crmsync to a HubSpot account.
//
// [New] returns an [Adapter], which reads, writes, finds, lists, associates,
// merges and erases records and follows their changes; [NewReceiver] returns the
// handler for HubSpot's webhooks and [NewJournal] the feed of its Webhooks
// Journal. Package hubspottest simulates an account.
//
// # What is synced
//
// The kinds of records in Options.Objects, with the properties named there;
// unless told otherwise contacts alone. Values travel as text, the way HubSpot
// keeps them; a property without a value is missing; writing a blank value
// clears. After a merge the old ids lead to the surviving record. Archived
// records count as deleted; people can restore them in HubSpot for 90 days, the
// API cannot.
//
// Records of every kind, notes, tasks, meetings and communications too, can be
// created, associated and read back whether or not they are kept in step. HubSpot
// shows an activity nowhere without an association, so give Write.Related. What
// it returns of an activity's body is HTML that it has cleaned: never compare it
// with what was sent.
//
// Associations can carry labels, such as that of a decision maker: [Adapter.Labels]
// tells which there are, [Adapter.Relate] gives and [Adapter.Unlabel] takes them,
// [Adapter.Associations] reads them; [Adapter.Unrelate] parts records altogether.
//
// A property that the account has no more, or that it does not let be written,
// costs one refused call: it is then left out of writes and told by
// Result.Dropped and [Adapter.Degraded].
//
// # Scopes
//
// The token needs crm.objects.contacts.read and crm.objects.contacts.write,
// which are those of activities as well, crm.objects.deals.read and
// crm.objects.deals.write for deals, and crm.objects.owners.read for
// [Adapter.Owners]. Associations need those of both sides. The set-up needs
// crm.schemas.contacts.read and crm.schemas.contacts.write, the same of deals,
// and for custom events behavioral_events.event_definitions.read_write. A service
// key is enough for the calls; webhooks need an app, whose client secret signs
// them.
//
// # Set-up
//
// [Adapter.Setup] makes the account as a [Schema] needs it and reports what a
// person must do; SetupOptions.DryRun only looks. Run it before the first sync: a
// property by which records are created, such as custom_bird_contact_id, cannot
// be made unique later. Its [Report] also tells what the account is capable of,
// such as unique keys of activities. [Adapter.Describe] gives the properties
// against which a map is proved, and [Adapter.Watch] keeps looking: a field whose
// property somebody archives or changes is degraded until that is mended, and
// pauses. See https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide.
//
// In the app, set the webhooks' target URL to the one given as
// ReceiverOptions.PublicURL and subscribe to contact.creation,
// contact.deletion, contact.merge, contact.restore, contact.privacyDeletion,
// and contact.propertyChange for each property that is synced. The generic
// object.* events do as well.
//
// # Limits
//
// Calls take up to 100 records (50 with history, 2,000 associations) and are shared by all who
// call within Options.Linger. The quota of calls, and what other programs use of
// it, is learned from HubSpot's headers; calls are spread evenly over it, and
// while it is short the priorities of package sync share it by weight. Many
// processes of one account share it by Options.Permits. Searches have a quota of
// their own, and of a day that runs short live traffic has the last.
// [Adapter.Quota] tells how things stand. A wait of up to 5 seconds happens
// inside the adapter, a longer one becomes an error of action RetryAt. See
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines.
//
// Each contact or deal that a batch does not find costs one more call, which
// tells a merged record from a deleted one. One bad record among a hundred never
// spoils the others and costs at most nine calls.
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
//	a value held elsewhere  Conflict, with the record that holds it
//	404, in a batch         NotFound for that record alone
//	a related record gone   NotFound that names the related record
//	an administrator's rule Invalid by admin.rule, with the property it asks for
//	423, 429, 477           RetryAt the moment HubSpot names or its quota implies
//	5xx, no answer          Retry
//
// # Webhooks
//
// [NewReceiver] turns the events of the kinds in ReceiverOptions.Kinds into
// changes: named ones (contact.creation, deal.propertyChange), generic ones
// (object.creation with the object's type, the only form that notes, tasks,
// meetings and communications have), merges, restorations, privacy deletions,
// and associations, which concern both their ends. Requests are proved by
// HubSpot's signature of version 3; the older ones only where an option says
// so. See https://developers.hubspot.com/docs/api/webhooks.
//
// # Workflows
//
// There are two ways to start a HubSpot workflow. Any account that has
// workflows can enrol records when a property has changed, with re-enrolment
// allowed: write a [TriggerValue] into a property made for it, whose value
// moves with every fact and stays for a repeated one. Enterprise accounts have
// custom events besides: a write of the kind [CustomEvent], which HubSpot
// itself keeps only once.
//
// The other way round, a workflow asks the other side to act by a custom
// workflow action: [NewActionReceiver] turns its calls into facts. An activity
// of the engine acts on them, and another one, which writes an
// [ActionCompletion], lets the workflows go on that wait; so does
// [Adapter.CompleteActions].
//
// # Tokens
//
// A [TokenSource] gives them: [Static] for a service key, [OAuth] for an app
// that is installed in the account, [ClientCredentials] for the journal. A call
// whose token has expired is made again once with a new one. Tokens and secrets
// appear in no error and no log, however the values that hold them are printed.
//
// # Sources of change
//
// Each covers for the others, and all of them lead to the same look at both
// sides:
//
//	webhooks            at once; lost after a day of refusals     [NewReceiver]
//	Webhooks Journal    in seconds, complete for three days,      [NewJournal]
//	                    deletions and associations included
//	sweep               in minutes, whatever happened before;     [Adapter.Changes]
//	                    its search does not see archived records
//	delayed sweep       an hour behind, for what the index        [Adapter.Delayed]
//	                    showed late
//
// The sweep is the adapter itself. The other two go into sync.Peer.Feeds. A
// journal that was not read for three days says so by a gap, upon which the
// engine sweeps everything.
//
// A change that the adapter itself made comes back through all of them. It is
// recognised by its values, which are what both sides have agreed on, and not
// by who made it: webhooks name the source of a change, but other programs may
// share the app, and workflows answer with changes of their own; the journal
// names none.
package hubspot
