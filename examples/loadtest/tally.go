package main

import (
	"context"
	"encoding/json"
	"os"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A tally counts what an engine does.
type tally struct {
	mu stdsync.Mutex
	n  counts
}

func newTally() *tally {
	return &tally{n: counts{Reads: map[sync.System]int{}, Writes: map[sync.System]int{}}}
}

func (t *tally) observe(e sync.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case sync.EventSynced:
		t.n.Synced++
	case sync.EventBuried:
		t.n.Buried += e.Count
	case sync.EventRetried:
		t.n.Retried++
	case sync.EventRead:
		t.n.Reads[e.Ref.System]++
	case sync.EventWrote:
		t.n.Writes[e.Ref.System]++
	}
}

// tell prints the counts for the parent.
func (t *tally) tell(q sync.Queue) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	stats, err := q.Stats(context.Background(), time.Now())
	if err != nil {
		return err
	}
	t.n.Waiting, t.n.Dead = stats.Waiting, stats.Dead
	return json.NewEncoder(os.Stdout).Encode(t.n)
}
