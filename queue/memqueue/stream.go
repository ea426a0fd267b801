package memqueue

import (
	"sort"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A stream is one priority of a shard: its entries by sequence number. A
// removed one stays as a hole, without its message, until the holes are as
// many as the rest; so every operation costs the logarithm of the length at
// most, and no read walks over many holes.
type stream struct {
	entries []queue.Entry
	holes   int
}

func hole(e *queue.Entry) bool { return e.Message.Key == "" }

func (s *stream) live() int { return len(s.entries) - s.holes }

func (s *stream) append(e queue.Entry) { s.entries = append(s.entries, e) }

// after returns the index of the first entry above seq.
func (s *stream) after(seq uint64) int {
	n := len(s.entries)
	if n == 0 || s.entries[n-1].Seq <= seq {
		return n
	}
	return sort.Search(n, func(i int) bool { return s.entries[i].Seq > seq })
}

// find returns the entry with the sequence number, nil if there is none.
func (s *stream) find(seq uint64) *queue.Entry {
	i := s.after(seq - 1)
	if i == len(s.entries) || s.entries[i].Seq != seq || hole(&s.entries[i]) {
		return nil
	}
	return &s.entries[i]
}

// remove takes the entry out and returns what was held with it.
func (s *stream) remove(seq uint64) (*queue.Held, bool) {
	e := s.find(seq)
	if e == nil {
		return nil, false
	}
	held := e.Held
	e.Message, e.Held = sync.Message{}, nil
	s.holes++
	const few = 32
	if s.holes > few && s.holes > len(s.entries)/2 {
		s.compact()
	}
	return held, true
}

// compact closes the holes.
func (s *stream) compact() {
	kept := s.entries[:0]
	for i := range s.entries {
		if !hole(&s.entries[i]) {
			kept = append(kept, s.entries[i])
		}
	}
	clear(s.entries[len(kept):])
	s.entries, s.holes = kept, 0
}

// read answers the span with a page whose entries are appended to buf.
func (s *stream) read(span *queue.Span, page *queue.Page, buf []queue.Entry) []queue.Entry {
	page.Next, page.Settled = span.After, queue.AllSettled
	start := len(buf)
	for i := s.after(span.After); i < len(s.entries); i++ {
		e := &s.entries[i]
		if span.Upto != 0 && e.Seq > span.Upto {
			break
		}
		if hole(e) || span.Key != "" && e.Message.Key != span.Key {
			continue
		}
		if len(buf)-start == span.Limit {
			page.More = true
			break
		}
		buf = append(buf, *e)
		page.Next = e.Seq
	}
	page.Entries = buf[start:len(buf):len(buf)]
	return buf
}

// first returns the first entry, nil if there is none.
func (s *stream) first() *queue.Entry {
	for i := range s.entries {
		if !hole(&s.entries[i]) {
			return &s.entries[i]
		}
	}
	return nil
}
