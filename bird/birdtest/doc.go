// Package birdtest simulates a Bird workspace: its contacts, its conversations
// and Inbox, the Flows that call out when a contact changes, and its signed
// webhooks. It is to Bird
// what net/http/httptest is to a web server.
//
//	bird := birdtest.NewServer(nil)
//	defer bird.Close()
//	// point a client at bird.URL with bird.WorkspaceID and bird.AccessKey
//
// # What it reproduces
//
// Keys: every unknown path, wrong workspace and wrong key earns the same 401,
// and reading a contact by identifier earns 403.
//
// Lists: 10 a page unless asked for up to 100, newest first unless reversed,
// an opaque token at the root of the answer.
//
// Contacts: identifiers are unique over the workspace (409); phones must be
// E.164 (422); the attributes mirror phones and e-mails as arrays; updatedAt
// moves with every write, also one that changes nothing; there is no version.
// The upsert by identifier takes the path's last segment literally, creates
// without a word when nobody matches, and knows the strategies strict_alias,
// first_alias and first.
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
// Flows: after [Server.OnContactChange] every change of a contact, also one
// made through the API, calls the address given with a body like the one that
// a customer writes into the Flow's HTTP step, and the bearer secret.
//
// Webhooks: after [Server.Subscribe] conversations and messages are told with
// a signature; retries keep the first timestamp.
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
// and whether feed items and statuses go together.
//
// # What goes wrong
//
// [Server.Faults] breaks calls, [Server.SetChaos] and [Server.DropNext] the
// deliveries; [Server.Down], [Server.SetSkew], [Server.SetPlainPhones],
// [Server.SetFlatParticipants], [Server.ContestFeedItem],
// [Server.SetRepeatPageToken] and [Server.Merge] do what their names say. The
// seed decides every random choice.
//
// Package birdtest imports neither testing nor the adapter it tests. All
// methods may be called concurrently.
package birdtest
