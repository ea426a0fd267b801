package queuetest

import (
	"context"
	"errors"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// counting counts the calls of a log and what they return.
type counting struct {
	queue.Log
	appends, reads, rows, deletes, holds, leases atomic.Int64
	again                                        atomic.Int64 // rows of searches for late commits
	late                                         atomic.Int64 // pages that a late commit could precede
}

func (c *counting) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	c.appends.Add(1)
	return c.Log.Append(ctx, now, msgs)
}

func (c *counting) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	pages, err := c.Log.Read(ctx, spans)
	c.reads.Add(1)
	for i := range pages {
		rows := int64(len(pages[i].Entries))
		c.rows.Add(rows)
		if spans[i].Upto != 0 && spans[i].Key == "" {
			c.again.Add(rows)
		}
		if pages[i].Settled < pages[i].Next {
			c.late.Add(1)
		}
	}
	return pages, err
}

// fresh counts the rows that were not read in search of late commits.
func (c *counting) fresh() int64 { return c.rows.Load() - c.again.Load() }

func (c *counting) Delete(ctx context.Context, f queue.Fence, entries []queue.Pos) error {
	c.deletes.Add(1)
	return c.Log.Delete(ctx, f, entries)
}

func (c *counting) Hold(ctx context.Context, f queue.Fence, entry queue.Pos, held queue.Held) error {
	c.holds.Add(1)
	return c.Log.Hold(ctx, f, entry, held)
}

func (c *counting) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	c.leases.Add(1)
	return c.Log.Lease(ctx, now, p)
}

// slow can hold back the answer of a read: what it returns was seen before
// the caller lets it go on.
type slow struct {
	queue.Log
	mu      stdsync.Mutex
	gate    chan struct{} // nil when reads pass
	deletes chan struct{} // nil when deletes pass
	seen    chan struct{} // receives a value when a read or delete has its answer
}

// stopDelete holds back the answer of the next delete.
func (s *slow) stopDelete() (resume func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.deletes = gate
	return func() { close(gate) }
}

func (s *slow) Delete(ctx context.Context, f queue.Fence, entries []queue.Pos) error {
	err := s.Log.Delete(ctx, f, entries)
	s.mu.Lock()
	gate := s.deletes
	s.deletes = nil
	s.mu.Unlock()
	if gate != nil {
		s.seen <- struct{}{}
		<-gate
	}
	return err
}

// stop holds back the next read until the function returned is called.
func (s *slow) stop() (resume func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gate := make(chan struct{})
	s.gate = gate
	return func() { close(gate) }
}

func (s *slow) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	pages, err := s.Log.Read(ctx, spans)
	s.mu.Lock()
	gate := s.gate
	s.gate = nil
	s.mu.Unlock()
	if gate != nil {
		s.seen <- struct{}{}
		<-gate
	}
	return pages, err
}

// failing fails one call when told to, after letting some pass.
type failing struct {
	queue.Log
	next  atomic.Bool
	after atomic.Int64 // calls of Lease to let pass
}

var errDown = errors.New("the log is down")

func (f *failing) fail() error {
	if f.next.CompareAndSwap(true, false) {
		return errDown
	}
	return nil
}

func (f *failing) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	if f.after.Load() == 0 {
		if err := f.fail(); err != nil {
			return queue.Leases{}, err
		}
	}
	return f.Log.Lease(ctx, now, p)
}

func (f *failing) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	if err := f.fail(); err != nil {
		return nil, err
	}
	return f.Log.Read(ctx, spans)
}

func (f *failing) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Log.Delete(ctx, fence, entries)
}

func (f *failing) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Log.Hold(ctx, fence, entry, held)
}

func (f *failing) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	if err := f.fail(); err != nil {
		return err
	}
	return f.Log.Bury(ctx, fence, burials)
}

// lateLog shows some messages later than their sequence numbers say, as
// transactions do that commit out of order.
type lateLog struct {
	queue.Log
	mu     stdsync.Mutex
	hidden map[string]bool // by ID
}

func (l *lateLog) show(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		delete(l.hidden, id)
	}
}

func (l *lateLog) Read(ctx context.Context, spans []queue.Span) ([]queue.Page, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	floors, err := l.floors(ctx, spans)
	if err != nil {
		return nil, err
	}
	pages, err := l.Log.Read(ctx, spans)
	for i := range pages {
		pages[i].Settled = min(pages[i].Settled, floors[i])
		var shown []queue.Entry
		for _, e := range pages[i].Entries {
			if !l.hidden[e.Message.ID] {
				shown = append(shown, e)
			}
		}
		pages[i].Entries = shown
	}
	return pages, err
}

// floors returns for each span up to where its stream hides nothing.
func (l *lateLog) floors(ctx context.Context, spans []queue.Span) ([]uint64, error) {
	floors, whole := make([]uint64, len(spans)), make([]queue.Span, len(spans))
	for i, s := range spans {
		whole[i] = queue.Span{Shard: s.Shard, Priority: s.Priority, Limit: 1 << 20}
	}
	pages, err := l.Log.Read(ctx, whole)
	if err != nil {
		return nil, err
	}
	for i := range pages {
		floors[i] = pages[i].Settled
		for _, e := range pages[i].Entries {
			if l.hidden[e.Message.ID] {
				floors[i] = min(floors[i], e.Seq-1)
			}
		}
	}
	return floors, nil
}
