package memqueue

import (
	"hash/maphash"
	"time"

	"github.com/urbanhub/crmsync/queue"
)

// seen remembers IDs for [queue.Memory], and up to a day longer: IDs lie in
// one set per day, and a day is forgotten as a whole. Of an ID only 128 bits
// of a keyed hash are kept, in sets without pointers, which costs the garbage
// collector nothing.
type seen struct {
	seeds [2]maphash.Seed
	days  map[int64]map[[2]uint64]struct{}
	last  int64 // the latest day seen
}

func newSeen() seen {
	return seen{
		seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()},
		days:  map[int64]map[[2]uint64]struct{}{},
	}
}

// add remembers the ID and reports whether it was new.
func (s *seen) add(now time.Time, id string) bool {
	const day = 24 * 60 * 60
	today := now.Unix() / day
	if today > s.last {
		s.forget(today - int64(queue.Memory/(day*time.Second)))
		s.last = today
	}
	hash := [2]uint64{maphash.String(s.seeds[0], id), maphash.String(s.seeds[1], id)}
	for d, ids := range s.days {
		if d != today {
			if _, ok := ids[hash]; ok {
				return false
			}
		}
	}
	ids := s.days[today]
	if ids == nil {
		ids = map[[2]uint64]struct{}{}
		s.days[today] = ids
	}
	before := len(ids)
	ids[hash] = struct{}{}
	return len(ids) > before
}

// forget drops the days before first.
func (s *seen) forget(first int64) {
	for d := range s.days {
		if d < first {
			delete(s.days, d)
		}
	}
}
