// Package snapshot remembers, for a little while, the last state seen of
// records: from reads and from the answers to writes.
package snapshot

import (
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// limit bounds the records remembered: two generations of this many.
const limit = 10_000

// A Memory holds the last state seen of the records of one kind. A state is
// dated by the moment its request was sent, the latest at which it certainly
// still held. The zero value is ready; methods may be called concurrently.
type Memory struct {
	mu         stdsync.Mutex
	young, old map[string]sighting
}

// A sighting with no fields marks a record whose state became unknown at the
// moment at: what was asked before then is not to be believed.
type sighting struct {
	record sync.Record
	at     time.Time
}

// Remember keeps the record unless something newer is known.
func (m *Memory) Remember(r sync.Record, sent time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if had, ok := m.find(r.ID); ok && (sent.Before(had.at) || r.UpdatedAt.Before(had.record.UpdatedAt)) {
		return
	}
	m.keep(r.ID, sighting{r, sent})
}

// Forget drops what is known of a record, and what answers to requests sent
// before now may still tell.
func (m *Memory) Forget(id string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(id, sighting{at: now})
}

// ForgetHolders is Forget for the records that hold a value of a field.
func (m *Memory) ForgetHolders(field string, v sync.Value, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []string
	for _, generation := range []map[string]sighting{m.old, m.young} {
		for id, s := range generation {
			if s.record.Fields[field] == v {
				ids = append(ids, id)
			}
		}
	}
	for _, id := range ids {
		m.keep(id, sighting{at: now})
	}
}

// Find returns the state of a record seen at or after since.
func (m *Memory) Find(id string, since time.Time) (sync.Record, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.find(id)
	if !ok || s.record.Fields == nil || s.at.Before(since) {
		return sync.Record{}, false
	}
	r := s.record
	r.Fields = r.Fields.Clone()
	return r, true
}

func (m *Memory) find(id string) (sighting, bool) {
	if s, ok := m.young[id]; ok {
		return s, true
	}
	s, ok := m.old[id]
	return s, ok
}

func (m *Memory) keep(id string, s sighting) {
	if m.young == nil || len(m.young) >= limit {
		m.old, m.young = m.young, map[string]sighting{}
	}
	m.young[id] = s
}
