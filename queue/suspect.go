package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Crashed is the Action of the [sync.Failure] that is written before a
// message under suspicion is delivered. It stays in the history only if the
// process dies before the message is settled.
const Crashed = "crashed"

// After a process died, one of the messages it had in work may have killed
// it. Which ones it had is not written anywhere (that would cost an update per
// message), but they are among those that fill the window of the next owner.
// Those are under suspicion: delivered one at a time per shard, alone, and
// with an attempt counted in the log before. If the process dies again, those
// that have been counted are delivered one at a time over all shards, so that
// none is blamed for its neighbour. A message that kills again and again is so
// found and buried.

// A dock is where suspects stand, one at a time.
type dock struct {
	lane    *lane
	waiting list
}

// stand reports whether the lane may be offered. One whose first message is
// suspect must be alone in its dock, or else waits there.
func (q *Queue) stand(l *lane) bool {
	head := &l.meta[0]
	if !head.suspect || l.dock != nil {
		return true
	}
	d := &l.shard.dock
	if head.held.crashes() > 0 {
		d = &q.prime
	}
	if d.lane == nil {
		d.lane, l.dock = l, d
		return true
	}
	if l.in != &d.waiting {
		l.unlink()
		d.waiting.push(l)
	}
	return false
}

// acquit lets the next lane into the dock if this one stood there. Those that
// cannot be handed out now, since their shard is to be given back, are passed
// over.
func (q *Queue) acquit(l *lane) {
	d := l.dock
	if d == nil {
		return
	}
	d.lane, l.dock = nil, nil
	for d.lane == nil && d.waiting.first != nil {
		next := d.waiting.first
		next.unlink()
		q.offer(next)
	}
}

// crashes counts the deaths at which the message was in work.
func (h *Held) crashes() int {
	n := 0
	if h != nil {
		for _, f := range h.History {
			if f.Action == Crashed {
				n++
			}
		}
	}
	return n
}

// vouch counts an attempt for the suspect lanes among those just leased, or
// buries their message when it has crashed often enough. It returns the lanes
// to deliver.
func (q *Queue) vouch(ctx context.Context, now time.Time, lanes []sync.Lane, suspects []int) ([]sync.Lane, error) {
	if len(suspects) == 0 {
		return lanes, nil
	}
	keep, errs := lanes[:0], []error(nil)
	for i, ln := range lanes {
		ok := true
		if len(suspects) > 0 && suspects[0] == i {
			var err error
			ok, err = q.vouchOne(ctx, now, ln)
			suspects, errs = suspects[1:], append(errs, err)
		}
		if ok {
			keep = append(keep, ln)
		}
	}
	if len(keep) > 0 {
		return keep, nil // they are leased; what failed is tried again by the next Take
	}
	return nil, errors.Join(errs...)
}

func (q *Queue) vouchOne(ctx context.Context, now time.Time, ln sync.Lane) (bool, error) {
	before := Held{History: ln.History}
	if crashes := before.crashes(); crashes >= q.opts.Crashes {
		return false, q.Bury(ctx, now, ln, sync.Failure{At: now, Action: sync.Fatal.String(), Free: true,
			Error: fmt.Sprintf("the process died %d times with this message in work", crashes)})
	}
	err := q.settle(now, ln, "take", func(h holding) (int, error) {
		held := failed(h.meta[0].held, sync.Failure{At: now, Action: Crashed,
			Error: "the process died with this message in work"})
		return 0, q.log.Hold(ctx, h.fence, h.pos(0), held)
	}, nil)
	if err != nil {
		q.giveBack(now, ln)
	}
	return err == nil, err
}

// giveBack ends a lease that was never delivered.
func (q *Queue) giveBack(now time.Time, ln sync.Lane) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if l, err := q.find(now, ln); err == nil {
		q.endLease(l)
	}
}

// failed returns what is known of a message after one more failure.
func failed(before *Held, cause sync.Failure) Held {
	var h Held
	if before != nil {
		h = Held{Attempts: before.Attempts, History: slices.Clone(before.History)}
	}
	if !cause.Free {
		h.Attempts++
	}
	h.History = thinned(append(h.History, cause))
	return h
}

// freeKept is how many failures that used up no attempt are remembered: the
// first and the last ones. A long wait for a quota or through an outage would
// otherwise make every message grow.
const freeKept = 10

// thinned drops the second of the free failures when there are too many.
func thinned(history []sync.Failure) []sync.Failure {
	second, n := -1, 0
	for i, f := range history {
		if f.Free {
			if n++; n == 2 {
				second = i
			}
		}
	}
	if n <= freeKept {
		return history
	}
	return slices.Delete(history, second, second+1)
}
