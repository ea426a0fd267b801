package queue

import (
	"context"
	"errors"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Take implements [sync.Queue]. When the log does not answer it returns the
// error, without lanes.
func (q *Queue) Take(ctx context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	if n <= 0 {
		return nil, nil
	}
	if lease <= 0 {
		return nil, &sync.Error{Op: "queue: take", Action: sync.Fatal, Field: "lease", Rule: "lease.positive",
			Hint: "lease lanes for the time the work may take", Err: errors.New("the lease has no duration")}
	}
	pumps, err := q.refresh(ctx, now, lease)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	q.expire(now)
	lanes, suspects := q.handOut(now, n, lease, sync.IsUrgentOnly(ctx))
	more := q.readyLanes() > 0
	q.mu.Unlock()
	if pumps {
		<-q.pump // not before: who waits for it would race for what this one has read
	}
	if more && len(lanes) > 0 {
		q.signal()
	}
	return q.vouch(ctx, now, lanes, suspects)
}

// refresh brings leases and memory up to date. While another caller is at it,
// this one goes on with what is in memory, if that will do; else it holds the
// pump when it returns without an error.
func (q *Queue) refresh(ctx context.Context, now time.Time, lease time.Duration) (pumps bool, err error) {
	q.mu.Lock()
	q.expire(now)
	enough := q.readyLanes() > 0 && !q.renewDue(now, lease)
	before := q.fetches
	q.mu.Unlock()
	select {
	case q.pump <- struct{}{}:
	default:
		if enough {
			return false, nil
		}
		if err := q.acquire(ctx); err != nil {
			return false, err
		}
	}
	defer func() {
		if !pumps {
			<-q.pump
		}
	}()
	if err := q.own(ctx, now, lease); err != nil {
		return false, err
	}
	q.mu.Lock()
	// A read that began after this call and has ended serves it as well.
	served := q.fetches > before && (q.readyLanes() > 0 || !q.unread)
	q.mu.Unlock()
	if served {
		return true, nil
	}
	err = q.fetch(ctx, now)
	return err == nil, err
}

// readyLanes counts the lanes that could be handed out.
func (q *Queue) readyLanes() int {
	n := 0
	for p := range q.ready {
		n += q.ready[p].len
	}
	return n
}

// handOut leases up to n lanes, none of bulk work if they shall be urgent; it
// also says which are under suspicion.
func (q *Queue) handOut(now time.Time, n int, lease time.Duration, urgent bool) (lanes []sync.Lane, suspects []int) {
	until := now.Add(lease)
	var later []*lane // of shards whose lease is too short until it is renewed
	has := func(p sync.Priority) bool { return q.ready[p].len > 0 && !(urgent && p.Bulk()) }
	for len(lanes) < n {
		p, ok := q.schedule.next(has)
		if !ok {
			break
		}
		l := q.ready[p].first
		l.unlink()
		if l.meta[0].held.sleeps(now) {
			q.sleep(l, l.meta[0].held.RetryAt)
			continue
		}
		if l.shard.expires.Before(until) {
			later = append(later, l)
			continue
		}
		if lanes == nil {
			lanes = make([]sync.Lane, 0, min(n, q.readyLanes()+1))
		}
		if l.meta[0].suspect {
			suspects = append(suspects, len(lanes))
		}
		lanes = append(lanes, q.leaseOut(l, now, until))
	}
	for _, l := range later {
		q.offer(l)
	}
	return lanes, suspects
}

// leaseOut leases the lane with all its messages, up to the first that is
// under suspicion, which goes alone, or still asleep, which can follow one of
// another priority.
func (q *Queue) leaseOut(l *lane, now, until time.Time) sync.Lane {
	q.leases++
	l.state, l.lease, l.due, l.leased = inWork, q.leases, until, 1
	for !l.meta[0].suspect && l.leased < len(l.msgs) && !l.meta[l.leased].apart(now) {
		l.leased++
	}
	l.shard.leased++
	q.timers.set(l)
	for i := range l.leased {
		q.leased[l.msgs[i].Priority]++
	}
	q.wantRefill(l) // so that the next are here when these are done
	return l.view()
}

// view describes the lease to its worker.
func (l *lane) view() sync.Lane {
	v := sync.Lane{
		Key: l.key, Priority: l.msgs[0].Priority, Messages: l.msgs[:l.leased:l.leased],
		Token:   ticket{l.shard.fence, l.lease}.String(),
		Expires: l.due,
	}
	for i := range v.Messages {
		v.Priority = min(v.Priority, v.Messages[i].Priority)
	}
	if h := l.meta[0].held; h != nil {
		v.Attempts, v.History = h.Attempts, h.History
	}
	return v
}
