package pgstore_test

import (
	"context"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/urbanhub/crmsync/store/pgstore"
	"github.com/urbanhub/crmsync/sync"
)

// A host application gives its own pool, makes the tables and goes on with the
// store. It needs a server, so it is not run here.
func Example() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()

	if err := pgstore.Migrate(ctx, pool, pgstore.Schema); err != nil {
		fmt.Println(err)
		return
	}
	var store sync.Store = pgstore.New(pool, nil)

	entries, err := store.Entries(ctx, sync.AuditFilter{Ref: sync.Ref{System: "crm", Kind: "contact", ID: "512"}})
	fmt.Println(len(entries), err)
}

// Two processes whose stores share a schema share a vendor's quota too. It
// needs a server, so it is not run here.
func ExampleStore_Take() {
	var pool *pgxpool.Pool // the host's
	var permits sync.Permits = pgstore.New(pool, nil)
	_ = permits // goes into the Permits of an adapter's options
}
