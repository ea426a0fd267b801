package bird_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
)

// A dry run tells what a workspace lacks, and what only a person can do.
func ExampleAdapter_Setup() {
	server := birdtest.NewServer(nil) // in production: nothing, and no BaseURL
	defer server.Close()
	adapter, err := bird.New(server.WorkspaceID, server.AccessKey, &bird.Options{BaseURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	server.SetConversational(birdtest.DefaultChannel, false)

	need := bird.Schema{
		Endpoint: bird.Endpoint{
			URL:        "https://sync.example.com/webhooks/bird",
			SigningKey: "what openssl rand -base64 32 printed", // from where secrets are kept
		},
		Attributes: []bird.AttributeDefinition{
			{Key: "displayName", Builtin: true},
			{Key: "property_interest", DisplayName: "Property interest"},
		},
		Identifier: bird.Identifier{Key: "external_id"},
		Webhooks:   []bird.Webhook{{Event: "conversation.updated"}, {Event: "rcs.inbound"}},
		Channels:   []string{birdtest.DefaultChannel},
		ByHand:     []bird.Task{{What: "flow", Name: "contact.updated", Note: "a Flow with the trigger Contact updated"}},
	}
	report, err := adapter.Setup(context.Background(), need, bird.SetupOptions{DryRun: true})
	if report != nil {
		_, _ = report.WriteTo(os.Stdout)
	}
	fmt.Println("ready:", err == nil)
	// Output:
	// exists        identifier  external_id                           contacts can be found by it
	// exists        attribute   displayName
	// would create  attribute   property_interest
	// would create  webhook     conversation.updated
	// person        webhook     rcs.inbound                           the workspace offers no such event of channels, but email.inbound, facebook.inbound, instagram.inbound, line.inbound, linkedin.inbound, sms.inbound, telegram.inbound, tiktok.inbound, viber.inbound, voice.inbound, whatsapp.inbound: install the platform in Bird, or leave the event out
	// person        channel     e49b0247-4374-4652-bf37-bf937fa9983b  conversations are off, so that it has no conversation events: switch them on in the channel's settings, or run the set-up with EnableChannels
	// by hand       flow        contact.updated                       a Flow with the trigger Contact updated
	// ready: false
}
