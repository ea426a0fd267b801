package birdtest_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// TestLawsOfConversations does anything in any order and then holds every
// conversation to what is always true of them.
func TestLawsOfConversations(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := birdtest.NewServer(calm())
		defer s.Close()
		contacts := []string{named(t, s, "Jane", 1), named(t, s, "Bob", 2)}
		channels := []string{birdtest.DefaultChannel, s.AddChannel("livechat")}
		var ids []string
		know := func(id string) {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
		one := func(all []string, what string) string { return rapid.SampledFrom(all).Draw(rt, what) }
		some := func() string { return one(append([]string{"none"}, ids...), "conversation") }
		for range rapid.IntRange(1, 25).Draw(rt, "steps") {
			text := rapid.StringN(0, 200, -1).Draw(rt, "text")
			switch rapid.IntRange(0, 6).Draw(rt, "step") {
			case 0:
				id, _ := s.ContactWrites(one(channels, "channel"), one(contacts, "contact"), text)
				know(id)
			case 1:
				know(s.Open(birdtest.Opening{ContactID: one(contacts, "contact"), ChannelID: one(channels, "channel")}))
			case 2:
				s.BotSays(some(), text)
			case 3:
				s.ContactSays(some(), text)
			case 4:
				s.CloseConversation(some())
			case 5:
				s.ReopenConversation(some())
			case 6:
				s.AgentSays(some(), text)
			}
		}
		activeOn := map[string]int{}
		for _, id := range ids {
			v, _ := s.Conversation(id)
			if v.Status == "active" && v.ChannelID == birdtest.DefaultChannel {
				activeOn[v.Participants[0].ID]++
			}
			checkMessages(rt, s, v)
		}
		for contact, n := range activeOn {
			if n > 1 {
				rt.Errorf("%s has %d active conversations on a direct channel", contact, n)
			}
		}
	})
}

// checkMessages holds a conversation to its messages.
func checkMessages(rt *rapid.T, s *birdtest.Server, v birdtest.Conversation) {
	last := v.CreatedAt
	for _, m := range s.Messages(v.ID) {
		if !m.CreatedAt.After(last) || m.UpdatedAt.Before(m.CreatedAt) {
			rt.Errorf("a message of %v after one of %v, changed at %v", m.CreatedAt, last, m.UpdatedAt)
		}
		last = m.CreatedAt
		if end := map[bool]string{true: "delivered", false: "read"}[m.Sender.Type == "contact"]; m.Status != end {
			rt.Errorf("a message of a %s ends as %s", m.Sender.Type, m.Status)
		}
	}
	if v.UpdatedAt.Before(last) {
		rt.Errorf("changed at %v before its last message at %v", v.UpdatedAt, last)
	}
	seen := map[string]bool{}
	for _, p := range v.Participants {
		if seen[p.ID] {
			rt.Errorf("%s takes part twice", p.Type)
		}
		seen[p.ID] = true
	}
}
