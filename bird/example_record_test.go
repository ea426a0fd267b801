package bird_test

import (
	"context"
	"fmt"
	"log"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// A conversation is a record whose attributes can be written. An engine reads
// and writes like this for a flow of the kind [bird.ConversationKind].
func ExampleAdapter_Apply_conversation() {
	ctx := context.Background()
	server := birdtest.NewServer(nil)
	defer server.Close()
	contact, err := server.Create(map[string]any{"msisdn": "+573000000001", "name": "Jane Doe"})
	if err != nil {
		log.Fatal(err)
	}
	talk := server.Open(birdtest.Opening{ContactID: contact, Attributes: map[string]string{"ai_stage": "qualified"}})
	adapter, err := bird.New(server.WorkspaceID, server.AccessKey, &bird.Options{BaseURL: server.URL,
		Conversations: []string{"status", "contact_name", "platform", "attributes.ai_stage", "attributes.hubspot_deal_id"}})
	if err != nil {
		log.Fatal(err)
	}

	records, err := adapter.Read(ctx, bird.ConversationKind, []string{talk})
	if err != nil {
		log.Fatal(err)
	}
	f := records[0].Fields
	fmt.Println(f["contact_name"], f["platform"], f["status"], f["attributes.ai_stage"])

	results, err := adapter.Apply(ctx, []sync.Write{{Ref: records[0].Ref, Fields: sync.Fields{"attributes.hubspot_deal_id": sync.Text("77")}}})
	if err != nil || results[0].Err != nil {
		log.Fatal(err, results[0].Err)
	}
	f = results[0].Record.Fields
	fmt.Println("deal", f["attributes.hubspot_deal_id"], "at stage", f["attributes.ai_stage"])
	// Output:
	// Jane Doe whatsapp active qualified
	// deal 77 at stage qualified
}
