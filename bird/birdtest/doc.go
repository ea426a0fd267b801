// Package birdtest simulates a Bird workspace: its contacts, its conversations
// and Inbox, the Flows that call out when a contact changes, and its signed
// webhooks. It is to Bird what net/http/httptest is to a web server.
//
//	bird := birdtest.NewServer(nil)
//	defer bird.Close()
//	// point a client at bird.URL with bird.WorkspaceID and bird.AccessKey
//
// # What it reproduces
//
// Keys: every unknown path, wrong workspace and wrong key earns the same 401.
// Reading a contact by identifier earns 403, and so does what the policies of
// [Server.SetPolicies] do not allow.
//
// Lists: 10 a page unless asked for up to 100 (422 above), newest first unless
// reversed, an opaque token at the root of the answer.
//
// Contacts: a display name of 1 to 150 characters is required; identifiers are
// unique over the workspace (409); phones must be E.164 (422); the attributes
// mirror phones and e-mails as arrays, null clears one, and GET tells those
// without a value when it names them; up to 10 lists and accounts can be set,
// added and removed in a call; updatedAt moves with every write and there is no
// version. The upsert by identifier takes the path's last segment literally,
// creates without a word when nobody matches, and knows the strategies
// strict_alias, first_alias and first. The log of a contact's events is empty.
//
// Attribute definitions: the key's pattern, pii and readOnly are required, a
// taken key is 409; built-in ones are there, some of them read-only. Values must
// fit their definition.
//
// Conversations: a name is required (422); a direct channel such as WhatsApp
// holds one active conversation with a contact (409, the details name it),
// others several; a closed one takes no messages (422) and is not reopened
// beside another one (409). Participants are contacts, users, bots, flows and
// access keys; at most five are featured. Attributes are texts.
//
// Messages: accepted, then processing, sent, delivered and read, or a failure
// that [Server.SetOutcome] or [Server.MessageStatus] decides, a
// [Options.StatusDelay] apart by the workspace's clock, and never back. Lists
// begin with the newest and take dateFrom; the preview in lastMessage is cut
// at 140 characters; drafts stay in the Inbox. The address of a file wants the
// access key and leads to one that lasts 900 seconds. Channels have their own
// view of the same messages.
//
// Inbox: agents, and one feed item a conversation, with an id of its own, in
// the feed "channel:" and the channel's id. Searches find it after
// [Options.IndexDelay]. A closed item is reopened and assigned in two calls.
//
// Limits: 50 GET and 500 other calls in any second, then 429.
//
// Flows: after [Server.OnContactChange] or [Server.AddFlow] every change of a
// contact, also one made through the API, calls the address given with a body
// like the one that a customer writes into the Flow's HTTP step, and a bearer
// secret or an HMAC. [Server.RunFlow] adds events of the customer's own; a Flow
// that names them runs on new and changed conversations, and on feed items that
// are assigned or closed, of which no webhook tells.
// These calls carry no signature of webhooks and no promise of order.
//
// Webhooks: subscriptions are made by [Server.Subscribe] or through the API,
// under /workspaces and under /organizations: https addresses with a dotted
// host, one event and one value a filter each, five of the same filters at
// most; the key is not read back. Those that filter take events from those that
// do not. What is told is signed over the registered address with the key of
// the subscription when it happens; what is not answered 2xx is sent again for
// 8 hours with that timestamp and signature, in no order; the API has the log.
//
// # Receivers of webhooks
//
// An httptest.Server has no address that Bird would take. Either
// [Options.AnyWebhookURL] takes it all the same ([Server.Subscribe] always
// does), or the public address is registered and [Server.Proxy] leads from it
// to the receiver, which then sees X-Forwarded-Proto and X-Forwarded-Host. A
// receiver on pipes needs [Server.SetWebhookClient], too. In a bubble of
// testing/synctest the 8 hours pass at once; elsewhere
// [Options.WebhookRetryScale] compresses them. [Server.WaitWebhooks] waits for
// the last delivery.
//
// # Large workspaces
//
// [Server.Fill] makes 100,000 contacts in a second or two;
// [Server.EditSilently] changes some of them and tells nobody.
//
// # What people do
//
// [Server.ContactWrites] is how conversations begin; [Server.ContactSays],
// [Server.BotSays], [Server.AgentSays], [Server.InboxSays] and [Server.Say] go
// on with them, [Server.CloseConversation] ends them. Each fires what Bird
// does: conversation.created; conversation.updated with every message and
// change; an inbound event for what a contact says, four or five outbound ones
// for everything else, without the body when it was typed in the Inbox. While
// [Server.SetConversational] has conversations off, a channel has the messages'
// events alone.
//
// # What is not documented
//
// Where Bird's documents are silent an option decides: whether attributes of
// conversations are merged, whether conversation.created has the first message,
// whether feed items and statuses go together, whether attributes need a
// definition ([Options.RefuseUnknownAttributes]), whether a write that changes
// nothing moves updatedAt ([Options.KeepUpdatedAt]), whether 429 tells
// Retry-After, whether retries keep the request id ([Options.FreshRequestIDs])
// and how Flows render arrays ([Options.ArraysAsText]). Not to be relied on are
// the words of refusals, 422 for the sixth subscription and for a write to a
// read-only attribute, which identifiers are featured, and that an empty
// signing key leaves the signature out.
//
// # What goes wrong
//
// [Server.Faults] breaks calls: [ServerError], [Slow], [TruncatedJSON],
// [CutAfter], [Throttled] and [WithoutRole] are ready-made. [Server.SetChaos]
// and [Server.DropNext] break the deliveries; [Server.Down], [Server.SetSkew], [Server.SetPlainPhones],
// [Server.SetFlatParticipants], [Server.ContestFeedItem],
// [Server.SetRepeatPageToken], [Server.SetMissing] and [Server.Merge] do what their names say. The
// seed decides every random choice.
//
// Package birdtest imports neither testing nor the adapter it tests. All
// methods may be called concurrently.
package birdtest
