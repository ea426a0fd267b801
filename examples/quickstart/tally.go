package main

import (
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A tally counts what the engine says it does.
type tally struct {
	mu        stdsync.Mutex
	writes    map[sync.System]int
	echoes    int
	elided    int
	conflicts int
	retries   int
	lags      []time.Duration // of webhooks that led to a write
	paused    bool            // an outage of the story is on
}

func newTally() *tally { return &tally{writes: map[sync.System]int{}} }

// observe is the engine's observer.
func (t *tally) observe(e sync.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch e.Type {
	case sync.EventWrote:
		t.writes[e.Ref.System]++
	case sync.EventEcho:
		t.echoes++
	case sync.EventRead:
		if e.Elided {
			t.elided++
		}
	case sync.EventDecided:
		if e.Decision.Conflict {
			t.conflicts++
		}
	case sync.EventRetried:
		t.retries++
	case sync.EventSynced:
		if e.Reason == sync.ReasonWebhook && e.Count > 0 && !t.paused {
			t.lags = append(t.lags, e.Lag)
		}
	}
}

// pause leaves the lags of an outage out of the latency.
func (t *tally) pause(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paused = on
}

// counts returns the echoes, conflicts and retries so far.
func (t *tally) counts() (echoes, conflicts, retries int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.echoes, t.conflicts, t.retries
}

// percentile returns a percentile of the lags in milliseconds.
func (t *tally) percentile(p float64) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lags) == 0 {
		return 0
	}
	slices.Sort(t.lags)
	at := min(int(p*float64(len(t.lags))), len(t.lags)-1)
	return float64(t.lags[at].Microseconds()) / 1000
}
