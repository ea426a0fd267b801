package urbanhub_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/mapping/urbanhub"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// An office is the preset between both simulators, in a bubble: its short leases
// and the quotas would not bear a machine that stands still.
type office struct {
	*testing.T
	bird   *birdtest.Server
	hub    *hubspottest.Server
	engine *sync.Engine
	store  sync.Store
	queue  sync.Queue
	url    string // of the receiver of actions
}

// sendMessage is the definition id of the workflow action.
const sendMessage = 42

func newOffice(t *testing.T) *office {
	t.Helper()
	time.Sleep(3 * 365 * 24 * time.Hour) // timestamps have 13 digits, those of a bubble's first year 12
	o := openOffice(t, birdtest.NewPipeServer(nil), hubspottest.NewPipeServer(nil))
	o.listen()
	return o
}

// openOffice sets the preset up between two servers. Its activities have a
// unique key as far as the account allows it.
func openOffice(t *testing.T, birdSim *birdtest.Server, hubSim *hubspottest.Server) *office {
	t.Helper()
	o := &office{T: t, bird: birdSim, hub: hubSim, store: memstore.New(), queue: memqueue.New(nil)}
	t.Cleanup(o.bird.Close)
	t.Cleanup(o.hub.Close)
	o.hub.AddStage("default", hubspottest.Stage{ID: "decisionmakerstage", Label: "Decision maker"})
	set := compiled(t, urbanhub.Options{WorkflowMessages: true, UniqueActivities: o.setup()})
	contacts, deals := set.Flows[0], set.Flows[1]
	b, err := bird.New(o.bird.WorkspaceID, o.bird.AccessKey, &bird.Options{BaseURL: o.bird.URL, HTTPClient: o.bird.Client(),
		Fields: contacts.Names(sync.Left), Conversations: deals.Names(sync.Left)})
	if err != nil {
		t.Fatal(err)
	}
	objects := map[sync.Kind]hubspot.Object{
		hubspot.Contact: {Properties: contacts.Names(sync.Right), Unique: []string{contacts.Right.CreateKey}},
		hubspot.Deal:    {Properties: deals.Names(sync.Right), Unique: []string{deals.Right.CreateKey}}}
	for _, kind := range []sync.Kind{hubspot.Note, hubspot.Task, hubspot.Meeting} {
		objects[kind] = hubspot.Object{Properties: []string{"bird_event_key"}, NoSweep: true}
	}
	h := o.hubspot(objects)
	cfg := sync.Config{Store: o.store, Queue: o.queue, SweepInterval: -1, Lease: 3 * time.Second, Peers: map[sync.System]sync.Peer{
		bird.System: {Source: b, Sink: b}, hubspot.System: {Source: h, Sink: h}}}
	set.AddTo(&cfg)
	if o.engine, err = sync.New(cfg); err != nil {
		t.Fatal(err)
	}
	return o
}

// setup gives the account what the preset needs and returns the activities
// that take a unique key.
func (o *office) setup() map[sync.Kind]bool {
	o.Helper()
	need, err := hubspot.ParseSchema(urbanhub.HubSpotSchema())
	if err != nil {
		o.Fatal(err)
	}
	report, err := o.hubspot(nil).Setup(o.Context(), need, hubspot.SetupOptions{})
	if err != nil {
		o.Fatal(err)
	}
	return report.Capabilities.UniqueActivities
}

// hubspot returns an adapter of the account.
func (o *office) hubspot(objects map[sync.Kind]hubspot.Object) *hubspot.Adapter {
	o.Helper()
	h, err := hubspot.New(hubspot.Static(o.hub.Token), &hubspot.Options{BaseURL: o.hub.URL, HTTPClient: o.hub.Client(), Objects: objects})
	if err != nil {
		o.Fatal(err)
	}
	return h
}

// listen has the receiver of actions take what the account calls.
func (o *office) listen() {
	o.Helper()
	o.url = "https://sync.example.com/actions"
	receiver, err := hubspot.NewActionReceiver(o.engine, hubspot.ActionOptions{PublicURL: o.url, Secrets: []string{o.hub.ClientSecret},
		Actions: map[int64]hubspot.WorkflowAction{sendMessage: {Fact: urbanhub.MessageRequested, Wait: time.Hour}}})
	if err != nil {
		o.Fatal(err)
	}
	o.answer(receiver)
}

// until works until something is so.
func (o *office) until(what string, so func() bool) {
	o.Helper()
	for end := time.Now().Add(3 * time.Minute); !so(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			dead, _ := o.queue.Dead(o.Context(), sync.DeadFilter{})
			o.Fatalf("never %s; dead letters %+v", what, dead)
		}
		if err := o.engine.RunOnce(o.Context()); err != nil {
			o.Fatal(err)
		}
	}
}

// lead makes a contact on both sides who is in a conversation.
func (o *office) lead() (hubspotID, conversation string) {
	o.Helper()
	id, err := o.bird.Create(map[string]any{"msisdn": "+573000000001", "email": "ana@example.com", "name": "Ana"})
	if err != nil {
		o.Fatal(err)
	}
	ref := sync.Ref{System: bird.System, Kind: bird.Contact, ID: id}
	if err := o.engine.Enqueue(o.Context(), sync.Change{ID: "lead", Ref: ref, Reason: sync.ReasonManual}); err != nil {
		o.Fatal(err)
	}
	o.until("linked", func() bool {
		link, err := o.store.Link(o.Context(), "urbanhub-contacts", ref)
		hubspotID = link.Right.ID
		return err == nil && link.State == sync.Active && hubspotID != ""
	})
	return hubspotID, o.bird.StartConversation(id)
}

// A workflow asks for a message; HubSpot calls twice, and Bird's answer to the
// sending is lost. It is sent once, and the workflow goes on.
func TestWorkflowHasBirdSendAMessageOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		contact, conversation := o.lead()
		fault := birdtest.CutAfter()
		fault.Method, fault.Path, fault.Count = "POST", "/messages", 1
		o.bird.Faults().Add(fault)
		o.hub.SetChaos(hubspottest.Chaos{Duplicate: 1})
		o.hub.RunAction(hubspottest.ActionCall{URL: o.url, DefinitionID: sendMessage, WorkflowID: 9, ObjectID: contact,
			Inputs: map[string]any{"text": "Your tour is tomorrow, Ana."}})
		o.hub.Idle()
		if state := o.hub.ActionRuns()[0].State; state != hubspottest.ActionBlocked {
			t.Errorf("the workflow is %s before the message is sent", state)
		}
		o.until("completed", func() bool { return o.hub.ActionRuns()[0].State == "SUCCESS" })
		run := o.hub.ActionRuns()[0]
		messages := o.bird.Messages(conversation)
		if len(messages) != 1 || messages[0].Draft || run.Outputs["bird_status"] != "sent" || run.Outputs["bird_reference"] != messages[0].Reference {
			t.Errorf("messages %+v, outputs %v", messages, run.Outputs)
		}
		if text, _ := messages[0].Body["text"].(map[string]any); text["text"] != "Your tour is tomorrow, Ana." {
			t.Errorf("body %v", messages[0].Body)
		}
		found := false
		entries, err := o.store.Entries(t.Context(), sync.AuditFilter{Limit: 1000})
		for _, e := range entries {
			found = found || e.Note == urbanhub.MessageRequested+": found after an unknown outcome"
		}
		if err != nil || !found {
			t.Errorf("the audit does not tell that the message was found: %v", err)
		}
	})
}

// Nobody can be reached: the message waits for a person, and nothing tells the
// workflow that it was sent.
func TestWorkflowIsNotToldOfAMessageThatWasNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t)
		contact, conversation := o.lead()
		o.bird.CloseConversation(conversation)
		o.hub.RunAction(hubspottest.ActionCall{URL: o.url, DefinitionID: sendMessage, ObjectID: contact, Inputs: map[string]any{"text": "Hi"}})
		o.hub.Idle()
		var dead []sync.DeadLetter
		o.until("buried", func() bool {
			var err error
			if dead, err = o.queue.Dead(t.Context(), sync.DeadFilter{}); err != nil {
				t.Fatal(err)
			}
			return len(dead) == 1
		})
		if rule := dead[0].History[0].Rule; rule != "message.conversation" {
			t.Errorf("buried by rule %s", rule)
		}
		if state := o.hub.ActionRuns()[0].State; state != hubspottest.ActionBlocked {
			t.Errorf("the workflow is %s", state)
		}
		o.bird.ReopenConversation(conversation)
		if _, err := o.engine.ReplayDead(t.Context(), sync.DeadFilter{}); err != nil {
			t.Fatal(err)
		}
		o.until("completed", func() bool { return o.hub.ActionRuns()[0].State == "SUCCESS" })
	})
}
