package birdtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// told starts a conversation whose events a hook gets. Events returns those
// since it was last called: their names, sorted, and in the same order their
// payloads.
func told(t *testing.T) (s *birdtest.Server, conversation string, events func() ([]string, []object)) {
	t.Helper()
	s = newServer(t, calm())
	h := newHook(t, 200)
	for _, event := range []string{"conversation.created", "conversation.updated", "conversation.deleted", "whatsapp.inbound",
		"whatsapp.outbound", "whatsapp.interaction"} {
		s.Subscribe(event, h.URL, "key")
	}
	conversation = s.StartConversation(named(t, s, "Jane", 1))
	seen := 0
	events = func() (names []string, payloads []object) {
		waitWebhooks(t, s)
		fresh := h.bodies()[seen:]
		seen += len(fresh)
		slices.SortStableFunc(fresh, func(a, b object) int {
			return strings.Compare(a["event"].(string), b["event"].(string))
		})
		for _, e := range fresh {
			names = append(names, e["event"].(string))
			payloads = append(payloads, e["payload"].(object))
		}
		return names, payloads
	}
	return s, conversation, events
}

func TestPoint10EventsOfConversations(t *testing.T) {
	const created, updated, deleted = "conversation.created", "conversation.updated", "conversation.deleted"
	const in, out = "whatsapp.inbound", "whatsapp.outbound"
	for _, tt := range []struct {
		name   string
		do     func(s *birdtest.Server, id string)
		events []string
	}{
		{"start", func(*birdtest.Server, string) {}, []string{created}},
		{"start what goes on", func(s *birdtest.Server, _ string) { s.StartConversation(s.Contacts()[0].ID) }, []string{created}},
		{"a contact", func(s *birdtest.Server, id string) { s.ContactSays(id, "Hello") }, []string{created, updated, in}},
		{"the AI employee", func(s *birdtest.Server, id string) { s.BotSays(id, "Hello") }, []string{created, updated, out, out, out, out, out}},
		{"an agent", func(s *birdtest.Server, id string) { s.AgentSays(id, "Hello") }, []string{created, updated, out, out, out, out, out}},
		{"four statuses", func(s *birdtest.Server, id string) { s.SetOutcome("delivered"); s.BotSays(id, "x") },
			[]string{created, updated, out, out, out, out}},
		{"a failure", func(s *birdtest.Server, id string) {
			s.SetOutcome("")
			s.MessageStatus(s.BotSays(id, "x"), "rejected", "r")
		},
			[]string{created, updated, out, out}},
		{"a call", func(s *birdtest.Server, id string) {
			call(t, s, "POST", "/conversations/"+id+"/messages", texting("x"))
		},
			[]string{created, updated, out, out, out, out, out}},
		{"a click", func(s *birdtest.Server, id string) {
			want(t, "clicks", []bool{s.Interact(s.ContactSays(id, "x"), "click"), s.Interact("none", "click")}, []bool{true, false})
		}, []string{created, updated, in, "whatsapp.interaction"}},
		{"close", func(s *birdtest.Server, id string) { s.CloseConversation(id) }, []string{created, updated}},
		{"our own change", func(s *birdtest.Server, id string) {
			call(t, s, "PATCH", "/conversations/"+id, object{"attributes": object{"hubspotContactId": "1"}})
		}, []string{created, updated}},
		{"a participant", func(s *birdtest.Server, id string) {
			call(t, s, "POST", "/conversations/"+id+"/participants", object{"type": "bot", "id": "b"})
		}, []string{created, updated}},
		{"delete", func(s *birdtest.Server, id string) { s.DeleteConversation(id) }, []string{created, deleted}},
		{"assign", func(s *birdtest.Server, id string) { s.Assign(id, birdtest.DefaultAgent) }, []string{created}},
	} {
		s, id, events := told(t)
		tt.do(s, id)
		names, payloads := events()
		want(t, tt.name, names, tt.events)
		want(t, tt.name, payloads[0]["id"], any(id))
	}
}

func TestPoint10TheFirstMessageComesWithCreatedOrAfterIt(t *testing.T) {
	for with, preview := range map[bool]any{false: nil, true: object{"text": "Hello"}} {
		o := calm()
		o.CreatedWithMessage = with
		s := newServer(t, o)
		h := newHook(t, 200)
		s.Subscribe("conversation.created", h.URL, "key")
		s.ContactWrites(birdtest.DefaultChannel, named(t, s, "Jane", 1), "Hello")
		waitWebhooks(t, s)
		want(t, "events", len(h.bodies()), 1)
		last, _ := h.bodies()[0]["payload"].(object)["lastMessage"].(object)
		want(t, "last message", last["preview"], preview)
	}
}

func TestPoint10AHandOverIsAUserWhoJoins(t *testing.T) {
	s, id, events := told(t)
	s.BotSays(id, "How can I help?")
	events()
	s.AgentSays(id, "Jane here")
	_, payloads := events()
	var types []any
	for _, p := range payloads[0]["featuredParticipants"].([]any) {
		types = append(types, p.(object)["type"])
	}
	want(t, "participants", types, []any{"contact", "bot", "user"})
	want(t, "last", payloads[0]["lastMessage"].(object)["sender"].(object)["type"], any("user"))
}

func TestPoint10InboxMessagesLackTheBody(t *testing.T) {
	s, id, events := told(t)
	events()
	s.AgentSays(id, "With a body")
	typed := s.InboxSays(id, "Without one")
	names, payloads := events()
	bodies := map[bool]int{}
	for i, p := range payloads {
		if names[i] == "whatsapp.outbound" {
			_, has := p["body"]
			want(t, "only the typed one", has, p["id"] != typed)
			bodies[has]++
		}
	}
	want(t, "events", bodies, map[bool]int{true: 5, false: 5})
	_, body := call(t, s, "GET", "/conversations/"+id+"/messages/"+typed, nil)
	want(t, "the API has it", body["body"], any(object{"type": "text", "text": object{"text": "Without one"}}))
}

func TestPoint12MergesTakeConversationsAlong(t *testing.T) {
	s, id, events := told(t)
	loser := s.Contacts()[0].ID
	survivor := named(t, s, "Jane D.", 2)
	other := s.StartConversation(survivor)
	both := s.Open(birdtest.Opening{ContactID: loser, ChannelID: s.AddChannel("livechat")})
	call(t, s, "POST", "/conversations/"+both+"/participants", object{"type": "contact", "id": survivor})
	said := s.ContactSays(id, "Hello")
	s.BotSays(id, "Hi")
	events()
	if err := s.Merge(loser, survivor); err != nil {
		t.Fatal(err)
	}
	names, _ := events()
	want(t, "no event", len(names), 0)
	want(t, "conversations", results(t, s, "/participants/"+survivor+"/conversations", "id"), []any{both, other, id})
	want(t, "by the loser's phone", results(t, s, "/participants/phonenumber/+573000000001/conversations", "id"), []any{both, other, id})
	for _, path := range []string{"/contacts/" + loser, "/participants/" + loser + "/conversations"} {
		status, _ := call(t, s, "GET", path, nil)
		want(t, path, status, 404)
	}
	_, message := call(t, s, "GET", "/conversations/"+id+"/messages/"+said, nil)
	want(t, "sender", message["sender"].(object)["id"], any(survivor))
	_, body := call(t, s, "GET", "/conversations/"+id, nil)
	want(t, "initiator and recipient", []any{body["initiatingParticipant"].(object)["id"],
		body["lastMessage"].(object)["recipients"].([]any)[0].(object)["id"]}, []any{survivor, survivor})
	want(t, "nobody twice", results(t, s, "/conversations/"+both+"/participants", "id"), []any{survivor})
}
