package bird_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// chats begins n conversations of one contact on a channel that holds several
// at a time.
func chats(s *birdtest.Server, contact string, n int) (ids []string) {
	channel := s.AddChannel("livechat")
	for range n {
		ids = append(ids, s.Open(birdtest.Opening{ContactID: contact, ChannelID: channel, Attributes: map[string]string{"ai_stage": "lead"}}))
	}
	return ids
}

// set changes an attribute as an AI employee would.
func set(t *testing.T, s *birdtest.Server, talk, key, value string) {
	t.Helper()
	must[*bird.Conversation](t)(attach(t, s).UpdateConversation(t.Context(), talk, bird.ConversationEdit{Attributes: map[string]string{key: value}}))
}

func TestARoundWalksContactsAndConversations(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, talk string) {
		contacts, talks := append(s.Fill(149), contact), append(chats(s, contact, 249), talk)
		s.CloseConversation(talks[3])
		first, next := walk(t, a, "", nil)
		equal(t, "all", len(first), len(contacts)+len(talks))
		for _, id := range talks {
			c := first[id]
			equal(t, "conversation", []any{c.Ref, c.Reason, c.Priority, len(c.Witness)}, []any{talkRef(id), sync.ReasonSweep, sync.Sweep, len(talkNames)})
		}
		equal(t, "calls", []int{s.Log().Calls("/contacts"), s.Log().Calls("/conversations")}, []int{2, 3})
		for _, status := range []string{"status=", "channelId="} {
			equal(t, status, s.Log().Count(func(c birdtest.Call) bool { return strings.Contains(c.Query, status) }), 0)
		}
		quiet, next := walk(t, a, next, nil)
		equal(t, "nothing new", len(quiet), 0)

		readTalk(t, a, talk) // which tells the platform of the channel
		time.Sleep(time.Minute)
		set(t, s, talk, "ai_stage", "lost")
		s.ReopenConversation(talks[3])                 // that was closed
		s.ContactSays(talks[7], "Still free?")         // a thread that began long ago
		set(t, s, talks[100], "ai_stage", "qualified") // by somebody who tells nobody
		set(t, s, talks[101], "typingStatus", "on")    // nothing that is read, but for the time
		edit(t, s, contacts[5], "New")
		second, next := walk(t, a, next, nil)
		for _, id := range []string{talk, talks[3], talks[7], talks[100], talks[101], contacts[5]} {
			if _, reported := second[id]; !reported {
				t.Errorf("%s is not reported", id)
			}
		}
		equal(t, "edited", len(second), 6)
		equal(t, "witness", second[talks[100]].Witness["attributes.ai_stage"], sync.Text("qualified").Digest())
		snapshot, known := a.Snapshot(talkRef(talk), time.Time{})
		equal(t, "what the list showed is remembered", []any{known, snapshot.Fields["attributes.ai_stage"]}, []any{true, sync.Text("lost")})

		stats := a.Walk(bird.ConversationKind)
		equal(t, "stats", []int{stats.LastRecords, stats.LastPages, a.Walk(bird.Contact).LastRecords}, []int{250, 3, 150})
		if _, ok := a.DetectionDelay(bird.ConversationKind); !ok {
			t.Error("the delay is not known")
		}
		again, _ := walk(t, a, next, nil)
		equal(t, "reported once", len(again), 0)
	})
}

// TestConversationsThatAreNotReported moved too long ago, or are among the
// workspace's own people, until they move again.
func TestConversationsThatAreNotReported(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, old string) {
		time.Sleep(31 * 24 * time.Hour)
		s.Open(birdtest.Opening{ContactID: contact, Style: "directMessage", ChannelID: s.AddChannel("livechat")})
		young := chats(s, contact, 1)[0]
		reported := func(since sync.Cursor, want ...string) sync.Cursor {
			t.Helper()
			seen, next := walk(t, a, since, nil)
			delete(seen, contact)
			for _, id := range want {
				if _, ok := seen[id]; !ok {
					t.Errorf("%s is not reported", id)
				}
			}
			equal(t, "reported", len(seen), len(want))
			return next
		}
		next := reported("", young)
		s.ContactSays(old, "I am back")
		next = reported(next, old)
		time.Sleep(31 * 24 * time.Hour)
		for range 3 { // what is not reported is not missing
			next = reported(next)
		}
		s.DeleteConversation(old)
		next = reported(next)
		next = reported(next, old)
		reported(next)
	})
}

// TestTheWalksShareOneBudget whatever they walk.
func TestTheWalksShareOneBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		contact := s.Fill(500)[0]
		chats(s, contact, 500)
		a, err := bird.New(s.WorkspaceID, s.AccessKey, &bird.Options{BaseURL: s.URL, HTTPClient: s.Client(), Conversations: talkNames})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		walk(t, a, "", nil)
		if took := time.Since(start); took < 850*time.Millisecond || took > time.Second {
			t.Errorf("10 pages took %v at 10 a second", took)
		}
	})
}

// TestAListThatIsNotWalkedAnyMore leaves the cursor good for the others, and so
// does one that is walked anew.
func TestAListThatIsNotWalkedAnyMore(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, both *bird.Adapter, contact, talk string) {
		s.Fill(149)
		p := page(t, both, "")
		p = page(t, both, p.Next) // the conversations are next
		equal(t, "more", p.More, true)
		seen, next := walk(t, attach(t, s), p.Next, nil)
		_, contacts := seen[contact]
		_, talks := seen[talk]
		equal(t, "alone", []any{len(seen), contacts, talks}, []any{150, true, false})
		seen, _ = walk(t, both, next, nil)
		_, talks = seen[talk]
		equal(t, "and the last page of contacts, which may be lost", []any{len(seen), talks}, []any{51, true})
		for _, foreign := range []sync.Cursor{"x", "[]", `{"turn":"deal"}`, `{"places":{"contact":3}}`, `{"turn":"conversation","places":{}}`} {
			p, err := both.Changes(t.Context(), foreign)
			equal(t, fmt.Sprint("cursor ", foreign), []any{err, p.Next != ""}, []any{nil, true})
		}
	})
}

// TestOddPagesOfConversations do no harm.
func TestOddPagesOfConversations(t *testing.T) {
	inTalk(t, nil, func(t *testing.T, s *birdtest.Server, a *bird.Adapter, contact, talk string) {
		s.Faults().Add(birdtest.Fault{Path: "/conversations", Status: 200, Body: `{"results":[null,{},{"id":"x/y"},{"id":"` + talk + `"},` + payload(t, "payloads/conversation-get-live") + `]}`})
		seen, _ := walk(t, a, "", nil)
		delete(seen, contact)
		equal(t, "reported", len(seen), 3)
		equal(t, "what tells little claims nothing", len(seen[talk].Witness), 0)
		stats := a.Walk("deal")
		equal(t, "nothing is known of others", stats, bird.WalkStats{})
	})
}
