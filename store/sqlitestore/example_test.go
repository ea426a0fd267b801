package sqlitestore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// What was committed is there when the program starts again, and in a backup.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "crmsync")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	crm := sync.Ref{System: "crm", Kind: "contact", ID: "512"}

	store, err := sqlitestore.Open(ctx, filepath.Join(dir, "crmsync.db"), nil)
	if err != nil {
		log.Fatal(err)
	}
	_, err = store.Commit(ctx, time.Now(), sync.Commit{Link: sync.Link{ID: "1", Flow: "contacts", Right: crm, State: sync.Pending}})
	fmt.Println("committed:", err)
	fmt.Println("backup:", store.Backup(ctx, filepath.Join(dir, "backup.db")))
	fmt.Println("closed:", store.Close())

	for _, name := range []string{"crmsync.db", "backup.db"} {
		store, err := sqlitestore.Open(ctx, filepath.Join(dir, name), &sqlitestore.Options{Check: true})
		if err != nil {
			log.Fatal(err)
		}
		link, err := store.Link(ctx, "contacts", crm)
		fmt.Println(name, link.ID, link.State, err)
		_ = store.Close()
	}
	// Output:
	// committed: <nil>
	// backup: <nil>
	// closed: <nil>
	// crmsync.db 1 pending <nil>
	// backup.db 1 pending <nil>
}
