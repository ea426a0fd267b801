package pgqueue

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A transaction of the server below.
type transaction struct {
	xid  int64
	name string
	seqs []int64 // drawn, nil for one that pushes nothing
	// prepared for a commit in two phases, it survives a crash.
	prepared bool
}

// A server is what settled relies on of PostgreSQL.
type server struct {
	xid, seq  int64
	open      []transaction
	committed []int64 // in the order of the commits
	begun     int
	kept      int64 // the highest transaction that committed
}

func (s *server) begin(t *rapid.T) {
	s.xid++
	s.begun++
	tx := transaction{xid: s.xid, name: fmt.Sprint("1/", s.begun)}
	s.draw(&tx, rapid.IntRange(0, 2).Draw(t, "messages"))
	s.open = append(s.open, tx)
}

func (s *server) draw(tx *transaction, messages int) {
	for range messages {
		s.seq++
		tx.seqs = append(tx.seqs, s.seq)
	}
}

// end removes an open transaction.
func (s *server) end(xid int64) {
	s.open = slices.DeleteFunc(s.open, func(tx transaction) bool { return tx.xid == xid })
}

// xmin is the lowest transaction under way, the reader's own included.
func (s *server) xmin(own int64) int64 {
	low := s.xid + 1
	if own > 0 {
		low = own
	}
	for _, tx := range s.open {
		low = min(low, tx.xid)
	}
	return low
}

func (s *server) holders() []string {
	var names []string
	for _, tx := range s.open {
		if tx.seqs != nil {
			names = append(names, tx.name)
		}
	}
	return names
}

func (s *server) top() int64 { return slices.Max(append(s.committed, 0)) }

// crash loses what is open, and the numbers that were not written down.
func (s *server) crash(t *rapid.T) {
	s.open = slices.DeleteFunc(s.open, func(tx transaction) bool { return !tx.prepared })
	seq, xid := s.top(), s.kept
	for i := range s.open {
		tx := &s.open[i]
		tx.name = fmt.Sprint("-1/", tx.xid)
		seq, xid = slices.Max(append(tx.seqs, seq)), max(xid, tx.xid)
	}
	s.seq = rapid.Int64Range(seq, s.seq).Draw(t, "seq")
	s.xid = rapid.Int64Range(xid, s.xid).Draw(t, "xid")
}

// A reader is a read under way, or a look at the locks.
type reader struct {
	reading
	step    int
	commits int // before its snapshot
	seen    int64
	holders []string
}

// history is a server, and what settled told of it.
type history struct {
	server
	settled settled
	reads   []*reader
	asking  *reader
	told    int64
}

// commit makes the numbers of a transaction visible, none of which may have
// been told of.
func (h *history) commit(t *rapid.T, tx transaction) {
	h.end(tx.xid)
	h.kept = max(h.kept, tx.xid)
	for _, seq := range tx.seqs {
		if seq <= h.told {
			t.Fatalf("%d commits, and up to %d was settled", seq, h.told)
		}
		h.committed = append(h.committed, seq)
	}
}

// steps are those of a read.
const steps = 4

// read takes the next step of a read, in the order of the statements.
func (h *history) read(t *rapid.T, r *reader) {
	switch r.step++; r.step {
	case 1:
		r.reading, _ = h.settled.begin()
		r.drawn = h.seq
	case 2:
		if r.drawn > r.floor {
			h.xid++
			r.xid = h.xid
			h.open = append(h.open, transaction{xid: r.xid})
		}
	case 3:
		r.xmin, r.top, r.commits = h.xmin(r.xid), h.top(), len(h.committed)
		h.end(r.xid)
	case steps:
		r.step = 0
		final := int64(h.settled.end(r.reading))
		for _, seq := range h.committed[r.commits:] {
			if seq <= final {
				t.Fatalf("%d was settled, and %d committed after the snapshot", final, seq)
			}
		}
		h.told = max(h.told, final)
	}
}

// readAll takes all steps that are left.
func (h *history) readAll(t *rapid.T, r *reader) {
	for h.read(t, r); r.step > 0; {
		h.read(t, r)
	}
}

// ask takes the next step of a look at the locks.
func (h *history) ask() {
	switch a := h.asking; {
	case a == nil:
		h.asking = &reader{seen: h.settled.ask()}
	case a.step == 0:
		a.step, a.holders = 1, h.holders()
	default:
		h.settled.answer(a.seen, a.holders)
		h.asking = nil
	}
}

type action struct {
	name string
	do   func(*history, *rapid.T)
}

// open acts on an open transaction, if there is one.
func open(do func(*history, *rapid.T, *transaction)) func(*history, *rapid.T) {
	return func(h *history, t *rapid.T) {
		if n := len(h.open); n > 0 {
			do(h, t, &h.open[rapid.IntRange(0, n-1).Draw(t, "of")])
		}
	}
}

// What comes first is done more often.
var actions = []action{
	{"read", func(h *history, t *rapid.T) { h.read(t, rapid.SampledFrom(h.reads).Draw(t, "reader")) }},
	{"commit", open(func(h *history, t *rapid.T, tx *transaction) { h.commit(t, *tx) })},
	{"begin", func(h *history, t *rapid.T) { h.begin(t) }},
	{"ask", func(h *history, _ *rapid.T) { h.ask() }},
	{"read on", func(h *history, t *rapid.T) { h.readAll(t, h.reads[0]) }},
	{"draw", open(func(h *history, _ *rapid.T, tx *transaction) { h.draw(tx, 1) })},
	{"ask", func(h *history, _ *rapid.T) { h.ask() }},
	{"prepare", open(func(_ *history, _ *rapid.T, tx *transaction) { tx.prepared = true })},
	{"roll back", open(func(h *history, _ *rapid.T, tx *transaction) { h.end(tx.xid) })},
	{"crash", func(h *history, t *rapid.T) {
		h.crash(t)
		h.reads, h.asking = []*reader{{}, {}}, nil
	}},
}

// Whatever happens in whatever order, nothing commits that was said to be
// settled; and when nothing is under way, one read settles all.
func TestSettled(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var h history
		h.reads = []*reader{{}, {}}
		for range rapid.IntRange(1, 120).Draw(t, "steps") {
			rapid.SampledFrom(actions).Draw(t, "action").do(&h, t)
		}
		h.open = nil
		h.readAll(t, &reader{})
		if h.told < h.top() {
			t.Fatalf("a read in quiet times settled up to %d of %d", h.told, h.top())
		}
	})
}

// A transaction that was prepared goes on by another name after a crash.
func TestSettledWithPrepared(t *testing.T) {
	s := settled{seen: 5}
	s.answer(s.ask(), []string{"3/17"})
	s.answer(s.ask(), []string{"-1/900"})
	if s.floor != 0 {
		t.Errorf("%d is settled while who may have drawn it is prepared", s.floor)
	}
	s.answer(s.ask(), nil)
	if s.floor != 5 {
		t.Errorf("%d is settled, want 5: nobody holds a lock", s.floor)
	}
}
