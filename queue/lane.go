package queue

import (
	"cmp"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A lane is a key with those of its messages that are in memory.
//
// It is in one of four states: idle with nothing to do (empty and parked, or
// in a draining shard), ready (in a list), leased, or asleep.
type lane struct {
	key   string
	shard *shard
	state laneState

	// msgs are the messages, the leased ones first, then by sequence number;
	// meta runs in parallel. Workers hold slices of msgs: elements are
	// appended and cut off at the front, never changed.
	msgs   []sync.Message
	meta   []meta
	leased int
	count  [sync.Priorities]int
	top    uint64 // no message in memory has a higher sequence number

	// parked is set for a priority of which more messages are in the log than
	// in memory: all with a sequence number above from may be missing.
	parked [sync.Priorities]bool
	from   [sync.Priorities]uint64
	queued bool // in Queue.refills

	lease uint64    // number of the present lease
	busy  bool      // its settlement is being written
	tied  bool      // asleep since a worker has it in work by an earlier token
	due   time.Time // end of the lease or of the sleep
	timer int       // place in Queue.timers plus one

	dock       *dock // in which it stands
	in         *list
	prev, next *lane
}

type laneState uint8

const (
	idle laneState = iota
	inWork
	asleep
)

// meta is what the queue knows of a message besides its content.
type meta struct {
	seq     uint64
	held    *Held
	suspect bool // to be counted before it is delivered
}

// apart reports whether the message may not follow another in a lease.
func (m *meta) apart(now time.Time) bool { return m.suspect || m.held.sleeps(now) }

// knows reports whether the message is in memory.
func (l *lane) knows(seq uint64) bool {
	return seq <= l.top && slices.ContainsFunc(l.meta, func(m meta) bool { return m.seq == seq })
}

// insert puts a message into its place behind the leased ones.
func (l *lane) insert(m sync.Message, mt meta) {
	l.top = max(l.top, mt.seq)
	at := len(l.msgs)
	for at > l.leased && l.meta[at-1].seq > mt.seq {
		at--
	}
	if at == len(l.msgs) {
		l.msgs, l.meta = append(l.msgs, m), append(l.meta, mt)
		return
	}
	// A worker may still look at the array: leave it alone.
	l.msgs = slices.Insert(slices.Clone(l.msgs), at, m)
	l.meta = slices.Insert(l.meta, at, mt)
}

// urgency is the most urgent priority among the messages, of which there is
// at least one.
func (l *lane) urgency() sync.Priority {
	p := 0
	for l.count[p] == 0 {
		p++
	}
	return sync.Priority(p)
}

// waiting counts the messages of a priority that are not leased: what is in
// work is no reason not to read what comes next.
func (l *lane) waiting(p sync.Priority) int {
	n := l.count[p]
	for i := range l.leased {
		if l.msgs[i].Priority == p {
			n--
		}
	}
	return n
}

// isParked reports whether messages of the key are only in the log.
func (l *lane) isParked() bool { return l.parked != [sync.Priorities]bool{} }

// charge adds or, with sign -1, takes away the lane's messages from what
// their streams account for.
func (l *lane) charge(sign int) {
	for p, n := range l.count {
		l.chargeOne(sync.Priority(p), sign*n)
	}
}

// chargeOne does so for n messages of one priority. Sleeping lanes are free:
// they keep few messages.
func (l *lane) chargeOne(p sync.Priority, n int) {
	st := &l.shard.streams[p]
	switch {
	case l.state == asleep:
	case l.parked[p]:
		st.hot += n
	default:
		st.used += n
	}
}

// laneOf returns the key's lane, a new one if need be.
func (q *Queue) laneOf(sh *shard, key string) *lane {
	if l := sh.lanes[key]; l != nil {
		return l
	}
	var l *lane
	if n := len(q.spare); n > 0 {
		l, q.spare = q.spare[n-1], q.spare[:n-1]
	} else {
		l = &lane{}
	}
	l.key, l.shard = key, sh
	sh.lanes[key] = l
	return l
}

// release forgets a lane that has nothing left, in memory or in the log.
func (q *Queue) release(l *lane) {
	if len(l.msgs) > 0 || l.isParked() || l.state != idle || l.queued {
		return
	}
	l.unlink()
	delete(l.shard.lanes, l.key)
	*l = lane{meta: l.meta[:0]}
	const spares = 4096
	if len(q.spare) < spares {
		q.spare = append(q.spare, l)
	}
}

// offer puts an idle lane into the list from which it will be handed out, at
// the end unless it is there already.
func (q *Queue) offer(l *lane) {
	if l.state != idle || len(l.msgs) == 0 || l.shard.draining || !q.stand(l) {
		return
	}
	to := &q.ready[l.urgency()]
	if l.in != to {
		l.unlink()
		to.push(l)
	}
}

// sleep puts an idle lane to sleep and lets go of most of its messages.
func (q *Queue) sleep(l *lane, until time.Time) {
	l.unlink()
	q.acquit(l)
	l.charge(-1)
	l.state, l.due = asleep, until
	q.timers.set(l)
	for p := range sync.Priority(sync.Priorities) {
		q.shed(l, p, q.capacity(l))
	}
}

// expire ends the leases and sleeps that are over.
func (q *Queue) expire(now time.Time) {
	for len(q.timers) > 0 && !now.Before(q.timers[0].due) {
		l := q.timers[0]
		q.timers.clear(l)
		switch {
		case l.state == asleep:
			q.wake(l)
		case !l.busy: // else the settlement under way decides
			q.endLease(l)
		}
	}
}

// endLease takes the lane back from its worker.
func (q *Queue) endLease(l *lane) {
	for i := range l.leased {
		q.leased[l.msgs[i].Priority]--
	}
	q.timers.clear(l)
	l.state, l.leased, l.lease, l.busy = idle, 0, 0, false
	l.shard.leased--
	q.acquit(l)
	l.sort()
	q.offer(l)
	q.wantRefill(l)
	q.release(l)
}

// sort restores the order after a lease during which an earlier message
// turned up.
func (l *lane) sort() {
	inOrder := func(a, b meta) int { return cmp.Compare(a.seq, b.seq) }
	if slices.IsSortedFunc(l.meta, inOrder) {
		return
	}
	msgs, metas := l.msgs, l.meta
	l.msgs, l.meta = nil, nil
	for i := range msgs {
		l.insert(msgs[i], metas[i])
	}
}

// cut removes the first n messages, which are leased.
func (q *Queue) cut(l *lane, n int) {
	for i := range n {
		q.forget(l, i)
		q.leased[l.msgs[i].Priority]--
	}
	l.leased -= n
	if len(l.msgs) == n {
		l.msgs, l.meta = nil, l.meta[:0]
		return
	}
	l.msgs, l.meta = l.msgs[n:], l.meta[n:]
}

// forget takes message i out of the accounts.
func (q *Queue) forget(l *lane, i int) {
	p := l.msgs[i].Priority
	l.count[p]--
	l.chargeOne(p, -1)
	if l.meta[i].suspect {
		l.shard.suspicious--
	}
}
