package birdtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"sync"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// A customer talks to the AI employee, and an agent takes over.
func ExampleServer_ContactWrites() {
	var mu sync.Mutex
	events := map[string]int{}
	ours := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var in struct{ Event string }
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			log.Print(err)
		}
		mu.Lock()
		defer mu.Unlock()
		events[in.Event]++
	}))
	defer ours.Close()

	server := birdtest.NewServer(nil)
	defer server.Close()
	for _, event := range []string{"conversation.created", "conversation.updated", "whatsapp.inbound", "whatsapp.outbound"} {
		server.Subscribe(event, ours.URL, "a signing key")
	}
	contact, err := server.Create(map[string]any{"name": "Jane Doe", "msisdn": "+573000000001"})
	if err != nil {
		log.Fatal(err)
	}
	conversation, _ := server.ContactWrites(birdtest.DefaultChannel, contact, "Is the loft still free?")
	server.BotSays(conversation, "It is. When would you like to see it?")
	server.AgentSays(conversation, "Hello, Jane Agent here.")
	server.CloseConversation(conversation)
	if err := server.WaitWebhooks(context.Background()); err != nil {
		log.Fatal(err)
	}
	v, _ := server.Conversation(conversation)
	for _, m := range server.Messages(conversation) {
		fmt.Println(m.Sender.Type, m.Status)
	}
	fmt.Println(v.Status, events)
	// Output:
	// contact delivered
	// bot read
	// user read
	// closed map[conversation.created:1 conversation.updated:4 whatsapp.inbound:1 whatsapp.outbound:10]
}
