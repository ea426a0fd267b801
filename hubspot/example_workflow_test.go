package hubspot_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// asked is an inbox that passes facts on; a host gives the engine.
type asked chan sync.Fact

func (a asked) Enqueue(_ context.Context, items ...sync.Item) error {
	for _, item := range items {
		a <- item.(sync.Fact)
	}
	return nil
}

// A HubSpot workflow asks for a message to be sent and waits until it is.
func ExampleNewActionReceiver() {
	account := hubspottest.NewServer(nil)
	defer account.Close()

	facts := make(asked, 1)
	server := httptest.NewUnstartedServer(nil)
	publicURL := "http://" + server.Listener.Addr().String() + "/actions/hubspot"
	handler, err := hubspot.NewActionReceiver(facts, hubspot.ActionOptions{
		PublicURL: publicURL,
		Secrets:   []string{account.ClientSecret},
		PortalID:  account.PortalID,
		Actions:   map[int64]hubspot.WorkflowAction{42: {Fact: "message.requested", Wait: time.Hour}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	server.Config.Handler = handler
	server.Start()
	defer server.Close()

	ada := account.Create(map[string]string{"email": "ada@example.com"})
	account.RunAction(hubspottest.ActionCall{URL: publicURL, DefinitionID: 42, ObjectID: ada, Inputs: map[string]any{"text": "Welcome"}})
	account.Idle()
	fact := <-facts
	fmt.Println(fact.Type, fact.Data["inputFields"], account.ActionRuns()[0].State)

	// The message was sent: the workflow may go on.
	hs, err := hubspot.New(hubspot.Static(account.Token), &hubspot.Options{BaseURL: account.URL, HTTPClient: account.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	errs := hs.CompleteActions(context.Background(), hubspot.Completion{CallbackID: fact.Data["callbackId"].(string)})
	fmt.Println(errs[0], account.ActionRuns()[0].State)
	// Output:
	// message.requested map[text:Welcome] BLOCK
	// <nil> SUCCESS
}

// A custom event starts a workflow, in accounts that have such events.
func ExampleAdapter_Apply_customEvent() {
	account := hubspottest.NewServer(nil)
	defer account.Close()
	name := account.DefineEvent("tour_scheduled", "CONTACT") // in HubSpot's settings, once
	ada := account.Create(map[string]string{"email": "ada@example.com"})

	hs, err := hubspot.New(hubspot.Static(account.Token), &hubspot.Options{BaseURL: account.URL, HTTPClient: account.Client()})
	if err != nil {
		fmt.Println(err)
		return
	}
	event := sync.Write{
		Ref: sync.Ref{System: hubspot.System, Kind: hubspot.CustomEvent},
		Key: "uuid",
		Fields: sync.Fields{
			"uuid":       sync.Text("5f2b6e1c-0b53-5c0e-9d0a-6f6a4f1d2c11"), // made of the fact's ID
			"eventName":  sync.Text(name),
			"occurredAt": sync.Text("2026-11-22T10:00:00Z"),
			"place":      sync.Text("Chapinero"),
		},
		Related: []sync.Ref{{System: hubspot.System, Kind: hubspot.Contact, ID: ada}},
	}
	for range 2 { // the second is the same event
		results, err := hs.Apply(context.Background(), []sync.Write{event})
		fmt.Println(err, results[0].Err)
	}
	fmt.Println(len(account.CustomEvents()))
	// Output:
	// <nil> <nil>
	// <nil> <nil>
	// 1
}

// A property whose value moves with every fact starts a workflow in any
// account that has workflows.
func ExampleTriggerValue() {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	first := hubspot.TriggerValue("tour.scheduled:7", at)
	again := hubspot.TriggerValue("tour.scheduled:7", at)
	second := hubspot.TriggerValue("tour.scheduled:8", at)
	fmt.Println(first)
	fmt.Println(first == again, first == second)
	// Output:
	// 2026-11-22T10:00:00Z 64ab9d1c6d6b
	// true false
}
