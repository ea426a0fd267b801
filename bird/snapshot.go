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

// A snapshot with no fields marks a record whose state became unknown at the
// moment at: what was asked before then is not to be believed.
type snapshot struct {
	record sync.Record
	at     time.Time
}

// remember keeps the record unless something newer is known.
func (s *snapshots) remember(r sync.Record, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if had, ok := s.find(r.ID); ok && (sent.Before(had.at) || r.UpdatedAt.Before(had.record.UpdatedAt)) {
		return
	}
	s.keep(r.ID, snapshot{r, sent})
}

// forget drops what is known of a record, and what answers to requests sent
// before now may still tell.
func (s *snapshots) forget(id string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep(id, snapshot{at: now})
}

// forgetHolders is forget for the records that hold a value of a field.
func (s *snapshots) forgetHolders(field string, v sync.Value, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for _, generation := range []map[string]snapshot{s.old, s.young} {
		for id, e := range generation {
			if e.record.Fields[field] == v {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		s.keep(id, snapshot{at: now})
	}
}

func (s *snapshots) find(id string) (snapshot, bool) {
	if e, ok := s.young[id]; ok {
		return e, true
	}
	e, ok := s.old[id]
	return e, ok
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
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	e, ok := a.seen.find(ref.ID)
	if !ok || e.record.Fields == nil || e.at.Before(since) {
		return sync.Record{}, false
	}
	r := e.record
	r.Fields = r.Fields.Clone()
	return r, true
}
