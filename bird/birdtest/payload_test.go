package birdtest_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// payloads are examples of what Bird says and takes, and their schemas. The
// field leads to the part that has the schema; a list is checked one by one.
// Two examples are cut short at their source and left out:
// conversation-list-live and conversation-get-all-fields.
var payloads = []struct{ file, field, schema string }{
	{"contact-get-live", "", "Contact"},
	{"contact-list-response", "", "ContactList"},
	{"contact-search-response", "", "ContactList"},
	{"payloads/contact-create-request", "", "ContactCreate"},
	{"payloads/contact-identifier-create-response-201", "", "ContactIdentifier"},
	{"payloads/contact-identifiers-list-response", "results", "ContactIdentifier"},
	{"payloads/contact-search-request", "", "ContactSearch"},
	{"payloads/contact-upsert-by-identifier-request", "", "ContactPatch"},
	{"payloads/contact-upsert-by-identifier-request-all-fields", "", "ContactPatch"},
	{"payloads/contact-upsert-by-identifier-response-200", "", "Contact"},
	{"payloads/attribute-definition-create-request", "", "AttributeDefinition"},
	{"payloads/attribute-definition-response", "", "AttributeDefinition"},
	{"payloads/conversation-create-request", "", "ConversationCreate"},
	{"payloads/conversation-create-response-201", "", "Conversation"},
	{"payloads/conversation-close-request", "", "ConversationPatch"},
	{"payloads/conversation-update-request", "", "ConversationPatch"},
	{"payloads/conversation-get-live", "", "Conversation"},
	{"payloads/conversation-message-create-request", "", "MessageCreate"},
	{"payloads/conversation-message-create-response-201", "", "Message"},
	{"payloads/conversation-messages-list-response", "", "MessageList"},
	{"payloads/conversation-participants-live", "results", "Participant"},
	{"payloads/feed-items-search-request", "", "FeedItemSearch"},
	{"payloads/webhook-subscription-create-request", "", "WebhookSubscription"},
	{"payloads/webhook-subscription-response-201", "", "WebhookSubscription"},
	{"event-conversation-created", "payload", "Conversation"},
	{"event-conversation-deleted", "payload", "Conversation"},
	{"event-conversation-updated-closed", "payload", "Conversation"},
	{"event-conversation-updated-inbound-message", "payload", "Conversation"},
	{"payloads/event-conversation-updated-agent-joined", "payload", "Conversation"},
	{"payloads/event-conversation-updated-outbound-message", "payload", "Conversation"},
	{"event-whatsapp-inbound", "", "WebhookEnvelope"},
	{"event-whatsapp-outbound-agent-no-body", "", "WebhookEnvelope"},
}

func TestPayloadsOfTheReferenceConform(t *testing.T) {
	doc, err := model()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		v := payload(t, p.file)
		if p.field != "" {
			v = v.(object)[p.field]
		}
		all, many := v.([]any)
		if !many {
			all = []any{v}
		}
		for _, v := range all {
			err := doc.ValidateSchemaJSON(doc.Components.Schemas[p.schema].Value, v, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
			if err != nil {
				t.Errorf("%s: %v", p.file, err)
			}
		}
	}
}

// payload reads an example from the adapter's test data.
func payload(t *testing.T, name string) any {
	t.Helper()
	data, err := os.ReadFile("../testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(name, err)
	}
	return v
}

func TestRequestsOfTheReferenceAreTaken(t *testing.T) {
	s := newServer(t, nil)
	id := person(t, s)
	for _, tt := range []struct {
		method, path, file string
		status             int
	}{
		{"POST", "/contacts", "contact-create-request", 201},
		{"POST", "/contacts/search", "contact-search-request", 200},
		{"PATCH", "/contacts/identifiers/emailaddress/contacts@example.com", "contact-upsert-by-identifier-request", 200},
		{"PATCH", "/contacts/identifiers/emailaddress/new@example.com", "contact-upsert-by-identifier-request-all-fields", 201},
		{"PATCH", "/contacts/" + id, "contact-upsert-by-identifier-request-all-fields", 409},
		{"POST", "/attribute-definitions", "attribute-definition-create-request", 201},
		{"POST", "/attribute-definitions", "attribute-definition-create-request", 409},
		{"POST", "/webhook-subscriptions", "webhook-subscription-create-request", 201},
	} {
		status, body := call(t, s, tt.method, tt.path, payload(t, "payloads/"+tt.file))
		if status != tt.status {
			t.Errorf("%s: %d %v", tt.file, status, body)
		}
	}
}
