package memqueue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// A place is where an entry is.
type place struct {
	shard int
	pos   queue.Pos
}

// A holding is what the statistics need to know of a held entry.
type holding struct {
	key     string
	retryAt time.Time
}

// Hold implements [queue.Log].
func (l *Log) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	return l.fenced(ctx, fence, func() {
		e := l.shards[fence.Shard][entry.Priority].find(entry.Seq)
		if e == nil {
			return
		}
		e.Held = &held
		l.held[place{fence.Shard, entry}] = holding{e.Message.Key, held.RetryAt}
	})
}

// Stats implements [queue.Log]. It walks over the shards in which a key
// sleeps.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	if err := ctx.Err(); err != nil {
		return sync.QueueStats{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	st := sync.QueueStats{Dead: len(l.dead)}
	for i := range l.shards {
		for p := range l.shards[i] {
			s := &l.shards[i][p]
			st.ByPriority[p] += s.live()
			st.Waiting += s.live()
			if e := s.first(); e != nil {
				st.OldestAt = earlier(st.OldestAt, e.Message.EnqueuedAt)
			}
		}
	}
	l.countSleeping(&st, now)
	return st, nil
}

func (l *Log) countSleeping(st *sync.QueueStats, now time.Time) {
	asleep, shards := map[string]bool{}, map[int]bool{}
	for at, h := range l.held {
		if h.retryAt.After(now) {
			asleep[h.key], shards[at.shard] = true, true
			st.NextAt = earlier(st.NextAt, h.retryAt)
		}
	}
	for i := range shards {
		for p := range l.shards[i] {
			for _, e := range l.shards[i][p].entries {
				if asleep[e.Message.Key] {
					st.Sleeping++
				}
			}
		}
	}
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
