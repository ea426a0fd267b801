package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Extend implements [sync.Queue].
func (q *Queue) Extend(ctx context.Context, now time.Time, ln sync.Lane, lease time.Duration) (sync.Lane, error) {
	if err := q.secure(ctx, now, ln, lease); err != nil {
		return ln, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.find(now, ln)
	if err != nil {
		return ln, err
	}
	l.due = now.Add(lease)
	if l.shard.expires.Before(l.due) {
		return ln, stale("extend", "the shard's lease could not be prolonged")
	}
	q.timers.set(l)
	ln.Expires = l.due
	return ln, nil
}

// secure renews the shards if the lane's would end before the lane's lease.
func (q *Queue) secure(ctx context.Context, now time.Time, ln sync.Lane, lease time.Duration) error {
	q.mu.Lock()
	l, err := q.find(now, ln)
	short := err == nil && l.shard.expires.Before(now.Add(lease))
	q.mu.Unlock()
	if !short {
		return err
	}
	if err := q.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-q.pump }()
	return q.own(ctx, now, lease)
}

// Done implements [sync.Queue].
func (q *Queue) Done(ctx context.Context, now time.Time, ln sync.Lane) error {
	return q.settle(now, ln, "done", func(h holding) (int, error) {
		n := len(ln.Messages)
		gone := make([]Pos, n)
		for i := range gone {
			gone[i] = h.pos(i)
		}
		return n, q.log.Delete(ctx, h.fence, gone)
	}, nil)
}

// Bury implements [sync.Queue].
func (q *Queue) Bury(ctx context.Context, now time.Time, ln sync.Lane, cause sync.Failure) error {
	setTime(&cause, now)
	return q.settle(now, ln, "bury", func(h holding) (int, error) {
		n := len(ln.Messages)
		burials := make([]Burial, n)
		for i := range burials {
			held := failed(h.meta[i].held, cause)
			burials[i] = Burial{Pos: h.pos(i), Letter: sync.DeadLetter{
				Message: h.msgs[i], Attempts: held.Attempts, History: held.History, DiedAt: now}}
		}
		return n, q.log.Bury(ctx, h.fence, burials)
	}, nil)
}

// Retry implements [sync.Queue].
func (q *Queue) Retry(ctx context.Context, now time.Time, ln sync.Lane, at time.Time, cause sync.Failure) error {
	setTime(&cause, now)
	ln.Messages = nil
	var held Held
	write := func(h holding) (int, error) {
		held = failed(h.meta[0].held, cause)
		held.RetryAt = at
		return 0, q.log.Hold(ctx, h.fence, h.pos(0), held)
	}
	return q.settle(now, ln, "retry", write, func(l *lane) {
		head := &l.meta[0]
		head.held = &held
		if head.suspect { // it was in work and nobody died
			head.suspect = false
			l.shard.suspicious--
		}
		q.endLease(l)
		if at.After(now) {
			q.sleep(l, at)
		}
	})
}

func setTime(f *sync.Failure, now time.Time) {
	if f.At.IsZero() {
		f.At = now
	}
}

// A holding is what a lease covers. It may be read without the lock.
type holding struct {
	fence Fence
	msgs  []sync.Message
	meta  []meta
}

// pos names message i in the log.
func (h *holding) pos(i int) Pos { return Pos{h.msgs[i].Priority, h.meta[i].seq} }

// settle checks the lease, writes what became of the lane's first messages
// without holding the lock, removes as many as write says from memory, and
// ends the lease when none is left or by end. The lane is busy meanwhile: its
// lease cannot pass to anybody, nor can it be settled twice.
func (q *Queue) settle(now time.Time, ln sync.Lane, op string, write func(holding) (int, error), end func(*lane)) error {
	q.mu.Lock()
	l, err := q.find(now, ln)
	switch {
	case err != nil:
	case l.busy:
		err = stale(op, "the lane is being settled by another call")
	default:
		err = l.prefix(op, ln.Messages)
	}
	if err != nil {
		q.mu.Unlock()
		return err
	}
	l.busy = true
	h := holding{l.shard.fence, l.msgs[:l.leased:l.leased], l.meta[:l.leased:l.leased]}
	q.mu.Unlock()

	n, err := write(h)

	q.mu.Lock()
	defer q.mu.Unlock()
	sh := l.shard
	l.busy = false
	switch {
	case errors.Is(err, ErrFenced):
		q.drop(sh)
	case sh.dropped: // the log knows; there is nothing to note
	case err != nil:
		q.timers.set(l)
	default:
		q.settled(l, n, end)
	}
	if err != nil {
		return fail(op, err)
	}
	return nil
}

// settled notes in memory what the log has stored.
func (q *Queue) settled(l *lane, n int, end func(*lane)) {
	if q.fetching {
		// The read under way may have seen the messages that are gone.
		for i := range n {
			q.gone[deleted{l.shard.fence.Shard, l.meta[i].seq}] = true
		}
	}
	q.cut(l, n)
	switch {
	case end != nil:
		end(l)
	case l.leased > 0:
		q.timers.set(l)
		return
	default:
		q.endLease(l)
	}
	if q.readyLanes() > 0 || len(q.refills) > 0 {
		q.signal()
	}
}

// find returns the lane if ln is its present lease. The caller holds q.mu.
func (q *Queue) find(now time.Time, ln sync.Lane) (*lane, error) {
	t, ok := parseTicket(ln.Token)
	if !ok || t.fence.Shard < 0 || t.fence.Shard >= len(q.shards) {
		return nil, stale("settle", "the token is not of this queue")
	}
	sh := q.shards[t.fence.Shard]
	if sh == nil || sh.fence != t.fence {
		return nil, stale("settle", "the shard has moved")
	}
	l := sh.lanes[ln.Key]
	if l == nil || l.state != inWork || l.lease != t.lease || !now.Before(l.due) {
		return nil, stale("settle", "the lease is over")
	}
	return l, nil
}

func stale(op, why string) error { return fmt.Errorf("queue: %s: %s: %w", op, why, sync.ErrStale) }

// prefix checks that msgs are the first messages leased.
func (l *lane) prefix(op string, msgs []sync.Message) error {
	ok := len(msgs) <= l.leased
	for i := 0; ok && i < len(msgs); i++ {
		ok = msgs[i].ID == l.msgs[i].ID
	}
	if ok {
		return nil
	}
	return &sync.Error{Op: "queue: " + op, Action: sync.Fatal, Field: "Messages", Rule: "lane.prefix",
		Hint: "cut lane.Messages to a prefix of what is still leased", Err: errors.New("the messages do not begin the lane")}
}
