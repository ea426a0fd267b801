package memqueue

import (
	"hash/maphash"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/queue"
)

// seen remembers IDs for [queue.Memory], and up to a day longer: IDs lie in
// one set per day, and a day is forgotten as a whole.
type seen struct {
	seeds [2]maphash.Seed
	days  []*idSet
}

func newSeen() seen { return seen{seeds: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}} }

// add remembers the ID and reports whether it was new.
func (s *seen) add(now time.Time, id string) bool {
	set := s.on(now)
	hash := idHash{maphash.String(s.seeds[0], id) | 1, maphash.String(s.seeds[1], id)}
	for _, d := range s.days {
		if d != set && *d.find(hash) == hash {
			return false
		}
	}
	return set.add(hash)
}

// on returns the set of a day. A new one ends the memory of old ones.
func (s *seen) on(now time.Time) *idSet {
	day := now.Unix() / (24 * 60 * 60)
	for _, d := range s.days {
		if d.day == day {
			return d
		}
	}
	oldest := day - int64(queue.Memory/(24*time.Hour))
	s.days = slices.DeleteFunc(s.days, func(d *idSet) bool { return d.day < oldest })
	set := &idSet{day: day, slots: make([]idHash, 64)}
	s.days = append(s.days, set)
	return set
}

// An idHash stands for an ID: 128 bits of a keyed hash, never zero.
type idHash [2]uint64

// An idSet is a hash table with linear probing. It has no pointers, so that
// millions of IDs cost the garbage collector nothing.
type idSet struct {
	day   int64
	slots []idHash // a power of two of them, half of them empty
	n     int
}

// find returns the slot that holds the hash, or the empty one where it goes.
func (s *idSet) find(h idHash) *idHash {
	mask := uint64(len(s.slots) - 1)
	for i := h[1] & mask; ; i = (i + 1) & mask {
		if s.slots[i] == h || s.slots[i] == (idHash{}) {
			return &s.slots[i]
		}
	}
}

// add puts the hash in and reports whether it was new.
func (s *idSet) add(h idHash) bool {
	slot := s.find(h)
	if *slot == h {
		return false
	}
	*slot = h
	s.n++
	if s.n > len(s.slots)/2 {
		old := s.slots
		s.slots = make([]idHash, 2*len(old))
		for _, h := range old {
			if h != (idHash{}) {
				*s.find(h) = h
			}
		}
	}
	return true
}
