package pgqueue

import (
	"slices"
	stdsync "sync"
)

// settled knows up to which sequence number nothing can turn up any more. A
// number is drawn before its transaction commits, so that entry 7 may be seen
// before entry 6. Two observations tell that 6 has come or never will:
//
// The first comes with the reads. A transaction that drew a number below one
// seen had its transaction number by then, and a read that begins afterwards
// draws a higher one. Once the xmin of a later snapshot reaches that, the
// former has ended. (The xmax of a snapshot would not do: it is the first after
// the last that ended, and others above it may be under way.)
//
// The second is for when xmin stands still, because of a long transaction
// elsewhere, a report or a dump. Whoever drew a number holds a lock on the
// table of messages until its transaction ends. Once all who held one at some
// moment have let go, all numbers seen before that moment are settled.
type settled struct {
	mu    stdsync.Mutex
	seen  int64  // the highest number seen
	floor int64  // the highest number known to be settled
	marks []mark // in order of both xid and seq
	vain  int    // reads in a row that left something unsettled

	asking  stdsync.Mutex // held by who looks at the locks
	locks   int64         // settled by locks
	at      int64         // what will be when the holders are gone
	holders []string      // virtual transactions
	asked   bool          // since something was settled otherwise
}

// A mark says that all numbers up to seq are settled for snapshots whose xmin
// has reached xid.
type mark struct{ xid, seq int64 }

// A reading is one read of the log.
type reading struct {
	base   int64 // what was settled before it began
	before int64 // the highest number seen before, if it is to be marked
	xid    int64 // its transaction number, 0 if none
	xmin   int64 // of its snapshot
	top    int64 // the highest number read
}

// begin returns a reading, whether the locks should be asked because xmin
// stands still, and whether they did not help.
func (s *settled) begin() (r reading, stuck, held bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const patience = 16
	r.base = s.locks
	if s.seen > s.floor {
		r.before = s.seen
	}
	return r, s.vain >= patience, len(s.holders) > 0 && s.asked
}

// end takes note of a reading and returns up to where its stream is final.
func (s *settled) end(r reading) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = max(s.seen, r.top)
	if n := len(s.marks); r.xid > 0 && (n == 0 || r.before > s.marks[n-1].seq && r.xid > s.marks[n-1].xid) {
		s.marks = append(s.marks, mark{r.xid, r.before})
	}
	floor, passed := r.base, 0
	for i, m := range s.marks {
		if m.xid <= r.xmin {
			floor, passed = max(floor, m.seq), i
		}
	}
	s.marks = s.marks[passed:] // the one just passed serves reads that began earlier
	s.thin()
	s.floor = max(s.floor, floor)
	if s.vain++; floor >= s.seen {
		s.vain, s.asked = 0, false
	}
	return uint64(floor)
}

// thin drops every other mark when too many wait, which settles later but no
// less.
func (s *settled) thin() {
	const most = 64
	if len(s.marks) <= most {
		return
	}
	kept := s.marks[:0]
	for i := 0; i < len(s.marks); i += 2 {
		kept = append(kept, s.marks[i])
	}
	s.marks = kept
}

// ask returns the highest number seen: what a look at the locks that begins
// now can settle.
func (s *settled) ask() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen
}

// answer takes note of who held locks after ask returned seen. The caller
// holds s.asking.
func (s *settled) answer(seen int64, holders []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.vain, s.asked = 0, true
	s.holders = slices.DeleteFunc(s.holders, func(h string) bool { return !slices.Contains(holders, h) })
	if len(s.holders) > 0 {
		return
	}
	s.locks = max(s.locks, s.at)
	s.at, s.holders = seen, holders
	if len(holders) == 0 {
		s.locks = seen
	}
}
