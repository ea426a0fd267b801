package pgqueue

import (
	"slices"
	"strings"
	stdsync "sync"
)

// settled knows up to which sequence number nothing can turn up any more. A
// number is drawn before its transaction commits, so that entry 7 may be seen
// before entry 6. Two observations tell that 6 has come or never will:
//
// The first comes with the reads, which look, in this order, at the last
// sequence number that was drawn, get a transaction number of their own, and
// take the snapshot that they read by. Whoever drew a sequence number had its
// transaction number by then; this one is therefore higher than those of all
// who drew the numbers up to the last. All transactions below the xmin of a
// snapshot have ended, and what they committed is visible in it. So once the
// xmin of a snapshot, of the same read or of any later one, reaches the
// transaction number, nothing up to the sequence number is still to come: in
// quiet times this holds at once, for a read's own transaction is under way
// and no other below it.
//
// The order cannot be any other, and no number of the snapshot stands in for
// the transaction number. Its xmax is the first after the last that ended:
// others from there on may be under way and have drawn low numbers.
// Savepoints change nothing, as a transaction has a number before any of its
// savepoints has; nor does a host's default isolation with one snapshot per
// transaction, which is older than the number then and settles nothing by
// itself but the numbers of reads before it.
//
// Only numbers up to the highest one seen in a message are remembered as
// settled. Those beyond were drawn in vain so far, and a server that crashes
// before it has written them down draws them again; what was seen was written.
//
// The second is for when xmin stands still, because of a long transaction
// elsewhere, a report or a dump. Whoever drew a number holds a lock on the
// table of messages until its transaction ends, and is visible from before it
// lets go. Once all who held one at some moment have let go, all numbers seen
// before that moment are settled for the reads that begin then.
type settled struct {
	mu    stdsync.Mutex
	seen  int64  // the highest number seen in a message
	floor int64  // the highest number known to be settled
	marks []mark // not passed yet
	vain  int    // reads in a row that settled nothing though something was open

	asking  stdsync.Mutex // held by who looks at the locks
	at      int64         // what will be settled when the holders are gone
	holders []string      // virtual transactions
}

// A mark says that all numbers up to seq are settled for snapshots whose xmin
// has reached xid.
type mark struct{ xid, seq int64 }

// A reading is one read of the log.
type reading struct {
	floor int64 // what was settled before it began
	drawn int64 // the last number drawn
	xid   int64 // its transaction number, got after that; 0 if all is settled
	xmin  int64 // of its snapshot, taken after that
	top   int64 // the highest number in the snapshot's messages
}

// begin returns a reading, and whether the locks should be asked because xmin
// stands still.
func (s *settled) begin() (r reading, stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const patience = 16
	return reading{floor: s.floor}, s.vain >= patience
}

// end takes note of a reading and returns up to where it is final.
func (s *settled) end(r reading) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = max(s.seen, r.top)
	floor := r.floor
	if r.xid > 0 {
		s.marks = append(s.marks, mark{r.xid, min(r.drawn, s.seen)})
	}
	s.marks = slices.DeleteFunc(s.marks, func(m mark) bool {
		passed := m.xid <= r.xmin
		if passed {
			floor = max(floor, m.seq)
		}
		return passed
	})
	s.thin()
	if s.vain++; floor > r.floor || floor >= s.seen {
		s.vain = 0
	}
	s.floor = max(s.floor, floor)
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

// ask returns what a look at the locks that begins now can settle.
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
	s.vain = 0
	left := holders[:0:0]
	for _, h := range holders {
		// A transaction that is prepared for a commit in two phases goes on by
		// another name.
		if prepared := strings.HasPrefix(h, "-1/"); prepared || slices.Contains(s.holders, h) {
			left = append(left, h)
		}
	}
	if len(s.holders) > 0 && len(left) > 0 {
		s.holders = left
		return
	}
	s.floor = max(s.floor, s.at)
	s.at, s.holders = seen, holders
	if len(holders) == 0 {
		s.floor = max(s.floor, seen)
	}
}
