package bird_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// The pitfalls that others met and that concern the client, by their numbers
// in the project's list.

// Pages end where the token at the answer's root does.
func TestPitfall15TheNextPageIsNamedAtTheRoot(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		s.Faults().Add(birdtest.Fault{Path: "/messages", Count: 1, Status: 200,
			Body: `{"results":[{"id":"m2"}],"nextPageToken":"next","pagination":{"nextPageToken":""}}`})
		s.Faults().Add(birdtest.Fault{Path: "/messages", Status: 200,
			Body: `{"results":[{"id":"m1"}],"pagination":{"nextPageToken":"more"}}`})
		messages := must[[]bird.Message](t)(a.Messages(t.Context(), conversation, time.Time{}))
		equal(t, "messages of two pages", len(messages), 2)
		equal(t, "calls", s.Log().Calls("/messages"), 2)
		s.Faults().Clear()
		for _, next := range []string{"a", "b", "a", "b"} {
			s.Faults().Add(birdtest.Fault{Path: "/messages", Count: 1, Status: 200, Body: `{"results":[{"id":"m1"}],"nextPageToken":"` + next + `"}`})
		}
		must[[]bird.Message](t)(a.Messages(t.Context(), conversation, time.Time{}))
		equal(t, "calls in a circle", s.Log().Calls("/messages"), 5)
	})
}

// The list of all conversations is by their beginning: the thread of somebody
// who returns after a year is not on its first pages, and the filter for active
// ones hides what was reopened. So nobody asks it.
func TestPitfalls16And17ReturningContactsAreFound(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, old string) {
		s.CloseConversation(old)
		for n := range 150 {
			s.StartConversation(create(t, s, map[string]any{"msisdn": fmt.Sprintf("+573001%06d", n)}))
		}
		s.ReopenConversation(old)
		s.ContactSays(old, "I am back")
		found := must[[]bird.Conversation](t)(a.Conversations(t.Context(), ref(contact)))
		equal(t, "found", []any{len(found), found[0].ID, found[0].LastMessage.Text}, []any{1, old, "I am back"})
		equal(t, "calls", s.Log().Count(func(c birdtest.Call) bool { return c.Method == "GET" }), 1)
	})
}

// That the contact is in a conversation already is no failure: it is the one
// meant. Its id is where it is documented, and nowhere else.
func TestPitfalls19And20TheActiveConversationIsTheOneMeant(t *testing.T) {
	const trace = "5795352d-f111-407b-be33-c9db94e4a666"
	start := bird.ConversationStart{Name: "Tour", ChannelID: birdtest.DefaultChannel, IdentifierKey: "phonenumber", IdentifierValue: "+573000000001"}
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, going string) {
		s.Faults().Add(birdtest.Fault{Path: "/conversations", Count: 1, Status: 409,
			Body: `{"code":"ContactAlreadyInConversation","message":"trace ` + trace + `","details":{"traceId":"` + trace + `","conversationId":"` + going + `"}}`})
		id, created, err := a.StartConversation(t.Context(), start)
		equal(t, "the one that goes on", []any{id, created, err}, []any{going, false, nil})
		s.Faults().Add(birdtest.Fault{Path: "/conversations", Count: 1, Status: 409,
			Body: `{"code":"ContactAlreadyInConversation","message":"trace ` + trace + `"}`})
		id, _, err = a.StartConversation(t.Context(), start)
		failure(t, err, sync.Conflict)
		equal(t, "no id is guessed", id, "")
	})
}

// Reopening and assigning in one call is refused, and the hand-over lost.
func TestPitfall21ReopenThenAssign(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		time.Sleep(time.Minute)
		s.CloseConversation(conversation)
		equal(t, "assigned", a.AssignFeedItem(t.Context(), conversation, bird.Assignment{AgentID: birdtest.DefaultAgent}), nil)
		equal(t, "refusals", s.Log().Count(func(c birdtest.Call) bool { return c.Status >= 400 }), 0)
		item := must[[]bird.FeedItem](t)(a.FeedItems(t.Context(), conversation))[0]
		equal(t, "item", []any{item.AgentID, item.Closed}, []any{birdtest.DefaultAgent, false})
	})
}

// A 409 on reopening is a race, which passes, or another active conversation,
// which stays.
func TestPitfall22TheTwoMeaningsOf409(t *testing.T) {
	for name, tt := range map[string]struct {
		meet   func(s *birdtest.Server, contact, conversation string)
		action string
		tries  int
	}{
		"a race":         {func(s *birdtest.Server, _, id string) { s.ContestFeedItem(id) }, "done", 3},
		"another thread": {func(s *birdtest.Server, contact, _ string) { s.StartConversation(contact) }, "conflict", 1},
	} {
		talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, conversation string) {
			s.CloseConversation(conversation)
			tt.meet(s, contact, conversation)
			time.Sleep(time.Minute)
			err := a.AssignFeedItem(t.Context(), conversation, bird.Assignment{AgentID: birdtest.DefaultAgent})
			got := "done"
			if err != nil {
				got = sync.ActionOf(err).String()
			}
			equal(t, name, []any{got, s.Log().Calls("/feeds/")}, []any{tt.action, tt.tries})
		})
	}
}

// The id of a feed item is not the conversation's, and is found late.
func TestPitfall23FeedItemsAreIndexedLate(t *testing.T) {
	talk(t, &birdtest.Options{IndexDelay: 3 * time.Second}, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		equal(t, "at first", len(must[[]bird.FeedItem](t)(a.FeedItems(t.Context(), conversation))), 0)
		equal(t, "assigned", a.AssignFeedItem(t.Context(), conversation, bird.Assignment{AgentID: birdtest.DefaultAgent}), nil)
		equal(t, "calls with the conversation's id", s.Log().Calls("/items/"+conversation), 0)
	})
}

// Reading a contact by its identifier is forbidden to every key; the search is
// not. A path with "%40" is no e-mail.
func TestPitfalls24And25IdentifiersInPaths(t *testing.T) {
	s, a := connect(t, nil)
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "email", Fields: sync.Fields{"email": sync.Text("jane+1@example.com")}})
	equal(t, "created", []any{res.Err, res.Created}, []any{nil, true})
	found, err := a.Match(t.Context(), bird.Contact, []sync.Probe{{{Name: "email", Value: sync.Text("jane+1@example.com")}}})
	equal(t, "found", []any{err, len(found[0].Candidates)}, []any{nil, 1})
	equal(t, "refusals", s.Log().Count(func(c birdtest.Call) bool { return c.Status >= 400 }), 0)
}

// An upsert on a mistyped identifier creates a contact that nobody is. What
// can be seen to be no identifier never gets into the path.
func TestPitfall26MistypedKeysCreateNobody(t *testing.T) {
	s, a := connect(t, nil)
	for name, value := range map[string]string{"external_id": "a b", "email": "jane%40example.com", "msisdn": "+5730000000O1"} {
		res := apply(t, a, sync.Write{Ref: ref(""), Key: name, Fields: sync.Fields{name: sync.Text(value)}})
		failure(t, res.Err, sync.Invalid)
	}
	equal(t, "contacts", len(s.Contacts()), 0)
}

// A bad phone fails the whole contact, so it is left out.
func TestPitfall27ABadPhoneFailsTheContact(t *testing.T) {
	s, a := connect(t, nil)
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"), "msisdn": sync.Text("300")}})
	equal(t, "created", []any{res.Err, res.Created, len(s.Contacts())}, []any{nil, true, 1})
}

// Who is written to is said by the id; that a phone has gone over to somebody
// else is a conflict that names the new holder.
func TestPitfall32AChangedPhoneHitsNobodyElse(t *testing.T) {
	s, a := connect(t, nil)
	before := create(t, s, map[string]any{"msisdn": "+573000000001", "external_id": "901"})
	read(t, a, before)
	if err := s.Edit(before, map[string]any{"msisdn": nil}); err != nil {
		t.Fatal(err)
	}
	now := create(t, s, map[string]any{"msisdn": "+573000000001"})
	res := apply(t, a, sync.Write{Ref: ref(before), Fields: sync.Fields{"msisdn": sync.Text("+573000000001"), "conversation_status": sync.Text("unsubscribed")}})
	equal(t, "holder", failure(t, res.Err, sync.Conflict).Existing, ref(now))
	equal(t, "the new holder", field(t, s, now, "conversation_status"), nil)
}

// Keys and workspaces of the other platform are refused before any call.
func TestPitfall34KeysOfTheOtherPlatform(t *testing.T) {
	for rule, pair := range map[string][2]string{
		"workspace.uuid":      {"ws_us1_0190", "key"},
		"accesskey.workspace": {"5d0e8f1a-7c52-4b7e-9a43-2f6c1b0d9e11", "bk_us1_example"},
	} {
		_, err := bird.New(pair[0], pair[1], nil)
		equal(t, "rule", failure(t, err, sync.Fatal).Rule, rule)
	}
}

// A key without a role looks like a wrong one; the hint says so.
func TestPitfall35AKeyWithoutARole(t *testing.T) {
	s := birdtest.NewServer(nil)
	t.Cleanup(s.Close)
	a, err := bird.New(s.WorkspaceID, "another-key", &bird.Options{BaseURL: s.URL, HTTPClient: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Agents(t.Context())
	if e := failure(t, err, sync.Denied); !strings.Contains(e.Hint, "a key without a role") {
		t.Error(e.Hint)
	}
}

// Every attempt to send may be billed, so what was refused is not sent again.
func TestPitfall36RefusedMessagesAreNotSentAgain(t *testing.T) {
	for _, status := range []int{400, 403, 404, 409, 422} {
		talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
			s.CloseConversation(conversation)
			s.Faults().Add(birdtest.Fault{Method: "POST", Status: status, Body: `{"code":"InvalidPayload"}`})
			_, _, err := a.StartConversation(t.Context(), bird.ConversationStart{Name: "Tour", ChannelID: birdtest.DefaultChannel,
				IdentifierKey: "phonenumber", IdentifierValue: "+573000000001", Text: "Hello"})
			if err == nil || sync.ActionOf(err) == sync.Retry {
				t.Errorf("%d: %v", status, err)
			}
			equal(t, "attempts", s.Log().Count(func(c birdtest.Call) bool { return c.Method == "POST" }), 1)
		})
	}
}
