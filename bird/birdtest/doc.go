// Package birdtest simulates a Bird workspace: its contacts API, the Flows
// that call out when a contact changes, and its signed webhooks. It is to Bird
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
// Limits: 50 GET and 500 other calls in any second, then 429.
//
// Flows: after [Server.OnContactChange] every change of a contact, also one
// made through the API, calls the address given with a body like the one that
// a customer writes into the Flow's HTTP step, and the bearer secret.
//
// Webhooks: after [Server.Subscribe] conversations and messages are told with
// a signature; retries keep the first timestamp.
//
// # What goes wrong
//
// [Server.Faults] breaks calls, [Server.SetChaos] and [Server.DropNext] the
// deliveries; [Server.Down], [Server.SetSkew], [Server.SetPlainPhones],
// [Server.SetRepeatPageToken] and [Server.Merge] do what their names say. The
// seed decides every random choice.
//
// Package birdtest imports neither testing nor the adapter it tests. All
// methods may be called concurrently.
package birdtest
