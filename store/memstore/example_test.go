package memstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/store/memstore"
	"github.com/urbanhub/crmsync/sync"
)

// A store links two records and refuses a second link of either one.
func Example() {
	ctx, store := context.Background(), memstore.New()
	crm := sync.Ref{System: "crm", Kind: "contact", ID: "512"}
	chat := sync.Ref{System: "chat", Kind: "contact", ID: "a-7"}

	_, err := store.Commit(ctx, time.Now(), sync.Commit{
		Link:    sync.Link{ID: "1", Flow: "contacts", Left: chat, Right: crm, State: sync.Active, Evidence: "email"},
		Entries: []sync.Entry{{Kind: sync.EntryLinked, Flow: "contacts", Left: chat, Right: crm, Note: "matched by email"}},
	})
	if err != nil {
		fmt.Println(err)
	}
	_, err = store.Commit(ctx, time.Now(), sync.Commit{
		Link: sync.Link{ID: "2", Flow: "contacts", Right: crm, State: sync.Pending},
	})
	fmt.Println("taken:", errors.Is(err, sync.ErrStale))

	link, err := store.Link(ctx, "contacts", crm)
	fmt.Println(link.Left, link.State, link.Generation, err)
	entries, err := store.Entries(ctx, sync.AuditFilter{Ref: crm})
	fmt.Println(len(entries), entries[0].Note, err)
	// Output:
	// taken: true
	// chat:contact:a-7 active 1 <nil>
	// 1 matched by email <nil>
}
