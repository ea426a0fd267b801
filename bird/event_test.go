package bird_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
)

// ids are the ids of the distinct facts of a type.
func ids(in *inbox, fact string) map[string]bool {
	found := map[string]bool{}
	for _, f := range in.facts() {
		if f.Type == fact {
			found[f.ID] = true
		}
	}
	return found
}

func TestEveryClosingIsOneFact(t *testing.T) {
	s, _ := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	in, wait := listen(t, s, "conversation.created", "conversation.updated")
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	turn := func(say string, closings int) {
		t.Helper()
		if say != "" {
			s.ReopenConversation(talk)
			s.ContactSays(talk, say)
		}
		s.CloseConversation(talk)
		wait()
		equal(t, "closings", len(ids(in, "conversation.closed")), closings)
	}
	turn("", 1) // before a word is said
	turn("", 1) // told again
	turn("Hello?", 2)
	turn("", 2)
	turn("Anybody?", 3)
	s.DeleteConversation(talk)
	wait()
	equal(t, "closings", len(ids(in, "conversation.closed")), 3)
	equal(t, "beginnings", len(ids(in, "conversation.started")), 1)
}

// TestHandOversAreTold follows a conversation from the AI employee to a person
// and back, which is told once, and to the next person.
func TestHandOversAreTold(t *testing.T) {
	s, _ := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	in, wait := listen(t, s, "conversation.created", "conversation.updated", "whatsapp.outbound")
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	other := birdtest.Participant{ID: "9f1b0c0e-6a52-4f0e-8d0b-3c7a1e5b9d03", Type: "user", Status: "active"}
	for i, tt := range []struct {
		say     func() string
		persons int
	}{
		{func() string { return s.ContactSays(talk, "Hello") }, 0},
		{func() string { return s.BotSays(talk, "Hello") }, 0},
		{func() string { return s.AgentSays(talk, "Here I am") }, 1},
		{func() string { return s.AgentSays(talk, "And now?") }, 1},
		{func() string { return s.BotSays(talk, "Hello again") }, 1},
		{func() string { return s.InboxSays(talk, "No, I") }, 1},
		{func() string { return s.Say(talk, birdtest.Saying{From: other, Body: birdtest.TextBody("Or I")}) }, 2},
	} {
		if tt.say() == "" {
			t.Fatal("nothing was said")
		}
		wait()
		equal(t, fmt.Sprint("after message ", i), len(ids(in, "escalation.triggered")), tt.persons)
	}
}

// TestTheFactIsItsSenders: of several contacts in a conversation, a message is
// about the one who wrote it.
func TestTheFactIsItsSenders(t *testing.T) {
	in := &inbox{}
	body := `{"event":"conversation.updated","payload":{"id":"v1","status":"active","initiatingParticipant":{"id":"c1","type":"contact"},
		"lastMessage":{"id":"m1","type":"text","preview":{"text":"Hi"},"sender":{"id":"c2","type":"contact"}}}}`
	equal(t, "status", answer(receiver(t, in), hook(body, hookKey, time.Now())), 204)
	equal(t, "subject", in.facts()[0].Subject, ref("c2"))
	equal(t, "changes", len(in.changes()), 2)
}

// TestNewsOfTwoEventsIsOneFact: a message is told by its channel and by its
// conversation, whichever is first, and may be told by the bare context.
func TestNewsOfTwoEventsIsOneFact(t *testing.T) {
	s, _ := connect(t, &birdtest.Options{StatusDelay: -1, IndexDelay: -1})
	in, wait := listen(t, s, "conversation.updated", "whatsapp.inbound", "whatsapp.outbound")
	talk := s.StartConversation(create(t, s, map[string]any{"name": "Jane", "msisdn": "+573000000001"}))
	heard, said := s.ContactSays(talk, "Hello"), s.BotSays(talk, "Hello")
	wait()
	equal(t, "received", ids(in, "message.received"), map[string]bool{"bird:message.received:" + heard: true})
	equal(t, "sent", ids(in, "message.sent"), map[string]bool{"bird:message.sent:" + said: true})
	equal(t, "told", len(in.facts()), 1+1+1+5)

	alone := &inbox{}
	answer(receiver(t, alone), hook(`{"event":"sms.outbound","payload":{"id":"m1","status":"rejected","context":{"id":"v1:m1:c1"}}}`, hookKey, time.Now()))
	f := alone.facts()[0]
	equal(t, "of the context", []any{f.ID, f.Subject, f.Data["conversation_id"], f.Data["message_status"]},
		[]any{"bird:message.failed:m1", ref("c1"), any("v1"), any(string(bird.StatusRejected))})
}

// TestFactsWithoutATimeHaveTheFirstDeliverys: an activity needs a time, and what
// is told again is told with the same one.
func TestFactsWithoutATimeHaveTheFirstDeliverys(t *testing.T) {
	first := time.Date(2026, 1, 22, 4, 18, 2, 0, time.UTC)
	for _, body := range []string{
		`{"event":"conversation.created","payload":{"id":"v1","initiatingParticipant":{"type":"contact","id":"c1"}}}`,
		`{"event":"conversation.updated","payload":{"id":"v1","status":"closed","featuredParticipants":[{"type":"contact","id":"c1"},{"type":"bot","id":"b1"},{"type":"user","id":"u1"}],
			"lastMessage":{"id":"m1","type":"text","sender":{"type":"contact","id":"c1"}}}}`,
		`{"event":"sms.inbound","payload":{"id":"m1","sender":{"contact":{"id":"c1"}}}}`,
	} {
		in := &inbox{}
		answer(receiverAt(t, in, func() time.Time { return first.Add(8 * time.Hour) }), hook(body, hookKey, first))
		equal(t, "facts", len(in.facts()) > 0, true)
		for _, f := range in.facts() {
			equal(t, f.Type, f.OccurredAt, first)
		}
	}
}

// TestDifferentThingsHaveDifferentIDs, whatever the ids that they are made of.
func TestDifferentThingsHaveDifferentIDs(t *testing.T) {
	flow := func(event string) string {
		return `{"event":"` + event + `","bird_contact_id":"c1","conversation_id":"%s","agent_id":"%s","message_id":"%s","event_id":"%s"}`
	}
	for name, body := range map[string]string{
		"escalations": flow("escalation.triggered"), "closings": flow("conversation.closed"), "others": flow("qualification.completed"),
	} {
		in := &inbox{}
		f := flowReceiver(t, in, bird.FlowOptions{})
		all := [][2]string{{"a:b", "c"}, {"a", "b:c"}, {`a\u0000b`, "c"}, {"a", `b\u0000c`}, {`a\",\"b`, "c"}, {"a", `b\",\"c`}}
		for _, v := range all {
			callFlow(f, fmt.Sprintf(body, v[0], v[1], v[1], v[0]+"."+v[1]))
		}
		equal(t, name, len(distinct(in.facts())), len(all))
	}
	in := &inbox{}
	f := flowReceiver(t, in, bird.FlowOptions{})
	callFlow(f, `{"event":"odd","bird_contact_id":"b","event_id":"c:d"}`)
	callFlow(f, `{"event":"odd:b","bird_contact_id":"c","event_id":"d"}`)
	equal(t, "changes", in.changes()[0].ID == in.changes()[1].ID, false)
}

// TestUpdatesWithoutATimeAreToldApart: what says not when it changed is another
// change whenever it reads otherwise.
func TestUpdatesWithoutATimeAreToldApart(t *testing.T) {
	in := &inbox{}
	for _, name := range []string{"Jane", "Jane D.", "Jane D."} {
		answer(receiver(t, in), hook(`{"event":"conversation.updated","payload":{"id":"v1","name":"`+name+`","initiatingParticipant":{"type":"contact","id":"c1"}}}`, hookKey, time.Now()))
	}
	c := in.changes()
	equal(t, "the same", []bool{c[0].ID == c[1].ID, c[1].ID == c[2].ID}, []bool{false, true})
}

// TestAFailureToldByAFlow is the one that Bird tells of.
func TestAFailureToldByAFlow(t *testing.T) {
	in := &inbox{}
	answer(receiver(t, in), hook(outbound("m1", bird.StatusRejected), hookKey, time.Now()))
	f := flowReceiver(t, in, bird.FlowOptions{Map: bird.FlowMap{Events: map[string]bird.FlowEvent{"undelivered": {Fact: "message.failed"}}}})
	callFlow(f, `{"event":"undelivered","bird_contact_id":"c1","message_id":"m1"}`)
	equal(t, "facts", []int{len(in.facts()), len(distinct(in.facts()))}, []int{2, 1})
}
