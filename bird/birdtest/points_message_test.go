package birdtest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// texting is the body of a call that sends a text through a flow.
func texting(text string) object {
	return object{"participantType": "flow", "participantId": birdtest.DefaultChannel, "body": birdtest.TextBody(text)}
}

func TestPoint07MessagesAreSentByRules(t *testing.T) {
	s := newServer(t, calm())
	s.SetOutcome("")
	jane, bob := named(t, s, "Jane", 1), named(t, s, "Bob", 2)
	id := s.StartConversation(jane)
	said := s.ContactSays(id, "Hello")
	shut := s.StartConversation(bob)
	s.CloseConversation(shut)
	good := texting("Hi")
	toBob := []object{{"type": "to", "identifierKey": "phonenumber", "identifierValue": "+573000000002"}}
	for _, tt := range []struct {
		name         string
		conversation string
		body         any
		status       int
		message      any // of the refusal
	}{
		{"unknown conversation", "none", good, 404, "conversation not found"},
		{"closed", shut, good, 422, "conversation is not active"},
		{"unknown sender type", id, with(good, object{"participantType": "bot"}), 422, "participantType is unknown"},
		{"no sender", id, with(good, object{"participantId": nil}), 422, "participantId is missing"},
		{"unknown agent", id, with(good, object{"participantType": "user"}), 404, "agent not found"},
		{"a stranger", id, with(good, object{"participantType": "contact", "participantId": bob}), 422,
			"the contact does not take part in the conversation"},
		{"nothing to say", id, with(good, object{"body": nil}), 422, "body or template is missing"},
		{"body of another type", id, with(good, object{"body": object{"type": "html", "text": object{}}}), 422, "body does not fit its type"},
		{"answer to nothing", id, with(good, object{"replyToMessageId": "none"}), 422, "replyToMessageId is unknown"},
		{"stranger as recipient", id, with(good, object{"recipients": toBob}), 422, "a recipient does not take part in the conversation"},
		{"stranger who may join", id, with(good, object{"recipients": toBob, "addMissingParticipants": true}), 201, nil},
		{"text", id, good, 201, nil},
		{"answer", id, with(good, object{"replyToMessageId": said}), 201, nil},
		{"template", id, with(good, object{"body": nil, "template": object{"projectId": "p", "version": "latest", "locale": "es"}}), 201, nil},
		{"user", id, with(good, object{"participantType": "user", "participantId": birdtest.DefaultAgent}), 201, nil},
		{"access key", id, with(good, object{"participantType": "accessKey", "participantId": "k"}), 201, nil},
		{"contact", id, with(good, object{"participantType": "contact", "participantId": jane}), 201, nil},
	} {
		status, body := call(t, s, "POST", "/conversations/"+tt.conversation+"/messages", tt.body)
		want(t, tt.name, []any{status, body["message"]}, []any{tt.status, tt.message})
	}
	status, body := call(t, s, "POST", "/conversations/"+id+"/messages", with(good, object{"reference": "note-1"}))
	want(t, "answer", []any{status, body["status"], body["source"], body["draft"], body["reference"], body["body"], body["conversationId"]},
		[]any{201, "accepted", "conversations", false, "note-1", object{"type": "text", "text": object{"text": "Hi"}}, id})
	want(t, "sender", body["sender"].(object)["type"], any("flow"))
	want(t, "recipients", len(body["recipients"].([]any)), 2)
	_, got := call(t, s, "GET", "/conversations/"+id+"/messages/"+body["id"].(string), nil)
	want(t, "got", got, body)
	status, body = call(t, s, "GET", "/conversations/"+id+"/messages/none", nil)
	want(t, "unknown", []any{status, body}, []any{404, object{"code": "NotFound", "message": "message not found"}})
}

func TestPoint07MessagesAreListed(t *testing.T) {
	s := newServer(t, calm())
	id := s.StartConversation(named(t, s, "Jane", 1))
	var said []any
	for range 12 {
		said = append(said, s.ContactSays(id, "Hello"))
	}
	third := s.Messages(id)[2].CreatedAt.Format(time.RFC3339Nano)
	slices.Reverse(said)
	path := "/conversations/" + id + "/messages"
	want(t, "newest first", results(t, s, path+"?limit=100", "id"), said)
	want(t, "ten", results(t, s, path, "id"), said[:10])
	want(t, "oldest", results(t, s, path+"?reverse=true&limit=1", "id"), said[11:])
	want(t, "later than the third", results(t, s, path+"?limit=100&dateFrom="+third, "id"), said[:9])
	_, page := call(t, s, "GET", path, nil)
	want(t, "next page", results(t, s, path+"?pageToken="+page["nextPageToken"].(string), "id"), said[10:])
	for _, bad := range []string{"?limit=101", "?dateFrom=yesterday"} {
		status, body := call(t, s, "GET", path+bad, nil)
		want(t, bad, []any{status, body["code"]}, []any{422, "InvalidPayload"})
	}
}

func TestPoint07BodiesAndPreviews(t *testing.T) {
	s := newServer(t, calm())
	id := s.StartConversation(named(t, s, "Jane", 1))
	file := s.AddMedia("plan.pdf", "application/pdf", []byte("plan"))
	long := strings.Repeat("ñ", 139)
	for _, tt := range []struct {
		name    string
		body    map[string]any
		kind    string
		preview string
	}{
		{"text", birdtest.TextBody("Hello"), "text", "Hello"},
		{"140 characters", birdtest.TextBody(long + "a"), "text", long + "a"},
		{"141 characters", birdtest.TextBody(long + "ab"), "text", long + "a"},
		{"e-mail", birdtest.HTMLBody("Subject", "plain", "<p>rich</p>"), "html", "plain"},
		{"file", birdtest.FileBody("The plan", file), "file", "The plan"},
		{"image", birdtest.ImageBody("The view", file), "image", "The view"},
	} {
		message := s.Say(id, birdtest.Saying{Body: tt.body})
		_, body := call(t, s, "GET", "/conversations/"+id, nil)
		last := body["lastMessage"].(object)
		want(t, tt.name, []any{last["id"], last["type"], last["preview"], last["status"]},
			[]any{message, tt.kind, object{"text": tt.preview}, "delivered"})
		_, body = call(t, s, "GET", "/conversations/"+id+"/messages/"+message, nil)
		want(t, tt.name, []any{body["body"].(object)["type"], body["source"], body["receiverTypes"]}, []any{tt.kind, "channels", []any{"to"}})
	}
	_, body := call(t, s, "GET", "/conversations/"+id, nil)
	want(t, "times", []any{body["lastMessageIncomingAt"], body["lastMessageOutgoingAt"]}, []any{body["lastMessage"].(object)["createdAt"], nil})
}

func TestPoint07DraftsStayInTheInbox(t *testing.T) {
	s := newServer(t, calm())
	h := newHook(t, 200)
	s.Subscribe("whatsapp.outbound", h.URL, "key")
	id := s.StartConversation(named(t, s, "Jane", 1))
	path := "/conversations/" + id + "/messages"
	status, draft := call(t, s, "POST", path, with(texting("Note"), object{"draft": true}))
	note := path + "/" + draft["id"].(string)
	want(t, "draft", []any{status, draft["draft"]}, []any{201, true})
	_, body := call(t, s, "GET", "/conversations/"+id, nil)
	want(t, "conversation", []any{body["hasDraft"], body["lastMessage"]}, []any{true, nil})
	waitWebhooks(t, s)
	want(t, "nothing is told", len(h.bodies()), 0)
	for _, tt := range []struct {
		name   string
		body   any
		status int
		field  string
		value  any
	}{
		{"bad body", object{"body": object{"type": "text"}}, 422, "message", "body does not fit its type"},
		{"another text", object{"body": birdtest.TextBody("Other")}, 200, "body", object{"type": "text", "text": object{"text": "Other"}}},
		{"sent", object{"draft": false}, 200, "draft", false},
		{"no draft any more", object{"body": birdtest.TextBody("x")}, 422, "message", "message is not a draft"},
	} {
		status, body := call(t, s, "PATCH", note, tt.body)
		want(t, tt.name, []any{status, body[tt.field]}, []any{tt.status, tt.value})
	}
	waitWebhooks(t, s)
	want(t, "told when sent", len(h.bodies()), 5)
	for _, tt := range []struct {
		method string
		status int
	}{{"DELETE", 204}, {"DELETE", 404}, {"PATCH", 404}, {"GET", 404}} {
		status, _ := call(t, s, tt.method, note, object{})
		want(t, tt.method, status, tt.status)
	}
	want(t, "on the channel", results(t, s, "/channels/"+birdtest.DefaultChannel+"/messages", "id"), []any(nil))
}

// TestPoint07StatusesTakeTime lives in a bubble, where the delays pass at once.
func TestPoint07StatusesTakeTime(t *testing.T) {
	for outcome, way := range map[string][]string{
		"read":            {"accepted", "processing", "sent", "delivered", "read", "read"},
		"delivered":       {"accepted", "processing", "sent", "delivered", "delivered", "delivered"},
		"sent":            {"accepted", "processing", "sent", "sent", "sent", "sent"},
		"sending_failed":  {"accepted", "processing", "sending_failed", "sending_failed", "sending_failed", "sending_failed"},
		"delivery_failed": {"accepted", "processing", "sent", "delivery_failed", "delivery_failed", "delivery_failed"},
		"rejected":        {"accepted", "rejected", "rejected", "rejected", "rejected", "rejected"},
		"skipped":         {"accepted", "skipped", "skipped", "skipped", "skipped", "skipped"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := birdtest.NewPipeServer(&birdtest.Options{StatusDelay: time.Second})
			defer s.Close()
			s.SetOutcome(outcome)
			id := s.StartConversation(named(t, s, "Jane", 1))
			s.BotSays(id, "Hello")
			time.Sleep(time.Second / 2)
			var seen []string
			for range way {
				_, body := call(t, s, "GET", "/conversations/"+id, nil)
				seen = append(seen, body["lastMessage"].(object)["status"].(string))
				time.Sleep(time.Second)
			}
			want(t, outcome, seen, way)
		})
	}
}

func TestPoint07StatusesFollowTheWorkspacesClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(&birdtest.Options{StatusDelay: time.Hour})
		defer s.Close()
		id := s.StartConversation(named(t, s, "Jane", 1))
		s.BotSays(id, "Hello")
		s.SetSkew(2*time.Hour + time.Minute)
		_, body := call(t, s, "GET", "/conversations/"+id, nil)
		want(t, "two hours on", body["lastMessage"].(object)["status"], any("sent"))
	})
}

func TestPoint07StatusesOnlyMoveForward(t *testing.T) {
	s := newServer(t, calm())
	s.SetOutcome("")
	id := s.StartConversation(named(t, s, "Jane", 1))
	one, two := s.BotSays(id, "Hello"), s.BotSays(id, "Hello?")
	for _, tt := range []struct {
		message, status string
		moved           bool
	}{
		{one, "sent", true}, {one, "processing", false}, {one, "sent", false}, {one, "delivered", true}, {one, "delivery_failed", false},
		{one, "read", true}, {two, "unheard-of", false}, {two, "sending_failed", true}, {two, "read", false}, {"none", "read", false},
	} {
		want(t, tt.status, s.MessageStatus(tt.message, tt.status, "no route"), tt.moved)
	}
	all := s.Messages(id)
	want(t, "statuses", []string{all[0].Status, all[1].Status, all[1].Reason}, []string{"read", "sending_failed", "no route"})
}

func TestPoint07SendersOfFiveTypes(t *testing.T) {
	s := newServer(t, calm())
	id := s.StartConversation(named(t, s, "Jane", 1))
	says := []struct {
		kind string
		say  func() string
	}{
		{"contact", func() string { return s.ReceiveMessage(id, "Hello") }},
		{"bot", func() string { return s.BotSays(id, "Hello") }},
		{"user", func() string { return s.AgentSays(id, "Hello") }},
		{"user", func() string { return s.InboxSays(id, "Hello") }},
		{"flow", func() string {
			return s.Say(id, birdtest.Saying{From: birdtest.Participant{ID: "f", Type: "flow"}, Body: birdtest.TextBody("x")})
		}},
		{"accessKey", func() string {
			_, body := call(t, s, "POST", "/conversations/"+id+"/messages", with(texting("x"), object{"participantType": "accessKey", "participantId": "k"}))
			return body["id"].(string)
		}},
	}
	for _, tt := range says {
		_, body := call(t, s, "GET", "/conversations/"+id+"/messages/"+tt.say(), nil)
		want(t, tt.kind, body["sender"].(object)["type"], any(tt.kind))
	}
	v, _ := s.Conversation(id)
	want(t, "participants", len(v.Participants), 5)
	want(t, "AI employee", v.Attributes["llmbotIds"], v.Participants[1].ID)
	s.CloseConversation(id)
	for _, tt := range says[:5] {
		want(t, "closed: "+tt.kind, tt.say(), "")
	}
}

func TestPoint07MediaWantTheKeyAndLast900Seconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		file := s.AddMedia("plan.pdf", "application/pdf", []byte("plan"))
		client := s.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		want(t, "without the key", fetch(t, client, file.MediaURL, "").StatusCode, 401)
		found := fetch(t, client, file.MediaURL, "AccessKey "+s.AccessKey)
		want(t, "with it", found.StatusCode, 302)
		address := found.Header.Get("Location")
		for _, tt := range []struct {
			after  time.Duration
			status int
		}{{0, 200}, {899 * time.Second, 200}, {2 * time.Second, 403}} {
			time.Sleep(tt.after)
			res := fetch(t, client, address, "")
			want(t, "presigned", res.StatusCode, tt.status)
			if res.StatusCode == 200 {
				want(t, "type", res.Header.Get("Content-Type"), "application/pdf")
			}
		}
		want(t, "unknown", fetch(t, client, file.MediaURL+"x", "AccessKey "+s.AccessKey).StatusCode, 404)
	})
}

func fetch(t *testing.T, client *http.Client, address, key string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", key)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestPoint07PresignedUpload(t *testing.T) {
	s := newServer(t, calm())
	path := "/conversations/" + s.StartConversation(named(t, s, "Jane", 1)) + "/presigned-upload"
	status, _ := call(t, s, "POST", path, object{})
	want(t, "no type", status, 422)
	_, place := call(t, s, "POST", path, object{"contentType": "text/plain"})
	req, err := http.NewRequest(place["uploadMethod"].(string), place["uploadUrl"].(string), strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	want(t, "uploaded", res.StatusCode, 200)
	got := fetch(t, s.Client(), place["mediaUrl"].(string), "AccessKey "+s.AccessKey)
	text := make([]byte, 7)
	n, _ := got.Body.Read(text)
	want(t, "download", []string{string(text[:n]), got.Header.Get("Content-Type")}, []string{"content", "text/plain"})
}

func TestPoint07TheChannelSeesTheConversationLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(&birdtest.Options{IndexDelay: 3 * time.Second})
		defer s.Close()
		s.SetOutcome("delivered")
		jane := named(t, s, "Jane", 1)
		id := s.StartConversation(jane)
		message := s.BotSays(id, "Hello")
		path := "/channels/" + birdtest.DefaultChannel + "/messages/"
		_, body := call(t, s, "GET", path+message, nil)
		want(t, "at once", []any{body["direction"], body["context"], body["body"].(object)["type"]}, []any{"outgoing", nil, "text"})
		time.Sleep(3*time.Second + 10*time.Millisecond)
		_, body = call(t, s, "GET", path+message, nil)
		want(t, "later", []any{body["status"], body["context"]},
			[]any{"delivered", object{"type": "conversation_message", "id": id + ":" + message + ":" + jane}})
		status, _ := call(t, s, "GET", path+"none", nil)
		want(t, "unknown", status, 404)
	})
}

func TestPoint07MessagesAreSentWithoutNamingAConversation(t *testing.T) {
	s := newServer(t, calm())
	path := "/channels/" + birdtest.DefaultChannel + "/messages"
	receiver := object{"contacts": []object{{"identifierKey": "phonenumber", "identifierValue": "+573000000001"}}}
	good := object{"receiver": receiver, "body": birdtest.TextBody("Hi")}
	for _, tt := range []struct {
		name    string
		body    object
		status  int
		message any
	}{
		{"nobody", with(good, object{"receiver": nil}), 422, "receiver must have one contact"},
		{"nothing", with(good, object{"body": nil}), 422, "body or template is missing"},
		{"to a stranger", good, 202, nil},
		{"to a contact", good, 202, nil},
	} {
		status, body := call(t, s, "POST", path, tt.body)
		want(t, tt.name, []any{status, body["message"]}, []any{tt.status, tt.message})
	}
	contacts := s.Contacts()
	want(t, "one contact", len(contacts), 1)
	found := results(t, s, "/participants/"+contacts[0].ID+"/conversations", "id")
	want(t, "one conversation", len(found), 1)
	want(t, "messages", len(s.Messages(found[0].(string))), 2)
	s.SetConversational(birdtest.DefaultChannel, false)
	_, body := call(t, s, "POST", path, good)
	want(t, "without conversations", body["context"], nil)
	want(t, "all", len(results(t, s, path, "id")), 3)
}
