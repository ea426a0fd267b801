package bird

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func decoded[T any](data []byte) (any, error) {
	var v T
	err := json.Unmarshal(data, &v)
	return v, err
}

// told decodes the payload of an event.
func told[T any](data []byte) (any, error) {
	var e event
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, err
	}
	return decoded[T](e.Payload)
}

var (
	emailKeyed  = Participant{ID: "192c4449-9ccd-4747-8969-3bf07696af1c", Type: "accessKey", Status: "active", Name: "My first email key"}
	customer    = Participant{ID: "2d789fa4-85b7-4e59-b862-48062a0c0aa8", Type: "contact", Status: "active", Name: "John Doe", IdentifierKey: "emailaddress", IdentifierValue: "john.doe@bird.com"}
	program     = Participant{ID: "68b80b8d-8060-42df-bda3-73505a8fdb84", Type: "accessKey", Status: "active", Name: "My first email key"}
	prospect    = Participant{ID: "eda0fcff-73a9-4950-9dde-dcfda2d76a9e", Type: "contact", Name: "Example P", IdentifierValue: "+573110000000"}
	employee    = Participant{ID: "03725e24-c835-4dfa-980c-ec8a01b5f71c", Type: "bot", Name: "multimodal"}
	jane        = Participant{ID: "e013a75b-b5ac-4341-aa7c-571d38d067d0", Type: "contact", Status: "active", Name: "Jane Doe", IdentifierKey: "phonenumber", IdentifierValue: "+31612345678"}
	greeting    = Body{Type: "text", Text: "Hey, listen!"}
	definition1 = AttributeDefinition{Key: "propertyInterest", DisplayName: "Property interest", Description: "Written by the HubSpot sync", Cardinality: "one", Type: "string"}
)

// payloads says what each answer and event of the reference means.
var payloads = map[string]struct {
	decode func([]byte) (any, error)
	want   any
}{
	"agents-list-response": {decoded[page[Agent]], page[Agent]{Results: []Agent{{ID: "9f1b0c0e-0000-4000-8000-000000000002", Name: "Jane Agent",
		Teams: []Team{{ID: "7d1b0c0e-0000-4000-8000-000000000001", Name: "Leasing"}}, Status: "active", Activity: "available", Assigned: 3}}}},
	"attribute-definition-response": {decoded[AttributeDefinition], definition1},
	"channel-message-get-live": {decoded[Message], Message{ID: "de35d664-0000-4000-8000-000000000001", Status: "delivered",
		Body: Body{Type: "text", Text: "Hola"}}},
	"contact-identifier-create-response-201": {decoded[identifier], identifier{Key: "secondaryEmailAddress", Value: "contacts-secondary@bird.com",
		CreatedAt: moment{at("2025-06-30T18:03:44.185Z")}}},
	"contact-identifiers-list-response": {decoded[page[identifier]], page[identifier]{NextPageToken: "text", Results: []identifier{
		{Key: "secondaryEmailAddress", Value: "contacts-secondary@bird.com", CreatedAt: moment{at("2025-06-30T18:03:44.185Z")}}}}},
	"contact-upsert-by-identifier-response-200": {decoded[contact], contact{ID: "12bd0e40-9361-4e32-8b26-99b4ab7eae09", ComputedDisplayName: "John",
		FeaturedIdentifiers: []identifier{{Key: "emailaddress", Value: "contacts@example.com"}, {Key: "phonenumber", Value: "+31412345678"}},
		IdentifierCount:     1,
		Attributes: map[string]sync.Value{"firstName": sync.Text("John"), "lastName": sync.Text("Doe"), "timezone": sync.Text("America/Sao_Paulo"),
			"initialReference": sync.Text("32d6f4f9-7e9c-4271-bd83-9d6976808f2f")},
		UpdatedAt: moment{at("2024-11-26T15:00:00.000Z")}}},
	"conversation-create-response-201": {decoded[Conversation], Conversation{ID: "2280c45c-60d5-45a2-b51d-06ea752ca167", Name: "Email Subject",
		Status: "active", Visibility: "public", ChannelID: "25431165-c486-4a94-94f6-b3633c9af905",
		Featured: []Participant{emailKeyed, customer}, Initiator: emailKeyed,
		LastMessage: Preview{ID: "1c3a1c2d-2d27-4d5d-b7e4-ce62aecbba06", Type: "text", Text: "Hey, listen!", Status: "accepted", Sender: emailKeyed,
			CreatedAt: at("2024-11-25T20:12:10.514Z")},
		Attributes: map[string]string{"my-custom-attribute": "123"},
		CreatedAt:  at("2024-11-25T20:12:10.514Z"), UpdatedAt: at("2024-11-25T20:12:10.514Z")}},
	"conversation-get-all-fields": {decoded[Conversation], Conversation{ID: "7f7d4cff-2e27-4a1a-a2ba-0967341f974b", Status: "active",
		Visibility: "public", Style: "default", PlatformStyle: "direct", ChannelID: "e49b0247-4374-5652-bf37-bf937fa9983b",
		Featured: []Participant{}, LastIncomingAt: at("2026-05-07T12:00:00Z"), LastOutgoingAt: at("2026-05-07T12:00:00Z"),
		Attributes: map[string]string{}, CreatedAt: at("2026-05-07T12:00:00Z"), UpdatedAt: at("2026-05-07T12:00:00Z")}},
	"conversation-get-live": {decoded[Conversation], Conversation{ID: "7f7d4cff-2e27-4a1a-a2ba-0967341f974b", Status: "active",
		Visibility: "public", Style: "default", PlatformStyle: "direct", ChannelID: "e49b0247-4374-5652-bf37-bf937fa9983b",
		Featured: []Participant{{ID: "e013a75b-b5ac-4341-aa7c-571d38d067d0", Type: "contact", Status: "active", Name: "Example S",
			IdentifierKey: "phonenumber", IdentifierValue: "+573000000000"}},
		Attributes: map[string]string{"llmbotIds": "71f736c7-16cf-457e-8be9-e9b9ba2f7a4c", "typingStatus": "end"},
		CreatedAt:  at("2026-01-22T04:17:54.045Z"), UpdatedAt: at("2026-01-22T06:18:15.938Z")}},
	"conversation-list-live": {decoded[page[Conversation]], page[Conversation]{NextPageToken: "WyJ3b3...", Results: []Conversation{
		{ID: "ea4679c2-bba7-4e78-bdb7-2b8b4210d2e6", Status: "active", ChannelID: "f33977c7-1f94-5107-998b-8fb04853afa6",
			Featured: []Participant{prospect, employee},
			LastMessage: Preview{Type: "text", Text: "No puedo acceder al archivo. Intenta reenviarlo.", Status: "delivered",
				Sender: Participant{Type: "bot"}, CreatedAt: at("2025-12-13T03:27:11.889Z")},
			LastIncomingAt: at("2025-12-13T03:27:09.677Z"), LastOutgoingAt: at("2025-12-13T03:27:11.889Z"),
			Attributes: map[string]string{"llmbotIds": "03725e24-c835-4dfa-980c-ec8a01b5f71c", "typingStatus": "end"}}}}},
	"conversation-message-create-response-201": {decoded[Message], Message{ID: "0c854061-6026-48c7-a2e8-bffb6458727b",
		ConversationID: "16e1df9e-c6ac-406b-b1ce-13f34d0dea08", Sender: program, Status: "accepted", Source: "conversations", Body: greeting,
		CreatedAt: at("2024-11-25T20:12:10.514Z"), UpdatedAt: at("2024-11-25T20:12:10.514Z")}},
	"conversation-message-file-live": {decoded[Message], Message{ID: "c2c6db5b-9ffa-4b0c-af44-42062f29062c",
		ConversationID: "ea4679c2-bba7-4e78-bdb7-2b8b4210d2e6", Sender: Participant{Type: "contact", Name: "Example P"}, Status: "delivered",
		Body: Body{Type: "file", Text: "caption text", Files: []File{{Name: "example.xlsx", URL: "https://media.api.bird.com/workspaces/.../media/...",
			ContentType: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}}},
		CreatedAt: at("2025-12-13T03:27:09.677Z")}},
	"conversation-messages-list-response": {decoded[page[Message]], page[Message]{
		NextPageToken: "WyIyMDI0LTExLTE1VDEzOjM0OjQ1Ljc3NTYzMDE0OVoiLCJhMGEwM2IxOS03NTQ5LTRlZmUtOTBjZS1jNzdlYzI0ZjZmN2YiXQ==",
		Results: []Message{
			{ID: "0c854061-6026-48c7-a2e8-bffb6458727b", ConversationID: "16e1df9e-c6ac-406b-b1ce-13f34d0dea08", Sender: program, Status: "delivered",
				Source: "conversations", Body: greeting, CreatedAt: at("2024-11-25T20:12:10.514Z"), UpdatedAt: at("2024-11-25T20:12:35.281Z")},
			{ID: "3e75a9d2-2a54-45ac-856a-bbe02f874332", ConversationID: "16e1df9e-c6ac-406b-b1ce-13f34d0dea08", Reference: "3e75a9d2-2a54-45ac-856a-bbe02f874332",
				Sender: Participant{ID: "8f0b5377-2edc-4116-a8e8-6a475f245a04", Type: "contact", Status: "active", Name: "John Doe",
					IdentifierKey: "emailaddress", IdentifierValue: "some.customer@example.com"},
				Status: "delivered", Source: "channels", Body: Body{Type: "html", Text: "test\r\n", HTML: "<p>test</p>"},
				CreatedAt: at("2024-11-25T19:31:47.264Z"), UpdatedAt: at("2024-11-25T19:31:47.264Z")}}}},
	"conversation-participants-live": {decoded[page[Participant]], page[Participant]{Results: []Participant{prospect, employee}}},
	"event-conversation-updated-agent-joined": {told[Conversation], Conversation{ID: "7f7d4cff-2e27-4a1a-a2ba-0967341f974b", Status: "active",
		Visibility: "public", Style: "default", PlatformStyle: "direct", ChannelID: "e49b0247-4374-5652-bf37-bf937fa9983b",
		Featured: []Participant{jane, {ID: "5795352d-f111-407b-be33-c9db94e4a666", Type: "user", Status: "active", Name: "John Smith"}}, Initiator: jane,
		LastMessage: Preview{ID: "3e75a9d2-2a54-45ac-856a-bbe02f874332", Type: "text", Text: "Is the two-bedroom still available?", Status: "delivered",
			Sender: jane, CreatedAt: at("2026-01-22T04:17:54.040Z")},
		Attributes: map[string]string{"llmbotIds": "71f736c7-16cf-457e-8be9-e9b9ba2f7a4c"},
		CreatedAt:  at("2026-01-22T04:17:54.045Z"), UpdatedAt: at("2026-01-22T05:00:00.000Z")}},
	"event-conversation-updated.docs-partial": {told[Conversation], Conversation{ID: "badbf15c-bad3-4bf3-9223-6b7f414f9770", Status: "active",
		Visibility: "private", Featured: []Participant{
			{ID: "7dadb14e-91bb-4eb7-8b9e-7827dd74bf70", Type: "contact", Status: "active", Name: "Jane Doe",
				IdentifierKey: "facebookid-509207435603226", IdentifierValue: "27612960145016998"},
			{ID: "5795352d-f111-407b-be33-c9db94e4a666", Type: "user", Status: "active", Name: "John Smith"}},
		Initiator: Participant{ID: "7dadb14e-91bb-4eb7-8b9e-7827dd74bf70", Type: "contact", Status: "active"}}},
	"feed-items-search-response": {decoded[page[FeedItem]], page[FeedItem]{Results: []FeedItem{
		{ID: "a6b1f6c2-0000-4000-8000-000000000001", FeedID: "channel:e49b0247-4374-5652-bf37-bf937fa9983b"}}}},
}

// TestPayloadsDecode finds in every answer and event of the reference what the
// adapter uses.
func TestPayloadsDecode(t *testing.T) {
	for name, tt := range payloads {
		data, err := os.ReadFile("testdata/payloads/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		got, err := tt.decode(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(contact{}), cmp.Comparer(func(a, b sync.Value) bool { return a == b })); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// TestParticipantsInEitherSpelling reads addresses wherever they stand.
func TestParticipantsInEitherSpelling(t *testing.T) {
	for text, want := range map[string]Participant{
		`{"type":"contact","contact":{"identifierKey":"phonenumber","identifierValue":"573000000001"}}`:   {Type: "contact", IdentifierKey: "phonenumber", IdentifierValue: "+573000000001"},
		`{"type":"contact","identifierKey":"phonenumber","identifierValue":"+573000000001"}`:              {Type: "contact", IdentifierKey: "phonenumber", IdentifierValue: "+573000000001"},
		`{"type":"contact","identifierValue":"573000000001"}`:                                             {Type: "contact", IdentifierValue: "+573000000001"},
		`{"type":"contact","contact":{"platformAddress":"jane@example.com"}}`:                             {Type: "contact", IdentifierValue: "jane@example.com"},
		`{"type":"contact","contact":null,"identifierKey":"whatsappusername","identifierValue":"jane.d"}`: {Type: "contact", IdentifierKey: "whatsappusername", IdentifierValue: "jane.d"},
		`{"type":"contact","contact":{"identifierKey":"facebookid-1","identifierValue":"27612960145"}}`:   {Type: "contact", IdentifierKey: "facebookid-1", IdentifierValue: "27612960145"},
		`{}`: {},
	} {
		got, err := decoded[Participant]([]byte(text))
		if d := cmp.Diff(any(want), got); d != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, d)
		}
	}
}

// TestBodiesOfAnyKind takes what Bird may send one day for what it is.
func TestBodiesOfAnyKind(t *testing.T) {
	for text, want := range map[string]Body{
		`{"type":"image","image":{"text":"the roof","images":[{"mediaUrl":"https://media.example.com/1","altText":"roof"}]}}`: {Type: "image",
			Text: "the roof", Files: []File{{Name: "roof", URL: "https://media.example.com/1"}}},
		`{"type":"video","video":{"mediaUrl":"https://media.example.com/2","contentType":"video/mp4"}}`: {Type: "video",
			Files: []File{{ContentType: "video/mp4", URL: "https://media.example.com/2"}}},
		`{"type":"html","html":{"text":"a","html":"<b>a</b>","metadata":{"subject":"Hello"}}}`: {Type: "html", Text: "a", HTML: "<b>a</b>", Subject: "Hello"},
		`{"type":"location","location":{"coordinates":{"latitude":4.7}}}`:                      {Type: "location"},
		`{"type":"odd","odd":[1]}`:            {Type: "odd"},
		`{"type":"odd","odd":{"text":["a"]}}`: {Type: "odd"},
		`{"type":7}`:                          {},
		`"text"`:                              {},
		`null`:                                {},
	} {
		got, err := decoded[Body]([]byte(text))
		if d := cmp.Diff(any(want), got); d != "" || err != nil {
			t.Errorf("%s: %v %s", text, err, d)
		}
	}
	m, err := decoded[Message]([]byte(`{"id":"m1","template":{"projectId":"p1"},"interactions":null,"createdAt":"yesterday"}`))
	if d := cmp.Diff(any(Message{ID: "m1", Body: Body{Type: "template"}}), m); d != "" || err != nil {
		t.Error(err, d)
	}
}

// TestErrorsAreClassified plays every error of the reference for every kind of
// record that it can concern.
func TestErrorsAreClassified(t *testing.T) {
	data, err := os.ReadFile("testdata/errors.json")
	if err != nil {
		t.Fatal(err)
	}
	var answers map[string]struct {
		Status int
		Body   json.RawMessage
	}
	if err := json.Unmarshal(data, &answers); err != nil {
		t.Fatal(err)
	}
	const id = "7f7d4cff-2e27-4a1a-a2ba-0967341f974b"
	for name, tt := range map[string]struct {
		ref    sync.Ref
		action sync.Action
		rule   string
		hint   string // a part of it
	}{
		"401":                      {ref(id), sync.Denied, "bird.authorized", "a key without a role"},
		"403":                      {ref(id), sync.Denied, "bird.policy", "policy"},
		"404":                      {messageRef(id), sync.NotFound, "message.exists", ""},
		"409-duplicate-identifier": {ref(id), sync.Conflict, "identifier.unique", "another contact"},
		"409-conversation":         {conversationRef(""), sync.Conflict, "conversation.active", "another active"},
		"409-reopen":               {sync.Ref{System: System, Kind: feedItemKind, ID: id}, sync.Conflict, "conversation.active", "another active"},
		"422-conversation-name":    {conversationRef(""), sync.Invalid, "bird.payload", ""},
		"422-closed-conversation":  {conversationRef(id), sync.Invalid, "bird.payload", "reopen"},
		"429":                      {ref(id), sync.RetryAt, "bird.rate", "GETPerSecond"},
	} {
		answer, ok := answers[name]
		if !ok {
			t.Fatal("no such answer:", name)
		}
		delete(answers, name)
		res := &httpx.Response{Status: answer.Status, Body: answer.Body, RequestID: "r1"}
		r := request{op: "bird: test", ref: tt.ref, method: http.MethodPatch}
		got := r.refused(res)
		if answer.Status == http.StatusTooManyRequests {
			got = r.throttled(res, time.Now())
		}
		e, _ := errors.AsType[*sync.Error](got)
		if e.Action != tt.action || e.Rule != tt.rule || !strings.Contains(e.Hint, tt.hint) {
			t.Errorf("%s: %v", name, got)
		}
		if strings.Contains(got.Error(), "+57") || strings.Contains(got.Error(), "message not found") {
			t.Errorf("%s: the error's text repeats Bird's: %v", name, got)
		}
		api, _ := errors.AsType[*APIError](e)
		if api.Code == "" || api.Message == "" || (name == "409-conversation") != (api.ConversationID == id) {
			t.Errorf("%s: %+v", name, api)
		}
	}
	for name := range answers {
		t.Error("not classified:", name)
	}
}

// TestOnlyTheNamedDetailIsTheConversation takes no other id out of an answer:
// traces are UUIDs, too.
func TestOnlyTheNamedDetailIsTheConversation(t *testing.T) {
	const trace = "5795352d-f111-407b-be33-c9db94e4a666"
	for _, body := range []string{
		`{"code":"ContactAlreadyInConversation","traceId":"` + trace + `"}`,
		`{"code":"ContactAlreadyInConversation","message":"see ` + trace + `","details":{"trace":"` + trace + `"}}`,
		`{"code":"ContactAlreadyInConversation","details":["` + trace + `"]}`,
		`{"code":"ContactAlreadyInConversation","details":{"conversationId":"../` + trace + `"}}`,
	} {
		got := apiError(&httpx.Response{Status: 409, Body: []byte(body)})
		if got.ConversationID != "" || got.Code != "ContactAlreadyInConversation" {
			t.Errorf("%s: %+v", body, got)
		}
	}
}

// TestHistoryKnowsTheBotByItsWords, where nothing else tells of it any more.
func TestHistoryKnowsTheBotByItsWords(t *testing.T) {
	c := Conversation{ID: "v1", Status: "active"}
	said := func(kind string) Message { return Message{ID: kind, Sender: Participant{ID: kind, Type: kind}} }
	for _, tt := range []struct {
		messages []Message
		handed   bool
	}{
		{[]Message{said("contact"), said("user")}, false},
		{[]Message{said("contact"), said("bot"), said("user")}, true},
		{[]Message{said("bot"), said("flow"), said("accessKey")}, false},
	} {
		handed := false
		for _, f := range c.history(ref("c1"), tt.messages) {
			handed = handed || f.ID == escalatedID("v1", "user")
		}
		if handed != tt.handed {
			t.Errorf("%v: %v", tt.messages, handed)
		}
	}
}
