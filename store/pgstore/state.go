package pgstore

import (
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A state is the part of the tables that a batch of changes is about, as it
// stands while nobody else writes, and then as it shall be.
type state struct {
	links map[string]standing
	ends  map[end]string // the link by its end
	keys  map[string]bool
	seq   int64

	// What the changes made, in the order of the changes. A change of a link
	// takes the place of an earlier one of the batch.
	changed map[string]*change
	bases   map[string][]byte // nil where it is forgotten
	freed   map[end]bool
	taken   map[end]bool
	entries []numbered
}

// standing is what a change of a link depends on.
type standing struct {
	generation int64
	intent     string // the write under way, until expires
	expires    time.Time
	ends       []end
}

// An end is a record, by its name, within a flow.
type end struct{ flow, ref string }

type numbered struct {
	entry
	seq int64
}

func newState() *state {
	return &state{
		links: map[string]standing{}, ends: map[end]string{}, keys: map[string]bool{},
		changed: map[string]*change{}, bases: map[string][]byte{}, freed: map[end]bool{}, taken: map[end]bool{},
	}
}

// apply makes the changes one after the other, and tells which are refused.
func (st *state) apply(changes []*change) []outcome[struct{}] {
	refused := make([]outcome[struct{}], len(changes))
	for i, ch := range changes {
		if ch.link != nil {
			if !st.accepts(ch) {
				refused[i].err = sync.ErrStale
				continue
			}
			st.put(ch)
		}
		st.append(ch.entries)
	}
	return refused
}

// accepts reports whether the link is as the caller read it, with no write of
// others under way, and its ends are free.
func (st *state) accepts(ch *change) bool {
	was := st.links[ch.link.ID]
	busy := was.expires.After(ch.now) && (ch.own == nil || *ch.own != was.intent)
	if busy || was.generation != ch.link.Generation {
		return false
	}
	return !slices.ContainsFunc(ch.ends, func(e end) bool {
		holder, held := st.ends[e]
		return held && holder != ch.link.ID
	})
}

// put replaces the link, its ends and its base.
func (st *state) put(ch *change) {
	id := ch.link.ID
	was, now := st.links[id], standing{generation: ch.link.Generation + 1, ends: ch.ends}
	if in := ch.link.Intent; in != nil {
		now.intent, now.expires = in.ID, in.Expires
	}
	st.links[id], st.changed[id] = now, ch
	for _, e := range was.ends {
		if !slices.Contains(ch.ends, e) {
			delete(st.ends, e)
			delete(st.taken, e)
			st.freed[e] = true
		}
	}
	for _, e := range ch.ends {
		if _, held := st.ends[e]; !held {
			st.ends[e] = id
			st.taken[e] = true
		}
	}
	if ch.base != nil || ch.forget {
		st.bases[id] = ch.base
	}
}

// append numbers the entries whose keys are new.
func (st *state) append(entries []entry) {
	for _, e := range entries {
		if e.key != nil {
			if st.keys[*e.key] {
				continue
			}
			st.keys[*e.key] = true
		}
		st.seq++
		st.entries = append(st.entries, numbered{e, st.seq})
	}
}

// idle reports whether there is nothing to store.
func (st *state) idle() bool { return len(st.changed) == 0 && len(st.entries) == 0 }
