package bird

import (
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// snapshotLimit bounds the records remembered: two generations of this many.
const snapshotLimit = 10_000

// snapshots remembers the last state seen of records. A state is dated by the
// moment its request was sent, the latest at which it certainly still held.
// The zero value is ready; methods may be called concurrently.
type snapshots struct {
	mu         stdsync.Mutex
	young, old map[string]snapshot
}

// A snapshot that is lost marks a contact whose state became unknown at the
// moment at: what was asked before then is not to be believed. What it held
// still tells by which identifiers to look for it. The contact is not changed
// any more.
type snapshot struct {
	contact *contact
	at      time.Time
	lost    bool
}

// remember keeps the contact unless something newer is known.
func (s *snapshots) remember(c *contact, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.find(c.ID)
	if sent.Before(had.at) || had.contact != nil && !had.lost && c.UpdatedAt.Before(had.contact.UpdatedAt.Time) {
		return
	}
	s.keep(c.ID, snapshot{contact: c, at: sent})
}

// recall returns the contact as last seen at or after since, nil if it was not.
func (s *snapshots) recall(id string, since time.Time) *contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.find(id); !e.lost && !e.at.Before(since) {
		return e.contact
	}
	return nil
}

// last returns the contact as it ever was last seen, nil if it never was.
func (s *snapshots) last(id string) *contact {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id).contact
}

// forget believes no more what is known of a record's state, nor what answers
// to requests sent before now may still tell.
func (s *snapshots) forget(id string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lose(id, now)
}

func (s *snapshots) lose(id string, now time.Time) {
	s.keep(id, snapshot{contact: s.find(id).contact, at: now, lost: true})
}

// forgetHolders is forget for the contacts that hold an identifier.
func (s *snapshots) forgetHolders(i identifier, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, generation := range []map[string]snapshot{s.old, s.young} {
		for id, e := range generation {
			if e.contact != nil && !e.lost && e.contact.mirrors(i) {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		s.lose(id, now)
	}
}

func (s *snapshots) find(id string) snapshot {
	if e, ok := s.young[id]; ok {
		return e
	}
	return s.old[id]
}

func (s *snapshots) keep(id string, e snapshot) {
	if s.young == nil || len(s.young) >= snapshotLimit {
		s.old, s.young = s.young, map[string]snapshot{}
	}
	s.young[id] = e
}

// Snapshot implements [sync.Snapshotter]. It knows states from reads and from
// the answers to writes, and forgets a record when a write to it may or may
// not have happened.
func (a *Adapter) Snapshot(ref sync.Ref, since time.Time) (sync.Record, bool) {
	if ref.System != System || ref.Kind != Contact {
		return sync.Record{}, false
	}
	c := a.seen.recall(ref.ID, since)
	if c == nil {
		return sync.Record{}, false
	}
	return a.record(c), true
}
