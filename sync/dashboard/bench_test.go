package dashboard

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// BenchmarkObserve is what the feed costs the engine for each event.
func BenchmarkObserve(b *testing.B) {
	f := NewFeed(0)
	ev := sync.Event{Type: sync.EventDecided, At: time.Unix(1_800_000_000, 0), Ref: sync.Ref{System: "left", Kind: "contact", ID: "1"},
		Decision: &sync.Decision{Field: "name"}}
	for b.Loop() {
		f.Observe(ev)
	}
}
