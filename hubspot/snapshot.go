package hubspot

import (
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// snapshotLimit is how many records each of the two generations holds.
const snapshotLimit = 10_000

// snapshots remember the last state seen of each record. A generation that is
// full becomes the old one, and the one before it is dropped.
type snapshots struct {
	mu         stdsync.Mutex
	young, old map[string]snapshot
}

// snapshot is a record as seen by a read that was sent at a time, with what
// was written since. Reads sent before wrote say nothing: their answer may be
// of before the write.
type snapshot struct {
	record      sync.Record
	seen, wrote time.Time
	known       bool
}

// Snapshot implements [sync.Snapshotter]. It knows states from reads, and adds
// to them what its own writes were answered. It forgets a record when a write
// to it fails, since that may have happened nonetheless.
func (a *Adapter) Snapshot(ref sync.Ref, since time.Time) (sync.Record, bool) {
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	s := a.seen.get(ref.ID)
	if ref.System != System || ref.Kind != Contact || !s.known || s.seen.Before(since) {
		return sync.Record{}, false
	}
	rec := s.record
	rec.Fields = rec.Fields.Clone()
	return rec, true
}

func (s *snapshots) get(id string) snapshot {
	if e, ok := s.young[id]; ok {
		return e
	}
	return s.old[id]
}

func (s *snapshots) put(id string, e snapshot) {
	if s.young == nil || len(s.young) >= snapshotLimit {
		s.old, s.young = s.young, map[string]snapshot{}
	}
	s.young[id] = e
}

// read remembers what a read that was sent at a time answered.
func (s *snapshots) read(rec sync.Record, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.get(rec.ID)
	if sent.Before(e.wrote) || e.known && sent.Before(e.seen) {
		return
	}
	rec.Fields = rec.Fields.Clone()
	s.put(rec.ID, snapshot{record: rec, seen: sent, wrote: e.wrote, known: !rec.Deleted})
}

// written adds the answer to a write, of which only the named properties are
// kept. A record that the write created has no others.
func (s *snapshots) written(o *object, names []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.get(o.ID)
	if o.New {
		e = snapshot{record: o.record(names), seen: now, known: true}
	}
	e.wrote = now
	e.record.Fields = e.record.Fields.Clone()
	e.record.UpdatedAt = o.modified()
	for name, v := range o.Properties {
		switch {
		case !slices.Contains(names, name) || name == sync.IDField:
		case v.Blank():
			delete(e.record.Fields, name)
		default:
			e.record.Fields[name] = sync.Text(v.String())
		}
	}
	s.put(o.ID, e)
}

// forget drops what is known of a record, for reads already sent as well.
func (s *snapshots) forget(id string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(id, snapshot{wrote: now})
}
