package birdtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// calm are options without the delays that a test does not look at.
func calm() *birdtest.Options { return &birdtest.Options{StatusDelay: -1, IndexDelay: -1} }

// named creates a contact with a phone.
func named(t *testing.T, s *birdtest.Server, name string, n int) string {
	t.Helper()
	id, err := s.Create(object{"name": name, "msisdn": fmt.Sprintf("+57300000%04d", n)})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// results returns the entries of a list, and names one field of each.
func results(t *testing.T, s *birdtest.Server, path, field string) []any {
	t.Helper()
	status, body := call(t, s, "GET", path, nil)
	want(t, path, status, 200)
	var all []any
	for _, entry := range body["results"].([]any) {
		all = append(all, entry.(object)[field])
	}
	return all
}

// with is an object with some fields replaced; nil leaves one out.
func with(o object, changes object) object {
	c := object{}
	for key, v := range o {
		c[key] = v
	}
	for key, v := range changes {
		c[key] = v
		if v == nil {
			delete(c, key)
		}
	}
	return c
}

func TestPoint06ConversationsAreCreatedByRules(t *testing.T) {
	s := newServer(t, calm())
	jane := named(t, s, "Jane Doe", 1)
	taken := named(t, s, "Bob Roe", 2)
	existing := s.StartConversation(taken)
	bob := object{"type": "contact", "identifierKey": "phonenumber", "identifierValue": "+573000000002"}
	good := object{"name": "Two-bedroom", "channelId": birdtest.DefaultChannel, "attributes": object{"unit": "4b"},
		"participants": []object{{"type": "contact", "id": jane}}}
	for _, tt := range []struct {
		name          string
		body          any
		status        int
		code, message string
	}{
		{"no name", with(good, object{"name": nil}), 422, "InvalidPayload", "name is missing"},
		{"no channel", with(good, object{"channelId": nil}), 422, "InvalidPayload", "channelId is missing"},
		{"unknown channel", with(good, object{"channelId": "none"}), 404, "NotFound", "channel not found"},
		{"six participants", with(good, object{"participants": make([]object, 6)}), 422, "InvalidPayload", "participants must have at most 5 items"},
		{"unknown type", with(good, object{"participants": []object{{"type": "robot"}}}), 422, "InvalidPayload", "participant type is unknown"},
		{"unknown contact", with(good, object{"participants": []object{{"type": "contact", "id": "none"}}}), 404, "NotFound", "contact not found"},
		{"bad phone", with(good, object{"participants": []object{{"type": "contact", "identifierKey": "phonenumber", "identifierValue": "12"}}}),
			422, "InvalidPayload", "12 is not a valid phone number"},
		{"number as attribute", with(good, object{"attributes": object{"unit": 4}}), 422, "InvalidPayload", "attributes has the wrong type"},
		{"empty first message", with(good, object{"initialMessage": object{}}), 422, "InvalidPayload", "body or template is missing"},
		{"already talking", with(good, object{"participants": []object{bob}}), 409, "ContactAlreadyInConversation",
			"the contact already has an active conversation on the channel"},
		{"not JSON", "{", 400, "BadRequest", "the body is not the expected JSON"},
	} {
		status, body := call(t, s, "POST", "/conversations", tt.body)
		want(t, tt.name, []any{status, body["code"], body["message"]}, []any{tt.status, tt.code, tt.message})
		if status == 409 {
			want(t, "details", body["details"], any(object{"conversationId": existing}))
		}
	}
	status, body := call(t, s, "POST", "/conversations", good)
	want(t, "created", []any{status, body["status"], body["style"], body["platformStyle"], body["activeParticipantCount"], body["attributes"]},
		[]any{201, "active", "default", "direct", 2.0, object{"unit": "4b"}})
	want(t, "initiating", body["initiatingParticipant"].(object)["type"], any("accessKey"))
	want(t, "no message", body["lastMessage"], nil)
}

func TestPoint06AStrangerBecomesAContact(t *testing.T) {
	s := newServer(t, calm())
	status, body := call(t, s, "POST", "/conversations", object{"name": "x", "channelId": s.AddChannel("email"),
		"participants":   []object{{"type": "contact", "identifierKey": "emailaddress", "identifierValue": "jane@example.com"}},
		"initialMessage": object{"body": birdtest.HTMLBody("Hello", "Hi", "<p>Hi</p>")}})
	want(t, "status", []any{status, body["platformStyle"]}, []any{201, "email"})
	want(t, "contact", s.Contacts()[0].Field("email"), any("jane@example.com"))
	last := body["lastMessage"].(object)
	want(t, "last", []any{last["type"], last["preview"], last["sender"].(object)["type"]}, []any{"html", object{"text": "Hi"}, "accessKey"})
	want(t, "to", last["recipients"].([]any)[0].(object)["identifierValue"], any("jane@example.com"))
}

func TestPoint06ChannelsHoldOneOrSeveralConversations(t *testing.T) {
	for platform, several := range map[string]bool{"whatsapp": false, "sms": false, "viber": false, "livechat": true, "email": true, "instagram": true} {
		s := newServer(t, calm())
		o := birdtest.Opening{ContactID: named(t, s, "Jane", 1), ChannelID: s.AddChannel(platform)}
		first, second := s.Open(o), s.Open(o)
		want(t, platform, first != second, several)
		want(t, "on another channel", s.StartConversation(o.ContactID) != first, true)
	}
}

func TestPoint06ConversationsAreChanged(t *testing.T) {
	s := newServer(t, calm())
	jane := named(t, s, "Jane", 1)
	old := s.StartConversation(jane)
	path := "/conversations/" + old
	for _, tt := range []struct {
		name   string
		body   any
		status int
		field  string
		value  any // of the field, or the message of a refusal
	}{
		{"name", object{"name": "ESCALATION"}, 200, "name", "ESCALATION"},
		{"null name", object{"name": nil}, 200, "name", ""},
		{"description", object{"description": "d"}, 200, "description", "d"},
		{"visibility", object{"visibility": "private"}, 200, "visibility", "private"},
		{"unknown visibility", object{"visibility": "secret"}, 422, "message", "visibility is unknown"},
		{"accessibility", object{"accessibility": "invite-only"}, 200, "accessibility", "invite-only"},
		{"unknown accessibility", object{"accessibility": "x"}, 422, "message", "accessibility is unknown"},
		{"unknown status", object{"status": "archived"}, 422, "message", "status must be active or closed"},
		{"closed", object{"status": "closed"}, 200, "status", "closed"},
		{"nothing else moved", object{}, 200, "visibility", "private"},
		{"reopened", object{"status": "active"}, 200, "status", "active"},
	} {
		status, body := call(t, s, "PATCH", path, tt.body)
		want(t, tt.name, []any{status, body[tt.field]}, []any{tt.status, tt.value})
	}
	s.CloseConversation(old)
	fresh := s.StartConversation(jane)
	status, body := call(t, s, "PATCH", path, object{"status": "active"})
	want(t, "beside another one", []any{status, body}, []any{409, object{"code": "ResourceAlreadyExists",
		"message": "another active conversation exists for contact +573000000001"}})
	want(t, "the admin neither", []any{s.ReopenConversation(old), s.ReopenConversation(fresh)}, []any{false, true})
	for _, after := range []struct{ method, path string }{{"DELETE", path}, {"GET", path}, {"PATCH", path}, {"GET", path + "/messages"}} {
		status, body := call(t, s, after.method, after.path, nil)
		if after.method == "DELETE" {
			want(t, "deleted", status, 204)
		} else {
			want(t, after.method, []any{status, body["message"]}, []any{404, "conversation not found"})
		}
	}
}

func TestPoint06AttributesMergeOrReplace(t *testing.T) {
	for replace, after := range map[bool]object{false: {"kept": "1", "new": "3"}, true: {"new": "3"}} {
		o := calm()
		o.ReplaceConversationAttributes = replace
		s := newServer(t, o)
		id := s.Open(birdtest.Opening{ContactID: named(t, s, "Jane", 1), Attributes: map[string]string{"kept": "1", "gone": "2"}})
		status, body := call(t, s, "PATCH", "/conversations/"+id, object{"attributes": object{"new": "3", "gone": nil}})
		want(t, "attributes", []any{status, body["attributes"]}, []any{200, after})
		_, body = call(t, s, "PATCH", "/conversations/"+id, object{"name": "x"})
		want(t, "without any", body["attributes"], any(after))
	}
}

func TestPoint06ConversationsAreListed(t *testing.T) {
	s := newServer(t, calm())
	chat := s.AddChannel("livechat")
	jane := named(t, s, "Jane", 1)
	var all []string
	for range 12 {
		all = append(all, s.Open(birdtest.Opening{ContactID: jane, ChannelID: chat}))
	}
	direct := s.StartConversation(jane)
	task := s.Open(birdtest.Opening{ContactID: named(t, s, "Bob", 2), Style: "resource", Resource: "task:1"})
	s.CloseConversation(all[0])
	for path, ids := range map[string][]any{
		"?limit=2":              {task, direct},
		"?limit=2&reverse=true": {all[0], all[1]},
		"?status=closed":        {all[0]},
		"?resource=task:1":      {task},
		"?channelId=" + birdtest.DefaultChannel + "&status=active": {task, direct},
	} {
		want(t, path, results(t, s, "/conversations"+path, "id"), ids)
	}
	_, page := call(t, s, "GET", "/conversations", nil)
	_, rest := call(t, s, "GET", "/conversations?pageToken="+page["nextPageToken"].(string), nil)
	want(t, "pages", []any{len(page["results"].([]any)), len(rest["results"].([]any)), rest["nextPageToken"]}, []any{10, 4, nil})
	for _, bad := range []string{"?limit=101", "?resource=" + strings.Repeat("x", 61), "?pageToken=x"} {
		status, body := call(t, s, "GET", "/conversations"+bad, nil)
		want(t, bad, []any{status, body["code"]}, []any{422, "InvalidPayload"})
	}
}

func TestPoint06ParticipantsOfFiveTypes(t *testing.T) {
	s := newServer(t, calm())
	jane, bob := named(t, s, "Jane", 1), named(t, s, "Bob", 2)
	id := s.StartConversation(jane)
	path := "/conversations/" + id + "/participants"
	for _, tt := range []struct {
		name   string
		body   object
		status int
	}{
		{"contact by identifier", object{"type": "contact", "identifierKey": "phonenumber", "identifierValue": "+573000000002"}, 200},
		{"the same again", object{"type": "contact", "id": bob}, 200},
		{"user", object{"type": "user", "id": birdtest.DefaultAgent}, 200},
		{"unknown user", object{"type": "user", "id": "none"}, 404},
		{"flow", object{"type": "flow", "id": "f1"}, 200},
		{"flow without id", object{"type": "flow"}, 422},
		{"access key", object{"type": "accessKey", "id": "k1"}, 200},
		{"bot", object{"type": "bot", "id": "b1"}, 200},
	} {
		status, body := call(t, s, "POST", path, tt.body)
		want(t, tt.name, status, tt.status)
		if status == 200 {
			want(t, tt.name, body["type"], tt.body["type"])
		}
	}
	types := []any{"contact", "contact", "user", "flow", "accessKey", "bot"}
	want(t, "all", results(t, s, path, "type"), types)
	want(t, "last", results(t, s, path+"?reverse=true&limit=1", "type"), []any{"bot"})
	_, body := call(t, s, "GET", "/conversations/"+id, nil)
	want(t, "featured", []any{len(body["featuredParticipants"].([]any)), body["activeParticipantCount"]}, []any{5, 6.0})

	for _, tt := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"GET", "/" + bob, nil, 200}, {"GET", "/phonenumber/+573000000002", nil, 200},
		{"PATCH", "/" + bob, object{"status": "pending"}, 200}, {"PATCH", "/" + bob, object{"status": "x"}, 422},
		{"DELETE", "/phonenumber/+573000000002", nil, 204}, {"GET", "/" + bob, nil, 404}, {"GET", "/phonenumber/+573000000009", nil, 404},
	} {
		status, _ := call(t, s, tt.method, path+tt.path, tt.body)
		want(t, tt.method+" "+tt.path, status, tt.status)
	}
}

func TestPoint06IdentifiersOfParticipants(t *testing.T) {
	address := object{"identifierKey": "phonenumber", "identifierValue": "+573000000001", "platformAddress": "+573000000001",
		"platformAddressSelector": "identifiers.phonenumber"}
	base := object{"type": "contact", "status": "active", "displayName": "Jane", "avatarUrl": ""}
	for _, tt := range []struct {
		name   string
		set    func(*birdtest.Server)
		change object
	}{
		{"below contact", func(*birdtest.Server) {}, object{"contact": address}},
		{"without plus", func(s *birdtest.Server) { s.SetPlainPhones(true) },
			object{"contact": with(address, object{"identifierValue": "573000000001", "platformAddress": "573000000001"})}},
		{"on the top level", func(s *birdtest.Server) { s.SetFlatParticipants(true) },
			object{"identifierKey": "phonenumber", "identifierValue": "+573000000001"}},
	} {
		s := newServer(t, calm())
		jane := named(t, s, "Jane", 1)
		id := s.StartConversation(jane)
		tt.set(s)
		_, body := call(t, s, "GET", "/conversations/"+id, nil)
		want(t, tt.name, body["featuredParticipants"].([]any)[0], any(with(with(base, tt.change), object{"id": jane})))
	}
}

func TestPoint06ConversationsOfAParticipant(t *testing.T) {
	s := newServer(t, calm())
	sms := s.AddChannel("sms")
	jane, bob := named(t, s, "Jane", 1), named(t, s, "Bob", 2)
	first := s.StartConversation(jane)
	s.CloseConversation(first)
	second := s.Open(birdtest.Opening{ContactID: jane, ChannelID: sms})
	s.AgentSays(second, "Hello")
	for path, ids := range map[string][]any{
		jane:                        {second, first},
		"phonenumber/+573000000001": {second, first},
		birdtest.DefaultAgent:       {second},
		bob:                         nil,
		"phonenumber/+573000000001/conversations?channelId=" + sms: {second},
	} {
		if !strings.Contains(path, "?") {
			path += "/conversations"
		}
		want(t, path, results(t, s, "/participants/"+path, "id"), ids)
	}
	for _, path := range []string{"none", "phonenumber/+573000000009"} {
		status, body := call(t, s, "GET", "/participants/"+path+"/conversations", nil)
		want(t, path, []any{status, body["message"]}, []any{404, "participant not found"})
	}
}

func TestPoint06ChannelsWithoutConversations(t *testing.T) {
	s := newServer(t, calm())
	h := newHook(t, 200)
	for _, event := range []string{"conversation.created", "conversation.updated", "conversation.deleted", "whatsapp.inbound"} {
		s.Subscribe(event, h.URL, "key")
	}
	jane := named(t, s, "Jane", 1)
	path := "/channels/" + birdtest.DefaultChannel
	for _, tt := range []struct {
		method, path string
		body         any
		status       int
		field        string
		value        any
	}{
		{"GET", "/channels/none", nil, 404, "message", "channel not found"},
		{"GET", path, nil, 200, "platformId", "whatsapp"},
		{"GET", path + "/conversational", nil, 200, "status", "active"},
		{"PATCH", path + "/conversational", object{"status": "x"}, 422, "code", "InvalidPayload"},
		{"PATCH", path + "/conversational", object{"status": "inactive"}, 200, "status", "inactive"},
	} {
		status, body := call(t, s, tt.method, tt.path, tt.body)
		want(t, tt.method+" "+tt.path, []any{status, body[tt.field]}, []any{tt.status, tt.value})
	}
	conversation, message := s.ContactWrites(birdtest.DefaultChannel, jane, "Hello")
	waitWebhooks(t, s)
	want(t, "off", []any{conversation, len(h.bodies()), h.bodies()[0]["event"]}, []any{"", 1, "whatsapp.inbound"})
	want(t, "channels", results(t, s, "/channels", "id"), []any{birdtest.DefaultChannel})
	want(t, "list", results(t, s, path+"/messages", "id"), []any{message})
	want(t, "all channels", results(t, s, "/channels/messages", "id"), []any{message})

	want(t, "switch", []bool{s.SetConversational(birdtest.DefaultChannel, true), s.SetConversational("none", true)}, []bool{true, false})
	conversation, _ = s.ContactWrites(birdtest.DefaultChannel, jane, "Hello again")
	same, _ := s.ContactWrites(birdtest.DefaultChannel, jane, "Anybody?")
	s.CloseConversation(conversation)
	fresh, _ := s.ContactWrites(birdtest.DefaultChannel, jane, "Third")
	want(t, "on", []bool{conversation != "", same == conversation, fresh == conversation}, []bool{true, true, false})
}
