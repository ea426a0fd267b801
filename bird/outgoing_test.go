package bird_test

import (
	"fmt"
	"testing"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// outgoing is a write of a message to a contact.
func outgoing(to sync.Ref, pairs ...string) sync.Write {
	w := sync.Write{Ref: sync.Ref{System: bird.System, Kind: bird.MessageKind}, Fields: sync.Fields{}, Related: []sync.Ref{to}}
	for i := 0; i < len(pairs); i += 2 {
		w.Fields[pairs[i]] = sync.Text(pairs[i+1])
	}
	return w
}

func TestMessageIsSentOnceForItsReference(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane"})
	old := s.StartConversation(jane)
	s.CloseConversation(old)
	open := s.StartConversation(jane)
	w := outgoing(ref(jane), "reference", "fact-1", "text", "Welcome")
	first := apply(t, a, w)
	if first.Err != nil || !first.Created || first.Call == "" {
		t.Fatalf("result %+v", first)
	}
	again := apply(t, a, w)
	if again.Err != nil || again.Created || again.Record.ID != first.Record.ID {
		t.Errorf("the second time: %+v", again)
	}
	messages := s.Messages(open)
	if len(messages) != 1 || messages[0].Reference != "fact-1" || messages[0].Draft || messages[0].Sender.Type != bird.FlowParticipant {
		t.Errorf("messages %+v", messages)
	}
	equal(t, "messages in the closed one", len(s.Messages(old)), 0)
}

// The answer is lost: the engine looks for the reference among what is
// related.
func TestMessageIsFoundAfterALostAnswer(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001"})
	conversation := s.StartConversation(jane)
	s.ContactSays(conversation, "Hello")
	fault := birdtest.CutAfter()
	fault.Method, fault.Path, fault.Count = "POST", "/messages", 1
	s.Faults().Add(fault)
	failure(t, apply(t, a, outgoing(ref(jane), "reference", "fact-1", "text", "Welcome")).Err, sync.Retry)
	for _, of := range []sync.Ref{ref(jane), {System: bird.System, Kind: bird.ConversationKind, ID: conversation}} {
		refs, err := a.Related(t.Context(), of, bird.MessageKind)
		if err != nil || len(refs) != 1 {
			t.Fatalf("related to the %s: %v, %v", of.Kind, refs, err)
		}
		recs, err := a.Read(t.Context(), bird.MessageKind, []string{refs[0].ID, conversation + ":" + jane, "nonsense"})
		if err != nil || recs[0].Fields["reference"].String() != "fact-1" || recs[0].Fields["text"].String() != "Welcome" || !recs[1].Deleted || !recs[2].Deleted {
			t.Errorf("read %+v, %v", recs, err)
		}
	}
}

func TestMessageBeginsAConversationOnItsChannel(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001", "name": "Jane"})
	failure(t, apply(t, a, outgoing(ref(jane), "reference", "r", "text", "Hi")).Err, sync.Invalid)
	w := outgoing(ref(jane), "reference", "r", "template", "project-1", "locale", "es", "parameters.name", "Jane", "channel_id", birdtest.DefaultChannel)
	for range 2 {
		if res := apply(t, a, w); res.Err != nil {
			t.Fatal(res.Err)
		}
	}
	conversations, err := a.Conversations(t.Context(), ref(jane))
	if err != nil || len(conversations) != 1 {
		t.Fatalf("%d conversations, %v", len(conversations), err)
	}
	messages := s.Messages(conversations[0].ID)
	equal(t, "messages", len(messages), 1)
	want := map[string]any{"projectId": "project-1", "version": "latest", "locale": "es",
		"parameters": []any{map[string]any{"type": "string", "key": "name", "value": "Jane"}}}
	equal(t, "template", messages[0].Template, want)

	bob := create(t, s, map[string]any{"email": "bob@example.com"})
	e := failure(t, apply(t, a, outgoing(ref(bob), "reference", "r", "text", "Hi", "channel_id", birdtest.DefaultChannel)).Err, sync.Invalid)
	equal(t, "rule", e.Rule, "message.address")
}

func TestMessagesThatMakeNoSense(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001"})
	s.StartConversation(jane)
	for rule, w := range map[string]sync.Write{
		"message.fields":    outgoing(ref(jane), "reference", "r", "text", "Hi", "txet", "x"),
		"message.reference": outgoing(ref(jane), "text", "Hi"),
		"message.content":   outgoing(ref(jane), "reference", "r", "text", "Hi", "template", "x"),
		"message.related":   {Ref: sync.Ref{System: bird.System, Kind: bird.MessageKind}, Fields: outgoing(ref(jane), "reference", "r", "text", "x").Fields},
		"message.once":      {Ref: sync.Ref{System: bird.System, Kind: bird.MessageKind, ID: "x"}, Fields: sync.Fields{}},
	} {
		equal(t, "rule", failure(t, apply(t, a, w).Err, sync.Invalid).Rule, rule)
	}
	failure(t, apply(t, a, outgoing(ref("../x"), "reference", "r", "text", "Hi")).Err, sync.NotFound)
	equal(t, "calls", s.Log().Calls("/messages"), 0)
}

// Messages to one person keep their order, those to several go side by side.
func TestMessagesKeepTheirOrder(t *testing.T) {
	s, a := connect(t, nil)
	jane := create(t, s, map[string]any{"msisdn": "+573000000001"})
	conversation := s.StartConversation(jane)
	var writes []sync.Write
	for i := range 5 {
		writes = append(writes, outgoing(ref(jane), "reference", fmt.Sprint(i), "text", fmt.Sprint("Hi ", i)))
	}
	results, err := a.Apply(t.Context(), writes)
	if err != nil || len(results) != 5 {
		t.Fatal(err)
	}
	for i, m := range s.Messages(conversation) {
		equal(t, "reference", m.Reference, fmt.Sprint(i))
	}
}
