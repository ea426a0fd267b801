package bird

import (
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// snapshotLimit bounds the records remembered: two generations of this many.
const snapshotLimit = 10_000

// A versioned state is what Bird told of a record: its id and the system's time of
// its last change, and more. It is not changed any more once it is remembered.
type versioned interface {
	comparable
	version() (id string, updatedAt time.Time)
}

func (c *contact) version() (id string, updatedAt time.Time) { return c.ID, c.UpdatedAt.Time }

func (c *Conversation) version() (id string, updatedAt time.Time) { return c.ID, c.UpdatedAt }

// snapshots remembers the last state seen of records. A state is dated by the
// moment its request was sent, the latest at which it certainly still held.
// The zero value is ready; methods may be called concurrently.
type snapshots[S versioned] struct {
	mu         stdsync.Mutex
	young, old map[string]snapshot[S]
}

// A snapshot that is lost marks a record whose state became unknown at the
// moment at: what was asked before then is not to be believed. What it held
// still tells by which identifiers to look for it.
type snapshot[S versioned] struct {
	state S // zero if it was never seen
	at    time.Time
	lost  bool
}

// known reports whether the state is believed.
func (e *snapshot[S]) known() bool {
	var none S
	return e.state != none && !e.lost
}

// remember keeps the state unless something newer is known.
func (s *snapshots[S]) remember(now S, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, updatedAt := now.version()
	had := s.find(id)
	if sent.Before(had.at) {
		return
	}
	if had.known() {
		if _, was := had.state.version(); updatedAt.Before(was) {
			return
		}
	}
	s.keep(id, snapshot[S]{state: now, at: sent})
}

// recall returns the state as last seen at or after since, zero if it was not.
func (s *snapshots[S]) recall(id string, since time.Time) (none S) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(id); !e.lost && !e.at.Before(since) {
		return e.state
	}
	return none
}

// last returns the state as it ever was last seen, zero if it never was.
func (s *snapshots[S]) last(id string) S {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id).state
}

// forget believes no more what is known of a record's state, nor what answers
// to requests sent before now may still tell.
func (s *snapshots[S]) forget(id string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose(id, now)
}

func (s *snapshots[S]) lose(id string, now time.Time) {
	s.keep(id, snapshot[S]{state: s.find(id).state, at: now, lost: true})
}

// forgetAll is forget for the records of which the last known state is one that
// holds.
func (s *snapshots[S]) forgetAll(holds func(S) bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, generation := range []map[string]snapshot[S]{s.old, s.young} {
		for id, e := range generation {
			if e.known() && holds(e.state) {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		s.lose(id, now)
	}
}

func (s *snapshots[S]) find(id string) snapshot[S] {
	if e, ok := s.young[id]; ok {
		return e
	}
	return s.old[id]
}

func (s *snapshots[S]) keep(id string, e snapshot[S]) {
	if s.young == nil || len(s.young) >= snapshotLimit {
		s.old, s.young = s.young, map[string]snapshot[S]{}
	}
	s.young[id] = e
}

// Snapshot implements [sync.Snapshotter]. It knows states from reads and from
// the answers to writes, and forgets a record when a write to it may or may
// not have happened.
func (a *Adapter) Snapshot(ref sync.Ref, since time.Time) (sync.Record, bool) {
	switch {
	case ref.System != System:
	case ref.Kind == Contact:
		if c := a.seen.recall(ref.ID, since); c != nil {
			return a.record(c), true
		}
	case ref.Kind == ConversationKind:
		if c := a.talks.recall(ref.ID, since); c != nil {
			return a.conversationRecord(c)
		}
	}
	return sync.Record{}, false
}
