package birdtest_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/urbanhub/crmsync/bird/birdtest"
)

// A Flow calls an endpoint of ours when somebody edits a contact in Bird.
func Example() {
	ours := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println("called with a body:", len(body) > 0)
	}))
	defer ours.Close()

	server := birdtest.NewServer(nil)
	defer server.Close()
	id, err := server.Create(map[string]any{"name": "Jane Doe", "msisdn": "+573000000001"})
	if err != nil {
		log.Fatal(err)
	}
	server.OnContactChange(ours.URL, "a long random text")
	if err := server.Edit(id, map[string]any{"property_interest": "two-bedroom"}); err != nil {
		log.Fatal(err)
	}
	if err := server.WaitWebhooks(context.Background()); err != nil {
		log.Fatal(err)
	}
	contact, _ := server.Contact(id)
	fmt.Println(contact.Field("name"), contact.Field("property_interest"))
	// Output:
	// called with a body: true
	// Jane Doe two-bedroom
}
