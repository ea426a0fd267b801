package bird_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"net/netip"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// teller is an inbox that tells the facts it is given.
type teller struct{}

func (teller) Enqueue(_ context.Context, items ...sync.Item) error {
	for _, item := range items {
		if f, ok := item.(sync.Fact); ok {
			fmt.Println(f.Type, f.Data["platform"], f.Data["text"])
		}
	}
	return nil
}

// Bird's webhooks become changes and facts. Each subscription may have a key of
// its own.
func ExampleNewReceiver() {
	workspace := birdtest.NewServer(nil) // in production: Bird
	defer workspace.Close()
	const address = "https://sync.example.com/webhooks/bird"
	receiver, err := bird.NewReceiver(teller{}, bird.ReceiverOptions{
		PublicURL: address,
		Secrets:   []string{"the key of one subscription", "the key of another"},
	})
	if err != nil {
		log.Fatal(err)
	}
	web := httptest.NewServer(receiver)
	defer web.Close()
	workspace.Proxy("https://sync.example.com", web.URL)
	workspace.Subscribe("whatsapp.inbound", address, "the key of another")

	contact, err := workspace.Create(map[string]any{"name": "Jane Doe", "msisdn": "+573000000001"})
	if err != nil {
		log.Fatal(err)
	}
	workspace.ContactSays(workspace.StartConversation(contact), "Is it still available?")
	if err := workspace.WaitWebhooks(context.Background()); err != nil {
		log.Fatal(err)
	}
	// Output:
	// message.received whatsapp Is it still available?
}

// A receiver that is reached at several addresses puts the signed URL together
// of what its own proxies tell.
func ExampleNewReceiver_proxies() {
	_, err := bird.NewReceiver(teller{}, bird.ReceiverOptions{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Origins:        []string{"https://sync.example.com", "https://sync.example.org"},
		Secrets:        []string{"the subscription's signing key"},
	})
	fmt.Println(err)
	// Output:
	// <nil>
}

// Events come in any order, and statuses only move forward.
func ExampleMessageStatus_After() {
	var status bird.MessageStatus
	for _, told := range []bird.MessageStatus{"sent", "accepted", "read", "delivered"} {
		if told.After(status) {
			status = told
		}
	}
	fmt.Println(status)
	// Output:
	// read
}
