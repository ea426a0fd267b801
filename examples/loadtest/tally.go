package main

import (
	"encoding/json"
	"os"
	stdsync "sync"

	"github.com/urbanhub/crmsync/sync"
)

// A tally counts what an engine does.
type tally struct {
	mu stdsync.Mutex
	n  counts
}

func (t *tally) observe(e sync.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case sync.EventSynced:
		t.n.Synced++
	case sync.EventBuried:
		t.n.Buried += e.Count
	}
}

// tell prints the counts for the parent.
func (t *tally) tell() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return json.NewEncoder(os.Stdout).Encode(t.n)
}
