package websig

import (
	stdsync "sync"
	"time"
)

// tellEvery is how often a kind of refusal is told at most.
const tellEvery = time.Minute

// A Hush has refusals told rarely, because a flood of requests must not become
// one of lines: what anybody can send costs the log nothing. The zero value is
// ready, and its methods may be called concurrently.
type Hush struct {
	mu    stdsync.Mutex
	kinds map[string]*hushed
}

// hushed is what is known of a kind of refusal.
type hushed struct {
	told time.Time
	kept int // since then
}

// Note calls tell upon the first refusal of a kind, and then at most once a
// minute, with how many there were since it was last called, this one included.
// Kinds must be few: never take one from a request.
func (h *Hush) Note(kind string, tell func(requests int)) {
	if requests := h.due(kind, time.Now()); requests > 0 {
		tell(requests)
	}
}

// due returns of how many refusals is to be told now, 0 for none.
func (h *Hush) due(kind string, now time.Time) (requests int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.kinds[kind]
	if k == nil {
		if h.kinds == nil {
			h.kinds = map[string]*hushed{}
		}
		k = &hushed{}
		h.kinds[kind] = k
	}
	k.kept++
	if !k.told.IsZero() && now.Sub(k.told) < tellEvery {
		return 0
	}
	requests, k.kept, k.told = k.kept, 0, now
	return requests
}
