package queue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

const (
	// refillSize is the most keys refilled at once. Of a stream a quarter of the
	// window is read at once. Both bound the work of one Take.
	refillSize = 64
	// searchSize is the most windows of entries in one search for late commits.
	searchSize = 8
)

// A plan is one read of the log: the spans, and what each is for.
type plan struct {
	spans []Span
	goals []goal
	asked map[*stream]int // messages that refills may bring
}

type goal struct {
	shard *shard
	lane  *lane // to refill, nil for the others
	again bool  // looks for late commits below the cursor
}

func (p *plan) add(g goal, s Span) {
	s.Shard = g.shard.fence.Shard
	p.spans, p.goals = append(p.spans, s), append(p.goals, g)
}

// fetch reads new messages, late ones and those of parked keys into memory.
// The caller holds the pump, so one read is under way at most.
func (q *Queue) fetch(ctx context.Context, now time.Time) error {
	q.mu.Lock()
	if !q.fetchDue(now) {
		q.mu.Unlock()
		return nil
	}
	q.dirty.Store(false) // before the read: what is pushed from now on sets it again
	q.unread, q.lastFetch = false, now
	p := q.plan()
	q.fetching = true
	q.fetches++
	q.mu.Unlock()

	var pages []Page
	var err error
	if len(p.spans) > 0 {
		pages, err = q.log.Read(ctx, p.spans)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.fetching = false
	if err != nil {
		q.unread = true
		err = fail("read", err)
	}
	for i := range pages {
		if !p.goals[i].shard.dropped {
			q.merge(&p.spans[i], p.goals[i], &pages[i], now)
		}
	}
	q.requeue(p)
	clear(q.gone)
	return err
}

// fetchDue reports whether there can be something new in the log.
func (q *Queue) fetchDue(now time.Time) bool {
	pause := now.Sub(q.lastFetch)
	return pause >= q.opts.Pause || pause < 0 || q.unread || q.dirty.Load() || len(q.refills) > 0
}

// plan decides what to read. The spans that go backwards come first, so that
// a key that is complete again receives what the others bring.
func (q *Queue) plan() *plan {
	p := &q.reading // one read at a time: its slices serve again
	p.spans, p.goals, p.asked = p.spans[:0], p.goals[:0], map[*stream]int{}
	q.planRefills(p)
	for _, sh := range q.shards {
		if sh == nil || sh.draining {
			continue
		}
		for i := range sh.streams {
			q.planStream(p, sh, sync.Priority(i))
		}
	}
	return p
}

func (q *Queue) planStream(p *plan, sh *shard, prio sync.Priority) {
	st := &sh.streams[prio]
	st.searched = true
	if st.floor < st.cursor {
		q.unread = true
		p.add(goal{shard: sh, again: true}, Span{Priority: prio, After: st.rescan, Upto: st.cursor, Limit: searchSize * q.opts.Window})
	}
	room := q.opts.Window - st.used
	if room <= 0 || room < q.opts.Window/4 {
		q.unread = true
		return
	}
	p.add(goal{shard: sh}, Span{Priority: prio, After: st.cursor, Limit: min(room, q.opts.Window/4)})
}

// planRefills takes keys from the queue of those that run low. One that does
// so no longer, since an earlier read brought what it waits for, leaves: it is
// queued again when it needs to be.
func (q *Queue) planRefills(p *plan) {
	waiting := q.refills
	q.refills = nil
	for _, l := range waiting {
		l.queued = false
		if l.shard.dropped || l.state == asleep {
			continue
		}
		if !q.low(l) {
			q.release(l)
			continue
		}
		if l.shard.draining || len(p.spans) >= refillSize || !q.planRefill(p, l) {
			l.queued = true
			q.refills = append(q.refills, l)
		}
	}
}

// planRefill reports false when the lane must wait because there is too much
// in memory already.
func (q *Queue) planRefill(p *plan, l *lane) bool {
	before := len(p.spans)
	for i := range l.parked {
		prio, st := sync.Priority(i), &l.shard.streams[i]
		n := q.opts.PerKey - l.waiting(prio)
		if l.parked[i] && n > 0 && st.used+st.hot+p.asked[st] <= q.opts.Window+q.hotLimit() {
			p.asked[st] += n
			p.add(goal{shard: l.shard, lane: l}, Span{Priority: prio, Key: l.key, After: l.from[i], Upto: st.cursor, Limit: n})
		}
	}
	return len(p.spans) > before
}

// merge takes a page into memory.
func (q *Queue) merge(s *Span, g goal, page *Page, now time.Time) {
	st := &g.shard.streams[s.Priority]
	if g.lane != nil {
		q.refill(g.lane, s, page, now)
		return
	}
	if !g.again && !st.searched {
		q.unread = true
		return // an earlier message of the same key may have been missed
	}
	for i := range page.Entries {
		q.admit(g.shard, &page.Entries[i], now)
	}
	if g.again {
		q.rescanned(st, s, page)
		return
	}
	st.advance(s.After, page.Next, page.Settled)
	if !page.More {
		st.doubt = 0
	}
	q.unread = q.unread || page.More || st.floor < st.cursor
}

// rescanned notes how far the search for late commits came; at the end of the
// gap it begins again at the floor.
func (q *Queue) rescanned(st *stream, s *Span, page *Page) {
	st.searched = s.After <= st.floor && !page.More
	reached := s.Upto
	if page.More {
		reached = page.Next
	}
	st.advance(s.After, reached, page.Settled)
	st.rescan = reached
	if !page.More {
		st.rescan = st.floor
	}
}

// refill takes a page of a parked key into memory, unless the key was shed or
// put to sleep meanwhile. An entry of the page may put it to sleep, too, with
// which it lets go of most: what it is parked from stands, so that all of them
// are read again when it wakes.
func (q *Queue) refill(l *lane, s *Span, page *Page, now time.Time) {
	if !l.parked[s.Priority] || l.from[s.Priority] != s.After || l.state == asleep {
		return
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		if !l.knows(e.Seq) && !q.gone[deleted{s.Shard, e.Seq}] {
			q.keep(l, e, false, now)
		}
		if l.state == asleep {
			return
		}
	}
	if !page.More {
		q.unpark(l, s.Priority)
		return
	}
	l.from[s.Priority] = max(l.from[s.Priority], page.Next)
}

// requeue puts back keys that need another refill and forgets those that
// turned out to be empty.
func (q *Queue) requeue(p *plan) {
	for _, g := range p.goals {
		if g.lane != nil && !g.shard.dropped && g.lane.shard == g.shard {
			q.wantRefill(g.lane)
			q.release(g.lane)
		}
	}
}
