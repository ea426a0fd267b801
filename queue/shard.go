package queue

import (
	"maps"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A shard is what the dispatcher knows of a shard that it owns.
type shard struct {
	fence   Fence
	expires time.Time
	streams [sync.Priorities]stream
	lanes   map[string]*lane
	leased  int // lanes in work, by an earlier token too

	draining bool // to be given back; nothing is handed out
	dropped  bool // lost or given back; whoever still refers to it lets go

	// After an unclean take-over: how many of the messages in memory are under
	// suspicion, and who of them may be handed out.
	suspicious int
	dock       dock
}

// A stream is how far one priority of a shard was read.
type stream struct {
	cursor uint64 // the highest sequence number read
	floor  uint64 // up to here nothing can turn up any more
	rescan uint64 // how far (floor, cursor] was read again
	// searched is set if the last read saw all of (floor, cursor], so that what
	// it saw beyond comes after all that it saw before of the same key.
	searched bool
	used     int // messages in memory that count against the window
	hot      int // messages in memory of parked keys
	// doubt is, after an unclean take-over, how many more messages that are
	// read are under suspicion: as many as the dead owner had in memory.
	doubt int
}

// newShard returns the state of a shard just leased.
func newShard(g Grant, window int) *shard {
	sh := &shard{fence: g.Fence, expires: g.Expires, lanes: map[string]*lane{}}
	for p := range sh.streams {
		if g.Unclean > 0 {
			sh.streams[p].doubt = window
		}
	}
	return sh
}

// unproven reports whether messages that a dead owner may have had in work
// have not been through yet.
func (sh *shard) unproven() bool {
	for p := range sh.streams {
		if sh.streams[p].doubt > 0 {
			return true
		}
	}
	return sh.suspicious > 0
}

// advance notes that the stream was read from after to next, by a read after
// which nothing up to settled comes.
func (st *stream) advance(after, next, settled uint64) {
	if after <= st.floor {
		st.floor = max(st.floor, min(next, settled))
	}
	st.cursor = max(st.cursor, next)
	st.rescan = max(st.rescan, st.floor)
}

// drop forgets a shard that was lost or given back. The caller holds q.mu.
func (q *Queue) drop(sh *shard) {
	if sh.dropped {
		return
	}
	sh.dropped = true
	for _, l := range sh.lanes {
		l.unlink()
		q.timers.clear(l)
	}
	var ties []tie
	for _, key := range slices.Sorted(maps.Keys(sh.lanes)) { // in the same order in every run
		l := sh.lanes[key]
		q.acquit(l)
		ties = l.leaves(ties)
		for i := range l.leased {
			q.leased[l.msgs[i].Priority]--
		}
	}
	if len(ties) > 0 {
		q.ties[sh.fence.Shard] = ties
	}
	q.shards[sh.fence.Shard] = nil
	q.owned--
}
