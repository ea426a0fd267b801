package queue

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// deleted names an entry that was removed from the log.
type deleted struct {
	shard int
	seq   uint64
}

// capacity is how many messages per priority a lane may keep in memory.
func (q *Queue) capacity(l *lane) int {
	if l.state == asleep {
		return max(1, q.opts.PerKey/16)
	}
	return q.opts.PerKey
}

// admit takes an entry that was read into memory, or parks its key.
func (q *Queue) admit(sh *shard, e *Entry, now time.Time) {
	if len(q.gone) > 0 && q.gone[deleted{sh.fence.Shard, e.Seq}] {
		return
	}
	p := e.Message.Priority
	l := q.laneOf(sh, e.Message.Key)
	switch {
	case l.knows(e.Seq):
	case l.parked[p]:
		l.from[p] = min(l.from[p], e.Seq-1)
	case l.waiting(p) >= q.capacity(l):
		q.park(l, p, e.Seq-1)
	default:
		st := &sh.streams[p]
		// A key that sleeps was not in work when the last owner died.
		suspect := st.doubt > 0 && l.state != asleep && !e.Held.sleeps(now)
		if suspect {
			st.doubt--
			sh.suspicious++
		}
		q.keep(l, e, suspect, now)
		// One that was put to sleep by this entry is parked already if it had
		// more messages than it may keep, and from an earlier one on.
		if l.waiting(p) >= q.capacity(l) && !l.parked[p] {
			// Full: were it to count on, a few such keys would fill the window.
			q.park(l, p, e.Seq)
		}
	}
}

// sleeps reports whether the entry waits for its next attempt.
func (h *Held) sleeps(now time.Time) bool { return h != nil && h.RetryAt.After(now) }

// keep puts an entry into its lane.
func (q *Queue) keep(l *lane, e *Entry, suspect bool, now time.Time) {
	p := e.Message.Priority
	l.insert(e.Message, meta{seq: e.Seq, held: e.Held, suspect: suspect})
	l.count[p]++
	l.chargeOne(p, 1)
	switch {
	case l.state != idle:
	case e.Held.sleeps(now):
		q.sleep(l, e.Held.RetryAt)
	default:
		q.offer(l)
	}
}

// park leaves the key's messages of a priority above from in the log. Its
// messages in memory no longer count against the window, so that a hot key
// keeps nobody out; when there are too many of that kind they go, too.
func (q *Queue) park(l *lane, p sync.Priority, from uint64) {
	st := &l.shard.streams[p]
	l.charge(-1)
	l.parked[p], l.from[p] = true, from
	l.charge(+1)
	switch {
	case st.doubt > 0: // the dead owner had these beside its window
		st.doubt += l.count[p]
	case st.hot > q.hotLimit():
		q.shed(l, p, 0)
	}
	q.wantRefill(l)
}

// hotLimit bounds the messages of parked keys in memory, per stream.
func (q *Queue) hotLimit() int { return 4 * q.opts.Window }

// shed lets go of the messages of a priority that are not leased, except the
// first keep.
func (q *Queue) shed(l *lane, p sync.Priority, keep int) {
	if l.count[p] <= keep {
		return
	}
	msgs, metas := l.msgs, l.meta
	l.msgs, l.meta = nil, nil
	first := uint64(0)
	for i := range msgs {
		if msgs[i].Priority != p || i < l.leased || keep > 0 {
			if msgs[i].Priority == p {
				keep--
			}
			l.msgs, l.meta = append(l.msgs, msgs[i]), append(l.meta, metas[i])
			continue
		}
		if first == 0 || metas[i].seq < first {
			first = metas[i].seq
		}
		l.count[p]--
		l.chargeOne(p, -1)
		if metas[i].suspect {
			l.shard.suspicious--
		}
	}
	if first == 0 {
		return
	}
	if !l.parked[p] || first <= l.from[p] {
		l.charge(-1)
		l.parked[p], l.from[p] = true, first-1
		l.charge(+1)
	}
	q.reoffer(l)
}

// reoffer corrects the place of an idle lane that lost messages.
func (q *Queue) reoffer(l *lane) {
	if l.state != idle {
		return
	}
	if len(l.msgs) == 0 {
		l.unlink()
		q.acquit(l)
		return
	}
	q.offer(l)
}

// unpark notes that all messages of the priority are in memory again.
func (q *Queue) unpark(l *lane, p sync.Priority) {
	l.charge(-1)
	l.parked[p], l.from[p] = false, 0
	l.charge(+1)
}

// wantRefill queues the lane for a read of its parked messages if it is
// awake and runs low.
func (q *Queue) wantRefill(l *lane) {
	if l.queued || l.state == asleep || !q.low(l) {
		return
	}
	l.queued = true
	q.refills = append(q.refills, l)
}

// low reports whether the lane has a parked priority to refill.
func (q *Queue) low(l *lane) bool {
	for p, parked := range l.parked {
		if parked && l.waiting(sync.Priority(p)) <= q.opts.PerKey/2 {
			return true
		}
	}
	return false
}
