package bird_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// talk runs a test in a bubble with a workspace that has one contact in a
// conversation.
func talk(t *testing.T, opts *birdtest.Options, test func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, conversation string)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(opts)
		defer s.Close()
		contact := create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane"})
		test(t, s, attach(t, s), contact, s.StartConversation(contact))
	})
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// TestConversationsOfAContact are found however old they are and whatever
// their state, in pages.
func TestConversationsOfAContact(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, first string) {
		s.CloseConversation(first)
		chat := s.AddChannel("livechat")
		want := []string{first}
		for range 120 {
			time.Sleep(time.Second)
			want = append(want, s.Open(birdtest.Opening{ContactID: contact, ChannelID: chat}))
		}
		other := create(t, s, map[string]any{"msisdn": "+573000000002"})
		s.StartConversation(other)
		var got []string
		for _, c := range must[[]bird.Conversation](t)(a.Conversations(t.Context(), ref(contact))) {
			got = append(got, c.ID)
		}
		equal(t, "ids", got, want)
		equal(t, "of nobody", sync.ActionOf(second(a.Conversations(t.Context(), ref("00000000-0000-4000-8000-000000000000")))), sync.NotFound)
		equal(t, "of no id", sync.ActionOf(second(a.Conversations(t.Context(), ref("../x")))), sync.NotFound)
	})
}

func second[T any](_ T, err error) error { return err }

// TestMessagesOfAConversation come oldest first, from since on, in pages.
func TestMessagesOfAConversation(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		var since time.Time
		for n := range 250 {
			time.Sleep(time.Second)
			s.ContactSays(conversation, fmt.Sprint(n))
			if n == 200 {
				since = s.Messages(conversation)[n].CreatedAt
			}
		}
		for name, tt := range map[string]struct {
			since       time.Time
			first, many int
		}{"all": {time.Time{}, 0, 250}, "since": {since, 200, 50}, "of the future": {time.Now().Add(time.Hour), 0, 0}} {
			got := must[[]bird.Message](t)(a.Messages(t.Context(), conversation, tt.since))
			equal(t, name, len(got), tt.many)
			for i, m := range got {
				equal(t, name, []string{m.Body.Text, m.ConversationID}, []string{fmt.Sprint(tt.first + i), conversation})
			}
		}
	})
}

func TestWhatAConversationTells(t *testing.T) {
	for name, odd := range map[string]func(*birdtest.Server){
		"as documented":        func(*birdtest.Server) {},
		"addresses at the top": func(s *birdtest.Server) { s.SetFlatParticipants(true) },
		"phones without plus":  func(s *birdtest.Server) { s.SetPlainPhones(true) },
	} {
		talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, conversation string) {
			odd(s)
			text := strings.Repeat("word ", 60)
			said := s.ContactSays(conversation, text)
			s.BotSays(conversation, "Hello")
			s.AgentSays(conversation, "I take over")
			c := must[*bird.Conversation](t)(a.Conversation(t.Context(), conversation))
			equal(t, name, []any{c.Open(), c.PlatformStyle, c.ChannelID, c.LastMessage.Text, c.Initiator.ID},
				[]any{true, "direct", birdtest.DefaultChannel, "I take over", contact})
			people := must[[]bird.Participant](t)(a.Participants(t.Context(), conversation))
			var types []string
			for _, p := range people {
				types = append(types, p.Type)
				if p.Inbound() {
					equal(t, name, []string{p.ID, p.Name, p.IdentifierValue}, []string{contact, "Jane", "+573000000001"})
				}
			}
			equal(t, name, types, []string{bird.ContactParticipant, bird.BotParticipant, bird.UserParticipant})
			m := must[*bird.Message](t)(a.Message(t.Context(), conversation, said))
			equal(t, name, []any{m.Body.Text, m.Inbound(), m.Source, m.ConversationID}, []any{text, true, "channels", conversation})
		})
	}
}

func TestWhatIsNotThere(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		const gone = "00000000-0000-4000-8000-000000000000"
		for name, err := range map[string]error{
			"conversation.exists": second(a.Conversation(t.Context(), gone)),
			"conversation.id":     second(a.Conversation(t.Context(), "a/b")),
			"message.exists":      second(a.Message(t.Context(), conversation, gone)),
			"message.id":          second(a.Message(t.Context(), conversation, "")),
		} {
			equal(t, name, failure(t, err, sync.NotFound).Rule, name)
		}
	})
}

func TestAgentsAreListed(t *testing.T) {
	s, a := connect(t, nil)
	for n := range 130 {
		s.AddAgent(fmt.Sprint("Agent ", n))
	}
	agents := must[[]bird.Agent](t)(a.Agents(context.Background()))
	equal(t, "agents", len(agents), 131)
	i := slices.IndexFunc(agents, func(g bird.Agent) bool { return g.ID == birdtest.DefaultAgent })
	equal(t, "the first", []any{agents[i].Name, agents[i].Teams[0].Name, agents[i].Status}, []any{"Jane Agent", "Leasing", "active"})
}

func TestStartingAConversation(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, going string) {
		start := bird.ConversationStart{Name: "Tour", ChannelID: birdtest.DefaultChannel, IdentifierKey: "phonenumber",
			IdentifierValue: "+573000000001", Text: "Hello", Attributes: map[string]string{"hubspotContactId": "901"}}
		id, created, err := a.StartConversation(t.Context(), start)
		equal(t, "one is going on", []any{id, created, err}, []any{going, false, nil})
		equal(t, "nothing was sent", len(s.Messages(going)), 0)
		s.CloseConversation(going)
		id, created, err = a.StartConversation(t.Context(), start)
		equal(t, "a new one", []any{id != going, created, err}, []any{true, true, nil})
		equal(t, "sent", s.Messages(id)[0].Body["text"], any(map[string]any{"text": "Hello"}))
		c, _ := s.Conversation(id)
		equal(t, "attributes", []any{c.Name, c.Attributes["hubspotContactId"], slices.ContainsFunc(c.Participants, func(p birdtest.Participant) bool { return p.ID == contact })},
			[]any{"Tour", "901", true})
		start.Name = ""
		_, _, err = a.StartConversation(t.Context(), start)
		failure(t, err, sync.Invalid)
		s.Faults().Add(birdtest.Fault{Path: "/conversations", Status: 409,
			Body: `{"code":"ContactAlreadyInConversation","details":{"traceId":"5795352d-f111-407b-be33-c9db94e4a666"}}`})
		_, created, err = a.StartConversation(t.Context(), start)
		equal(t, "no conversation was named", []any{created, failure(t, err, sync.Conflict).Rule}, []any{false, "conversation.active"})
	})
}

// TestNotes are seen by agents only, and written once.
func TestNotes(t *testing.T) {
	talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
		s.ContactSays(conversation, "Hello")
		first := must[*bird.Message](t)(a.SendNote(t.Context(), conversation, "Moved to appointment", "hubspot-note-1"))
		s.Faults().Add(birdtest.Fault{Method: "POST", Path: "/messages", DropAfter: true, Count: 1})
		_, err := a.SendNote(t.Context(), conversation, "Called back", "hubspot-note-2")
		failure(t, err, sync.Retry)
		for range 2 {
			must[*bird.Message](t)(a.SendNote(t.Context(), conversation, "Called back", "hubspot-note-2"))
		}
		again := must[*bird.Message](t)(a.SendNote(t.Context(), conversation, "Moved to appointment", "hubspot-note-1"))
		equal(t, "the same", []any{again.ID, again.Draft, again.Body.Text, again.ConversationID}, []any{first.ID, true, "Moved to appointment", conversation})
		messages := s.Messages(conversation)
		equal(t, "messages", len(messages), 3)
		equal(t, "drafts", []bool{messages[1].Draft, messages[2].Draft}, []bool{true, true})
		s.CloseConversation(conversation)
		_, err = a.SendNote(t.Context(), conversation, "Too late", "hubspot-note-3")
		e := failure(t, err, sync.Invalid)
		if !strings.Contains(e.Hint, "reopen") {
			t.Error(e)
		}
	})
}

// TestConversationEdits keep attributes whether Bird merges or replaces them.
func TestConversationEdits(t *testing.T) {
	for _, replaces := range []bool{false, true} {
		talk(t, &birdtest.Options{ReplaceConversationAttributes: replaces}, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, _, conversation string) {
			s.BotSays(conversation, "Hello")
			edit := bird.ConversationEdit{Name: "ESCALATION - Leasing", Attributes: map[string]string{"hubspotContactId": "901"}}
			got := must[*bird.Conversation](t)(a.UpdateConversation(t.Context(), conversation, edit))
			c, _ := s.Conversation(conversation)
			for _, attributes := range []map[string]string{got.Attributes, c.Attributes} {
				equal(t, "attributes", []bool{attributes["hubspotContactId"] == "901", attributes["llmbotIds"] != ""}, []bool{true, true})
			}
			equal(t, "name", []string{got.Name, c.Name}, []string{edit.Name, edit.Name})
			must[*bird.Conversation](t)(a.UpdateConversation(t.Context(), conversation, edit))
			equal(t, "writes", s.Log().Count(func(c birdtest.Call) bool { return c.Method == "PATCH" }), 1)
			got = must[*bird.Conversation](t)(a.UpdateConversation(t.Context(), conversation, bird.ConversationEdit{Status: "closed"}))
			equal(t, "closed", []any{got.Open(), got.Name}, []any{false, edit.Name})
		})
	}
}

func TestAssigning(t *testing.T) {
	to := bird.Assignment{AgentID: birdtest.DefaultAgent}
	for name, tt := range map[string]struct {
		before func(s *birdtest.Server, contact, conversation string)
		action sync.Action
		rule   string
		tries  int // PATCHes
	}{
		"open":     {before: func(*birdtest.Server, string, string) { time.Sleep(time.Minute) }, tries: 1},
		"just now": {before: func(*birdtest.Server, string, string) {}, tries: 1},
		"closed":   {before: func(s *birdtest.Server, _, id string) { time.Sleep(time.Minute); s.CloseConversation(id) }, tries: 2},
		"changed meanwhile": {before: func(s *birdtest.Server, _, id string) {
			time.Sleep(time.Minute)
			s.ContestFeedItem(id)
		}, tries: 2},
		"reopened by somebody else meanwhile": {before: func(s *birdtest.Server, _, id string) {
			time.Sleep(time.Minute)
			s.CloseConversation(id)
			s.ContestFeedItem(id)
			time.AfterFunc(time.Second, func() { s.ReopenConversation(id) })
		}, tries: 2},
		"another one is active": {before: func(s *birdtest.Server, contact, id string) {
			s.CloseConversation(id)
			s.StartConversation(contact)
			time.Sleep(time.Minute)
		}, action: sync.Conflict, rule: "conversation.active", tries: 1},
		"others never stop": {before: func(s *birdtest.Server, _, id string) {
			time.Sleep(time.Minute)
			s.Faults().Add(birdtest.Fault{Method: "PATCH", Status: 409, Body: `{"code":"Conflict"}`})
		}, action: sync.Retry, rule: "feeditem.settled", tries: 3},
		"not in the Inbox": {before: func(s *birdtest.Server, _, id string) { s.DeleteConversation(id) }, action: sync.NotFound, rule: "feeditem.exists"},
		"gone meanwhile": {before: func(s *birdtest.Server, _, id string) {
			time.Sleep(time.Minute)
			s.Faults().Add(birdtest.Fault{Method: "PATCH", Status: 404, Count: 1, Body: `{"code":"NotFound"}`})
		}, tries: 2},
	} {
		talk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, conversation string) {
			tt.before(s, contact, conversation)
			err := a.AssignFeedItem(t.Context(), conversation, to)
			equal(t, name+": tries", s.Log().Count(func(c birdtest.Call) bool { return c.Method == "PATCH" }), tt.tries)
			if tt.action != 0 {
				e := failure(t, err, tt.action)
				equal(t, name, e.Rule, tt.rule)
				if strings.Contains(err.Error(), "+57") {
					t.Error(name, "tells a phone")
				}
				return
			}
			equal(t, name, err, nil)
			items := must[[]bird.FeedItem](t)(a.FeedItems(t.Context(), conversation))
			equal(t, name, []any{len(items), items[0].AgentID, items[0].Closed, items[0].ID != conversation}, []any{1, birdtest.DefaultAgent, false, true})
			calls := s.Log().Calls("/feeds/")
			equal(t, name, []any{a.AssignFeedItem(t.Context(), conversation, to), s.Log().Calls("/feeds/")}, []any{nil, calls})
			equal(t, "to nobody", a.AssignFeedItem(t.Context(), conversation, bird.Assignment{}), nil)
		})
	}
}

func TestAssigningEndsWithItsContext(t *testing.T) {
	talk(t, &birdtest.Options{IndexDelay: time.Hour}, func(t *testing.T, _ *birdtest.Server, a *bird.Adapter, _, conversation string) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := a.AssignFeedItem(ctx, conversation, bird.Assignment{}); err == nil || time.Since(start) != time.Second {
			t.Error(err, time.Since(start))
		}
	})
}
