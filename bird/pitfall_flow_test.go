package bird_test

import (
	"strings"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/sync"
)

// The pitfalls that others met and that concern Flow calls and summaries, by
// their numbers in the project's list.

// A mistyped identifier in an upsert creates a junk contact. A Flow call is
// about the contact whose id it names and about no other: it carries no write.
func TestPitfall26MistypedIdentifiersCreateNoContact(t *testing.T) {
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{})
	status, says := callFlow(f, `{"event":"contact.updated","msisdn":"+5730000000O1","email":"jane@exmaple"}`)
	equal(t, "without the contact's id", []any{status, strings.Contains(says, "bird_contact_id")}, []any{422, true})
	status, _ = callFlow(f, `{"event":"contact.updated","bird_contact_id":"c1","msisdn":"+5730000000O1"}`)
	equal(t, "status", status, 204)
	equal(t, "all it does is look", len(in.items), 1)
	equal(t, "at the contact", in.changes()[0].Ref, ref("c1"))
}

// Contacts who use a WhatsApp user name have no phone.
func TestPitfall30ContactsWithoutAPhone(t *testing.T) {
	in := &inbox{}
	status, _ := callFlow(flowReceiver(t, in, bird.FlowOptions{}), `{"event":"message.received","bird_contact_id":"c1","message_id":"m1","msisdn":"","text":"Hi"}`)
	equal(t, "status", status, 204)
	equal(t, "data", in.facts()[0].Data, map[string]any{"bird_contact_id": "c1", "message_id": "m1", "text": "Hi"})

	out := htmlOf(t, summarizer(t, bird.SummaryOptions{}), bird.Thread{Messages: []bird.Message{
		said(bird.Participant{ID: "c1", Type: "contact", IdentifierKey: "whatsappusername", IdentifierValue: "jane.example"}, 1, "Hi")}})
	equal(t, "the summary names her", strings.Contains(out, "jane.example (contact)"), true)
}

// Phones come with and without their "+".
func TestPitfall31PhonesWithAndWithoutPlus(t *testing.T) {
	for _, msisdn := range []string{`"+573000000001"`, `"573000000001"`, `573000000001`, `["573000000001"]`, `"[\"573000000001\"]"`, `"[573000000001]"`} {
		in := &inbox{}
		f := flowReceiver(t, in, bird.FlowOptions{Witness: []string{"msisdn"}})
		for _, event := range []string{"contact.updated", "escalation.triggered"} {
			callFlow(f, `{"event":"`+event+`","bird_contact_id":"c1","msisdn":`+msisdn+`}`)
		}
		equal(t, msisdn, in.facts()[0].Data["msisdn"], any("+573000000001"))
		equal(t, msisdn, in.changes()[0].Witness["msisdn"], sync.Text("+573000000001").Digest())
	}
	in := &inbox{}
	callFlow(flowReceiver(t, in, bird.FlowOptions{}), `{"event":"escalation.triggered","bird_contact_id":"c1","msisdn":["573000000001","+573000000002"]}`)
	equal(t, "several", in.facts()[0].Data["msisdn"], any([]any{"+573000000001", "+573000000002"}))
	in = &inbox{}
	callFlow(flowReceiver(t, in, bird.FlowOptions{}), `{"event":"escalation.triggered","bird_contact_id":"c1","msisdn":["","573000000001",[]]}`)
	equal(t, "one of several", in.facts()[0].Data["msisdn"], any("+573000000001"))
}

// A phone that has changed hands must not hit the wrong person: who is meant
// is said by the contact's id alone.
func TestPitfall32ThePhoneNeverSaysWhoIsMeant(t *testing.T) {
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{})
	callFlow(f, `{"event":"escalation.triggered","event_id":"1","bird_contact_id":"c1","msisdn":"+573000000001"}`)
	callFlow(f, `{"event":"escalation.triggered","event_id":"1","bird_contact_id":"c2","msisdn":"+573000000001"}`)
	facts := in.facts()
	equal(t, "subjects", []sync.Ref{facts[0].Subject, facts[1].Subject}, []sync.Ref{ref("c1"), ref("c2")})
	equal(t, "one fact", facts[0].ID == facts[1].ID, false)
}

// Template variables cannot index arrays, so whole arrays arrive, as arrays or
// as text, and variables that Bird does not know arrive as they were typed.
func TestPitfall33TemplatesCannotIndexArrays(t *testing.T) {
	for raw, want := range map[string]any{
		`["a@example.com"]`:                       "a@example.com",
		`"[\"a@example.com\"]"`:                   "a@example.com",
		`["a@example.com","b@example.com"]`:       []any{"a@example.com", "b@example.com"},
		`"[\"a@example.com\",\"b@example.com\"]"`: []any{"a@example.com", "b@example.com"},
		`[]`:   nil,
		`"[]"`: nil,
		`"{{context.contact.attributes.emailaddress[0]}}"`:   nil,
		`["{{context.contact.attributes.emailaddress[0]}}"]`: nil,
		`"[12345678901234567890, 2]"`:                        []any{number("12345678901234567890"), number("2")},
		`"[1] and [2]"`:                                      "[1] and [2]",
		`[[]]`:                                               nil,
		`"[not"`:                                             "[not",
	} {
		in := &inbox{}
		status, _ := callFlow(flowReceiver(t, in, bird.FlowOptions{}), `{"event":"escalation.triggered","bird_contact_id":"c1","email":`+raw+`}`)
		equal(t, raw, status, 204)
		equal(t, raw, in.facts()[0].Data["email"], want)
	}
}

// A Flow's step that is sent again hours later is taken, and is the same fact.
func TestPitfall01LateFlowCallsAreTaken(t *testing.T) {
	in := &inbox{}
	at := time.Date(2026, 1, 22, 4, 20, 0, 0, time.UTC)
	f := flowReceiver(t, in, bird.FlowOptions{Now: func() time.Time { return at }})
	const body = `{"event":"escalation.triggered","event_id":"1","bird_contact_id":"c1","occurred_at":"2026-01-22T04:20:00Z"}`
	callFlow(f, body)
	at = at.Add(20 * time.Hour)
	callFlow(f, body)
	facts, changes := in.facts(), in.changes()
	equal(t, "fact", facts[0], facts[1])
	equal(t, "change", changes[0], changes[1])
}

// Unset, a secret must not mean that everybody is let in.
func TestPitfall11NoSecretNoFlowReceiver(t *testing.T) {
	_, err := bird.NewFlowReceiver(&inbox{}, bird.FlowOptions{})
	equal(t, "rule", failure(t, err, sync.Fatal).Rule, "flow.secrets")
}

// A preview cut at about 140 characters is not what was said: what a summary
// shows are the messages, as long as they are.
func TestPitfall06SummariesShowWholeMessages(t *testing.T) {
	text := strings.Repeat("long words ", 100) + "end"
	thread := bird.Thread{Conversation: bird.Conversation{LastMessage: bird.Preview{Text: text[:140]}}, Messages: []bird.Message{said(jane, 1, text)}}
	equal(t, "whole", strings.Contains(htmlOf(t, summarizer(t, bird.SummaryOptions{}), thread), text), true)
}
