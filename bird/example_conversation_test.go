package bird_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// connected returns an adapter for a workspace with a contact in a
// conversation, and both their ids.
func connected(server *birdtest.Server) (adapter *bird.Adapter, contact, conversation string) {
	adapter, err := bird.New(server.WorkspaceID, server.AccessKey, &bird.Options{BaseURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	contact, err = server.Create(map[string]any{"msisdn": "+573000000001", "name": "Jane Doe"})
	if err != nil {
		log.Fatal(err)
	}
	return adapter, contact, server.StartConversation(contact)
}

// What happened before the sync began is read back, contact by contact, and
// stored like what webhooks tell. A fact that was told already is not taken
// twice.
func ExampleAdapter_History() {
	server := birdtest.NewServer(nil)
	defer server.Close()
	adapter, contact, conversation := connected(server)
	server.ContactSays(conversation, "Is the two-bedroom still available?")
	server.BotSays(conversation, "It is.")

	facts, err := adapter.History(context.Background(), sync.Ref{System: bird.System, Kind: bird.Contact, ID: contact}, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range facts { // in production: engine.Enqueue(ctx, f)
		fmt.Println(f.Type, f.Data["sender_type"], f.Data["text"])
	}
	// Output:
	// conversation.started <nil> <nil>
	// message.received contact Is the two-bedroom still available?
	// message.sent bot It is.
}

// A deal has moved in the CRM: the agents read it in the conversation, which
// is given to one of them. The customer sees none of it.
func ExampleAdapter_SendNote() {
	server := birdtest.NewServer(&birdtest.Options{IndexDelay: -1})
	defer server.Close()
	adapter, _, conversation := connected(server)
	ctx := context.Background()

	for range 2 { // the second time, say after a crash, nothing happens
		if _, err := adapter.SendNote(ctx, conversation, "The deal moved to Tour scheduled", "deal-17-tour"); err != nil {
			log.Fatal(err)
		}
	}
	agents, err := adapter.Agents(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if err := adapter.AssignFeedItem(ctx, conversation, bird.Assignment{AgentID: agents[0].ID}); err != nil {
		log.Fatal(err)
	}
	messages, err := adapter.Messages(ctx, conversation, time.Time{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(messages), "message, a draft:", messages[0].Draft, "-", messages[0].Body.Text)
	fmt.Println("assigned to", agents[0].Name)
	// Output:
	// 1 message, a draft: true - The deal moved to Tour scheduled
	// assigned to Jane Agent
}
