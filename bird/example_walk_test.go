package bird_test

import (
	"context"
	"fmt"
	"log"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

// The second walk reports only the contact that somebody edited meanwhile. An
// engine asks like this by itself, and stores the cursor.
func ExampleAdapter_Changes() {
	server := birdtest.NewServer(nil)
	defer server.Close()
	contacts := server.Fill(150)
	adapter, err := bird.New(server.WorkspaceID, server.AccessKey, &bird.Options{BaseURL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	var cursor sync.Cursor
	walk := func() (reported int) {
		for more := true; more; {
			page, err := adapter.Changes(context.Background(), cursor)
			if err != nil {
				log.Fatal(err)
			}
			reported += len(page.Changes)
			cursor, more = page.Next, page.More
		}
		return reported
	}
	fmt.Println("first walk:", walk())
	if err := server.EditSilently(contacts[7], map[string]any{"name": "Jane Doe"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println("second walk:", walk())
	_, known := adapter.DetectionDelay(bird.Contact)
	fmt.Println("contacts:", adapter.Walk(bird.Contact).LastRecords, "delay known:", known)
	// Output:
	// first walk: 150
	// second walk: 1
	// contacts: 150 delay known: true
}
