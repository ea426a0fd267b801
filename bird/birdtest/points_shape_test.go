package birdtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// fieldsOf adds the paths of all fields of a JSON value; the entries of a list
// count as one.
func fieldsOf(v any, path string, into map[string]bool) {
	switch v := v.(type) {
	case object:
		for name, field := range v {
			into[path+"."+name] = true
			fieldsOf(field, path+"."+name, into)
		}
	case []any:
		for _, entry := range v {
			fieldsOf(entry, path, into)
		}
	}
}

// lacks returns the fields that a published payload has and an answer has
// not.
func lacks(t *testing.T, file string, answer any) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	var payload any
	if err := json.Unmarshal(data, &payload); err != nil {
		t.Fatal(err)
	}
	asked, has := map[string]bool{}, map[string]bool{}
	fieldsOf(payload, "", asked)
	fieldsOf(answer, "", has)
	var missing []string
	for path := range asked {
		if !has[path] {
			missing = append(missing, path)
		}
	}
	slices.Sort(missing)
	return missing
}

// TestPoint06To10AnswersHaveThePublishedFields compares what the simulator
// says with the payloads of the reference: it lacks no field but those listed,
// which hang on the platform or the workspace.
func TestPoint06To10AnswersHaveThePublishedFields(t *testing.T) {
	o := calm()
	o.CreatedWithMessage = true
	s := newServer(t, o)
	h := newHook(t, 200)
	for _, event := range []string{"conversation.created", "conversation.updated", "conversation.deleted", "whatsapp.inbound", "whatsapp.outbound"} {
		s.Subscribe(event, h.URL, "key")
	}
	jane := named(t, s, "Jane Doe", 1)
	id := s.StartConversation(jane)
	heard := func(event string, do func()) any {
		waitWebhooks(t, s)
		n := len(h.bodies())
		do()
		waitWebhooks(t, s)
		fresh := h.bodies()[n:]
		return fresh[slices.IndexFunc(fresh, func(e object) bool { return e["event"] == event })]
	}
	get := func(method, path string, body any) any {
		_, answer := call(t, s, method, path, body)
		return answer
	}
	mail := object{"name": "Subject", "channelId": s.AddChannel("email"), "attributes": object{"my-custom-attribute": "123"},
		"participants":   []object{{"type": "contact", "identifierKey": "emailaddress", "identifierValue": "john@example.com"}},
		"initialMessage": object{"body": birdtest.TextBody("Hey, listen!")}}
	file := s.AddMedia("plan.pdf", "application/pdf", nil)

	started := s.Open(birdtest.Opening{ContactID: jane, ChannelID: s.AddChannel("livechat")})
	events := map[string]any{
		"event-conversation-created.json": heard("conversation.created", func() { s.ContactWrites(birdtest.DefaultChannel, named(t, s, "Bob", 2), "Hello") }),
		"event-conversation-deleted.json": heard("conversation.deleted", func() { s.DeleteConversation(started) }),
	}
	events["event-whatsapp-inbound.json"] = heard("whatsapp.inbound", func() { s.ContactSays(id, "Still available?") })
	s.BotSays(id, "It is!")
	waitWebhooks(t, s)
	events["event-conversation-updated-inbound-message.json"] = heard("conversation.updated", func() { s.ContactSays(id, "Fine.") })
	events["payloads/event-conversation-updated-outbound-message.json"] = heard("conversation.updated", func() { s.BotSays(id, "When?") })
	events["payloads/event-conversation-updated.docs-partial.json"] = heard("conversation.updated", func() { s.CloseConversation(id) })
	s.ReopenConversation(id)
	said := s.Say(id, birdtest.Saying{Body: birdtest.FileBody("The plan", file)})
	answers := map[string]any{
		"payloads/conversation-create-response-201.json":         get("POST", "/conversations", mail),
		"payloads/conversation-get-live.json":                    get("GET", "/conversations/"+id, nil),
		"payloads/conversation-list-live.json":                   get("GET", "/conversations?limit=100", nil),
		"payloads/conversation-participants-live.json":           get("GET", "/conversations/"+id+"/participants", nil),
		"payloads/conversation-message-file-live.json":           get("GET", "/conversations/"+id+"/messages/"+said, nil),
		"payloads/conversation-message-create-response-201.json": get("POST", "/conversations/"+id+"/messages", texting("Hi")),
		"payloads/channel-message-get-live.json":                 get("GET", "/channels/"+birdtest.DefaultChannel+"/messages/"+s.BotSays(id, "Hi"), nil),
		"payloads/agents-list-response.json":                     get("GET", "/agents", nil),
		"payloads/feed-items-search-response.json":               get("POST", "/search/feed-items", object{}),
	}
	s.SetOutcome("")
	inbox := s.InboxSays(id, "Hello")
	events["event-whatsapp-outbound-agent-no-body.json"] = heard("whatsapp.outbound", func() { s.MessageStatus(inbox, "sent", "") })
	allowed := map[string][]string{
		"payloads/conversation-get-live.json":          {".attributes.typingStatus"},
		"payloads/conversation-list-live.json":         {".nextPageToken", ".results.attributes.typingStatus"},
		"payloads/conversation-message-file-live.json": {".meta.extraInformation.whatsapp.media.type"},
		"event-conversation-created.json":              {".payload.attributes.llmbotIds"},
		"event-conversation-deleted.json":              {".payload.attributes.llmbotIds"},
	}
	for _, all := range []map[string]any{answers, events} {
		for name, answer := range all {
			want(t, name, lacks(t, name, answer), allowed[name])
		}
	}
}
