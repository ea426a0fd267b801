package docs_test

import (
	"context"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/queue/sqlitequeue"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/sync"
)

// Code that pages show and that is part of no example.

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// mountFlows is the code of bird-flows.md.
func mountFlows(engine sync.Inbox, mux *http.ServeMux, bogota *time.Location) error {
	receiver, err := bird.NewFlowReceiver(engine, bird.FlowOptions{
		Secrets:  []string{os.Getenv("BIRD_FLOW_SECRET")},
		Location: bogota, // the zone of dates and times that name none
	})
	if err != nil {
		return err
	}
	mux.Handle("/flows/bird", receiver)
	return nil
}

// TestDurable runs the lines of the README that keep state in a file.
func TestDurable(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx := t.Context()
	store := must(sqlitestore.Open(ctx, "crmsync.db", nil)) // one process, a local disk; store.Backup copies it while it works
	defer store.Close()                                     //nolint:errcheck // the README is about other things
	queue := must(sqlitequeue.Open(ctx, store))
	defer queue.Close(context.WithoutCancel(ctx)) //nolint:errcheck // likewise
	if _, err := queue.Stats(ctx, time.Now()); err != nil {
		t.Error(err)
	}
}

func TestMountFlows(t *testing.T) {
	if err := mountFlows(nil, http.NewServeMux(), time.UTC); err == nil {
		t.Error("a receiver without an inbox and a secret was mounted")
	}
	t.Setenv("BIRD_FLOW_SECRET", "a long random text")
	if err := mountFlows(inbox{}, http.NewServeMux(), time.UTC); err != nil {
		t.Error(err)
	}
}

// An inbox takes everything.
type inbox struct{}

// Enqueue implements [sync.Inbox].
func (inbox) Enqueue(context.Context, ...sync.Item) error { return nil }
