package birdtest_test

import (
	"net/url"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// model is the part of the workspace API that is modelled in OpenAPI. What has
// no type there may be anything; the validator would not take null.
var model = stdsync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromFile("testdata/bird-workspace-api.json")
	if err != nil {
		return nil, err
	}
	for _, schema := range doc.Components.Schemas {
		for _, property := range schema.Value.Properties {
			if property.Value.Type == nil {
				property.Value.Type = &openapi3.Types{"array", "boolean", "null", "number", "object", "string"}
			}
		}
	}
	return doc, nil
})

// unnamed are the schemas of answers for which the model has none; "[]" marks
// a list of such.
var unnamed = map[string]string{
	"GET /workspaces/{workspaceId}/contacts/{contactId}/identifiers":                             "[]ContactIdentifier",
	"GET /workspaces/{workspaceId}/attribute-definitions":                                        "[]AttributeDefinition",
	"GET /workspaces/{workspaceId}/conversations":                                                "[]Conversation",
	"GET /workspaces/{workspaceId}/conversations/{conversationId}/messages/{messageId}":          "Message",
	"GET /workspaces/{workspaceId}/conversations/{conversationId}/participants":                  "[]Participant",
	"GET /workspaces/{workspaceId}/participants/{conversationParticipantId}/conversations":       "[]Conversation",
	"GET /workspaces/{workspaceId}/participants/{identifierKey}/{identifierValue}/conversations": "[]Conversation",
	"GET /workspaces/{workspaceId}/webhook-subscriptions":                                        "[]WebhookSubscription",
	"GET /workspaces/{workspaceId}/webhook-subscriptions/{id}":                                   "WebhookSubscription",
}

// conforms holds an answer to the model and returns the operation, "" for one
// that is not in it.
func conforms(t *testing.T, method, address string, status int, body any) string {
	t.Helper()
	doc, err := model()
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	template, op := operation(doc, method, u.EscapedPath())
	if op == nil {
		return ""
	}
	name := method + " " + template
	schema, list := schemaOf(doc, op, name, status)
	if schema == nil {
		return name
	}
	values := []any{body}
	if list {
		values, _ = body.(object)["results"].([]any)
	}
	for _, v := range values {
		if err := doc.ValidateSchemaJSON(schema, v, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation()); err != nil {
			t.Errorf("%s answers %d beside the model: %v", name, status, err)
		}
	}
	return name
}

// operation finds the operation of a path: of the templates that fit, the one
// with the most literal segments.
func operation(doc *openapi3.T, method, path string) (string, *openapi3.Operation) {
	parts := strings.Split(path, "/")
	best, most := "", -1
	for template := range doc.Paths.Map() {
		if n := literal(strings.Split(template, "/"), parts); n > most {
			best, most = template, n
		}
	}
	if best == "" {
		return "", nil
	}
	return best, doc.Paths.Value(best).GetOperation(method)
}

// literal counts the segments that are the same, -1 if the template does not
// fit.
func literal(template, parts []string) int {
	if len(template) != len(parts) {
		return -1
	}
	n := 0
	for i, part := range template {
		switch {
		case part == parts[i]:
			n++
		case !strings.HasPrefix(part, "{"):
			return -1
		}
	}
	return n
}

func schemaOf(doc *openapi3.T, op *openapi3.Operation, name string, status int) (schema *openapi3.Schema, list bool) {
	if status >= 400 {
		return doc.Components.Schemas["Error"].Value, false
	}
	if named, ok := unnamed[name]; ok {
		named, list = strings.CutPrefix(named, "[]")
		return doc.Components.Schemas[named].Value, list
	}
	answer := op.Responses.Status(status)
	if answer == nil || answer.Value.Content["application/json"] == nil {
		return nil, false
	}
	return answer.Value.Content["application/json"].Schema.Value, false
}

// TestEveryModelledOperationAnswersAsModelled walks through the whole API;
// send holds every answer of every test to the model.
func TestEveryModelledOperationAnswersAsModelled(t *testing.T) {
	s := newServer(t, &birdtest.Options{GETPerSecond: -1})
	seen := map[string]bool{}
	do := func(method, path string, body any) object {
		address := s.URL + "/workspaces/" + s.WorkspaceID + path
		status, answer := send(t, s, method, address, "AccessKey "+s.AccessKey, body)
		if status/100 != 2 {
			t.Errorf("%s %s: %d %v", method, path, status, answer)
		}
		seen[conforms(t, method, address, status, answer)] = true
		return answer
	}
	walkContacts(do)
	walkConversations(t, s, do)
	walkSubscriptions(do)
	doc, err := model()
	if err != nil {
		t.Fatal(err)
	}
	for template, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if !seen[method+" "+template] {
				t.Errorf("%s %s was not called", method, template)
			}
		}
	}
}

type caller = func(method, path string, body any) object

func walkContacts(do caller) {
	id := do("POST", "/contacts", object{"displayName": "Jane", "identifiers": []object{ident("phonenumber", "+573000000001")}})["id"].(string)
	do("GET", "/contacts", nil)
	do("GET", "/contacts/"+id, nil)
	do("PATCH", "/contacts/"+id, object{"attributes": object{"city": "Cali", "age": nil}})
	do("POST", "/contacts/search", object{"identifier": ident("phonenumber", "+573000000001")})
	do("POST", "/contacts/"+id+"/identifiers", ident("external_id", "901"))
	do("GET", "/contacts/"+id+"/identifiers", nil)
	do("PATCH", "/contacts/identifiers/emailaddress/jane@example.com", object{"strategy": "first"})
	do("POST", "/attribute-definitions", object{"key": "rooms", "type": "number", "pii": false, "readOnly": false})
	do("GET", "/attribute-definitions?limit=100", nil)
	do("DELETE", "/contacts/"+id, nil)
}

func walkConversations(t *testing.T, s *birdtest.Server, do caller) {
	contact, err := s.Create(object{"name": "Bob", "msisdn": "+573000000002"})
	if err != nil {
		t.Fatal(err)
	}
	id := do("POST", "/conversations", object{"name": "Lead", "channelId": birdtest.DefaultChannel,
		"participants": []object{{"type": "contact", "id": contact}}})["id"].(string)
	path := "/conversations/" + id
	do("GET", "/conversations", nil)
	do("GET", path, nil)
	do("PATCH", path, object{"attributes": object{"hubspotContactId": "901"}})
	message := do("POST", path+"/messages", object{"participantType": "flow", "participantId": birdtest.DefaultChannel,
		"body": object{"type": "text", "text": object{"text": "Hello"}}})["id"].(string)
	do("GET", path+"/messages", nil)
	do("GET", path+"/messages/"+message, nil)
	do("POST", path+"/participants", object{"type": "user", "id": birdtest.DefaultAgent})
	do("GET", path+"/participants", nil)
	do("GET", "/participants/"+contact+"/conversations", nil)
	do("GET", "/participants/phonenumber/+573000000002/conversations", nil)
	do("GET", "/channels/"+birdtest.DefaultChannel+"/conversational", nil)
	do("PATCH", "/channels/"+birdtest.DefaultChannel+"/conversational", object{"status": "active"})
	do("GET", "/channels/"+birdtest.DefaultChannel+"/messages/"+message, nil)
	do("GET", "/agents", nil)
	s.SetSkew(1e10) // ten seconds: feed items are found late
	item := do("POST", "/search/feed-items", object{"conversationIds": []string{id}})["results"].([]any)[0].(object)
	do("PATCH", "/feeds/"+item["feedId"].(string)+"/items/"+item["id"].(string), object{"agentId": birdtest.DefaultAgent})
	do("DELETE", path, nil)
}

func walkSubscriptions(do caller) {
	path := "/webhook-subscriptions/" + do("POST", "/webhook-subscriptions", hooked(nil))["id"].(string)
	do("GET", "/webhook-subscriptions", nil)
	do("GET", path, nil)
	do("PATCH", path, object{"status": "inactive"})
	do("DELETE", path, nil)
	do("GET", "/available-webhooks?service=channels", nil)
}
