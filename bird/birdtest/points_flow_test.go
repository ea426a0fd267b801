package birdtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

func TestPoint13TemplatesOfFlows(t *testing.T) {
	for _, asText := range []bool{false, true} {
		s := newServer(t, &birdtest.Options{ArraysAsText: asText})
		h := newHook(t, 200)
		id, err := s.Create(object{"name": "Jane", "msisdn": "+573000000001", "age": 30.0, "sync.fase": "x", "external_id": "901", "tags": []any{"a", "b"}})
		if err != nil {
			t.Fatal(err)
		}
		conversation := s.StartConversation(id)
		s.AddFlow(birdtest.Flow{URL: h.URL, Events: []string{"tour.scheduled"}, Body: object{
			"event": "{{event}}", "who": "{{context.contact.id}}", "name": "Dear {{ context.contact.computedDisplayName }},",
			"phone": "{{context.contact.attributes.phonenumber}}", "email": "{{context.contact.attributes.emailaddress}}",
			"first": "{{context.contact.attributes.phonenumber[0]}}", "fase": "{{context.contact.attributes.sync.fase}}",
			"age": "{{context.contact.attributes.age}}", "tags": "tags: {{context.contact.attributes.tags}}",
			"hubspot": "{{context.contact.identifiers.external_id}}", "count": "{{context.contact.identifierCount}}",
			"conversation": []any{"{{context.conversation.id}}", "{{context.conversation.status}}"},
			"tour":         object{"starts_at": "{{arguments.starts_at}}", "place": "{{arguments.place}}"}, "kept": 1,
		}})
		if err := s.Edit(id, object{"city": "Cali"}); err != nil {
			t.Fatal(err)
		}
		s.RunFlow(id, "tour.scheduled", object{"starts_at": "2026-01-25T10:00:00Z", "unused": true})
		waitWebhooks(t, s)
		phone := any([]any{"+573000000001"})
		if asText {
			phone = `["+573000000001"]`
		}
		want(t, "bodies", h.bodies(), []object{{
			"event": "tour.scheduled", "who": id, "name": "Dear Jane,", "phone": phone, "email": "", "first": "", "fase": "x", "age": 30.0,
			"tags": `tags: ["a","b"]`, "hubspot": "901", "count": 2.0, "conversation": []any{conversation, "active"},
			"tour": object{"starts_at": "2026-01-25T10:00:00Z", "place": ""}, "kept": 1.0,
		}})
	}
}

// TestPoint13TheProposedTemplate renders the template that is proposed to
// customers.
func TestPoint13TheProposedTemplate(t *testing.T) {
	s := newServer(t, nil)
	h := newHook(t, 200)
	template := payload(t, "payloads/flow-http-body-template").(object)
	template["event"], template["event_id"] = "{{event}}", "{{run.id}}"
	s.AddFlow(birdtest.Flow{URL: h.URL, Body: template})
	id, err := s.Create(object{"name": "Jane", "email": "jane@example.com", "hubspotContactId": "901"})
	if err != nil {
		t.Fatal(err)
	}
	waitWebhooks(t, s)
	body := h.bodies()[0]
	want(t, "body", []any{body["event"], body["bird_contact_id"], body["email"], body["msisdn"], body["name"], body["external_id"], body["conversation_id"]},
		[]any{"contact.created", id, []any{"jane@example.com"}, "", "Jane", "901", ""})
}

func TestPoint13SecretsOfFlows(t *testing.T) {
	mac := func(body []byte) []byte {
		m := hmac.New(sha256.New, []byte("flow key"))
		m.Write(body)
		return m.Sum(nil)
	}
	for _, tt := range []struct {
		name, header string
		flow         birdtest.Flow
		want         func(body []byte) string
	}{
		{"bearer", "Authorization", birdtest.Flow{Bearer: "secret"}, func([]byte) string { return "Bearer secret" }},
		{"nothing", "Authorization", birdtest.Flow{}, func([]byte) string { return "" }},
		{"hexadecimal", "X-Signature", birdtest.Flow{HMACKey: "flow key"}, func(b []byte) string { return "sha256=" + hex.EncodeToString(mac(b)) }},
		{"base64", "X-Crm-Signature", birdtest.Flow{HMACKey: "flow key", Base64: true, SignatureHeader: "X-Crm-Signature"},
			func(b []byte) string { return "sha256=" + base64.StdEncoding.EncodeToString(mac(b)) }},
	} {
		s := newServer(t, nil)
		h := newHook(t, 200)
		tt.flow.URL = "https://sync.example.com/flows"
		s.Proxy("https://sync.example.com/flows", h.URL)
		s.AddFlow(tt.flow)
		s.RunFlow(person(t, s), "tour.scheduled", nil)
		waitWebhooks(t, s)
		want(t, tt.name+": calls", len(h.raw), 2)
		for i, body := range h.raw {
			want(t, tt.name, h.headers[i].Get(tt.header), tt.want(body))
			want(t, tt.name+": no webhook's signature", h.headers[i].Get("messagebird-signature")+h.headers[i].Get("messagebird-request-timestamp"), "")
		}
	}
}

func TestPoint13SeveralFlowsAndDoubledCalls(t *testing.T) {
	s := newServer(t, &birdtest.Options{FlowPause: time.Millisecond})
	all, some := newHook(t, 200), newHook(t, 500, 200)
	s.OnContactChange(all.URL, "secret")
	s.AddFlow(birdtest.Flow{URL: some.URL, Events: []string{"contact.updated"}})
	id := person(t, s)
	s.SetChaos(birdtest.Chaos{Duplicate: 1})
	if err := s.Edit(id, object{"city": "Cali"}); err != nil {
		t.Fatal(err)
	}
	waitWebhooks(t, s)
	want(t, "calls", []int{len(all.raw), len(some.raw)}, []int{3, 3}) // one and two doubled, one of them tried again
	b := some.bodies()
	want(t, "one run", []any{b[0]["event_id"], b[1]["event_id"]}, []any{b[2]["event_id"], b[2]["event_id"]})
	if all.bodies()[1]["event_id"] == b[0]["event_id"] {
		t.Error("two Flows share a run")
	}
	s.OnContactChange("", "")
	person(t, s)
	waitWebhooks(t, s)
	want(t, "after their end", []int{len(all.raw), len(some.raw)}, []int{3, 3})
}

// TestPoint13TriggersOfConversationsAndFeedItems runs a Flow on everything that
// has no webhook, and one that names nothing, which none of it runs.
func TestPoint13TriggersOfConversationsAndFeedItems(t *testing.T) {
	s := newServer(t, nil)
	id := person(t, s)
	named, unnamed := newHook(t, 200), newHook(t, 200)
	s.AddFlow(birdtest.Flow{URL: unnamed.URL})
	s.AddFlow(birdtest.Flow{URL: named.URL, Events: []string{"conversation.created", "feed_item.assigned", "feed_item.closed"}, Body: object{
		"event": "{{event}}", "who": "{{context.contact.id}}", "where": "{{context.conversation.id}}", "agent": "{{context.feedItem.agentId}}",
	}})
	conversation := s.StartConversation(id)
	waitWebhooks(t, s)
	s.Assign(conversation, birdtest.DefaultAgent)
	s.Assign(conversation, birdtest.DefaultAgent) // again: nothing moves
	waitWebhooks(t, s)
	s.Assign(conversation, "")
	s.CloseConversation(conversation)
	waitWebhooks(t, s)
	call := func(event string, agent any) object {
		return object{"event": event, "who": id, "where": conversation, "agent": agent}
	}
	want(t, "calls", named.bodies(), []object{
		call("conversation.created", ""), call("feed_item.assigned", birdtest.DefaultAgent), call("feed_item.closed", ""),
	})
	want(t, "unnamed", len(unnamed.raw), 0)
}
