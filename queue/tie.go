package queue

import "time"

// A tie is a key that a worker of this process has in work by a token of the
// shard which holds no longer: the log gave the shard a new one, as Redis does
// after a restart, or to somebody else. The worker cannot settle its lane any
// more, but does not know that, and goes on until its lease ends. If the shard
// comes back before that, the key sleeps as long, so that nobody else has it.
type tie struct {
	key string
	due time.Time
}

// leaves adds the lane to what its shard leaves behind when it is dropped.
func (l *lane) leaves(ties []tie) []tie {
	if l.state == inWork || l.tied {
		return append(ties, tie{l.key, l.due})
	}
	return ties
}

// tieUp puts the keys to sleep that are still in work from when the shard was
// here before. They count as leased, so that it is not given away meanwhile.
func (q *Queue) tieUp(sh *shard, now time.Time) {
	for _, t := range q.ties[sh.fence.Shard] {
		if !t.due.After(now) {
			continue
		}
		l := q.laneOf(sh, t.key)
		l.state, l.tied, l.due = asleep, true, t.due
		sh.leased++
		q.timers.set(l)
	}
	delete(q.ties, sh.fence.Shard)
}

// wake ends the sleep of a lane.
func (q *Queue) wake(l *lane) {
	if l.tied {
		l.tied = false
		l.shard.leased--
	}
	l.state = idle
	l.charge(+1)
	q.offer(l)
	q.wantRefill(l)
	q.release(l) // nothing may have come for it
}
