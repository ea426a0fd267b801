package sync_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// miniQueue is a throw-away queue.
type miniQueue struct {
	mu    stdsync.Mutex
	seen  map[string]bool
	lanes map[string]*miniLane
	dead  []sync.DeadLetter
	token int
	ready chan struct{}
}

type miniLane struct {
	msgs     []sync.Message
	leased   []sync.Message
	attempts int
	history  []sync.Failure
	token    string
	until    time.Time
}

func newMini() *miniQueue {
	return &miniQueue{seen: map[string]bool{}, lanes: map[string]*miniLane{}, ready: make(chan struct{}, 1)}
}

func (q *miniQueue) Push(_ context.Context, now time.Time, msgs ...sync.Message) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range msgs {
		if q.seen[m.ID] {
			continue
		}
		q.seen[m.ID] = true
		q.lane(m.Key).msgs = append(q.lane(m.Key).msgs, m)
	}
	select {
	case q.ready <- struct{}{}:
	default:
	}
	return nil
}

func (q *miniQueue) lane(key string) *miniLane {
	if q.lanes[key] == nil {
		q.lanes[key] = &miniLane{}
	}
	return q.lanes[key]
}

func (q *miniQueue) Take(_ context.Context, now time.Time, n int, lease time.Duration) ([]sync.Lane, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []sync.Lane
	for _, key := range slices.Sorted(maps.Keys(q.lanes)) {
		l := q.lanes[key]
		if len(out) == n || len(l.msgs) == 0 || l.until.After(now) {
			continue
		}
		q.token++
		l.token, l.until, l.leased = strconv.Itoa(q.token), now.Add(lease), slices.Clone(l.msgs)
		out = append(out, sync.Lane{Key: key, Priority: l.msgs[0].Priority, Messages: l.leased, Attempts: l.attempts,
			History: slices.Clone(l.history), Token: l.token, Expires: l.until})
	}
	return out, nil
}

func (q *miniQueue) Extend(_ context.Context, _ time.Time, lane sync.Lane, _ time.Duration) (sync.Lane, error) {
	return lane, nil
}

func (q *miniQueue) drop(lane sync.Lane, now time.Time) (*miniLane, error) {
	l := q.lanes[lane.Key]
	if l == nil || l.token != lane.Token || l.until.Before(now) {
		return nil, sync.ErrStale
	}
	return l, nil
}

func (q *miniQueue) Done(_ context.Context, now time.Time, lane sync.Lane) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.drop(lane, now)
	if err != nil {
		return err
	}
	l.msgs = l.msgs[len(lane.Messages):]
	l.token, l.until, l.attempts, l.history = "", time.Time{}, 0, nil
	return nil
}

func (q *miniQueue) Retry(_ context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.drop(lane, now)
	if err != nil {
		return err
	}
	l.token, l.until = "", at
	l.history = append(l.history, cause)
	if !cause.Free {
		l.attempts++
	}
	return nil
}

func (q *miniQueue) Bury(_ context.Context, now time.Time, lane sync.Lane, cause sync.Failure) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, err := q.drop(lane, now)
	if err != nil {
		return err
	}
	for _, m := range lane.Messages {
		q.dead = append(q.dead, sync.DeadLetter{Message: m, Attempts: l.attempts + 1, History: append(slices.Clone(l.history), cause), DiedAt: now})
	}
	l.msgs = l.msgs[len(lane.Messages):]
	l.token, l.until, l.attempts, l.history = "", time.Time{}, 0, nil
	return nil
}

func (q *miniQueue) Dead(context.Context, sync.DeadFilter) ([]sync.DeadLetter, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.dead), nil
}

func (q *miniQueue) Replay(_ context.Context, _ time.Time, ids ...string) (int, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	q.dead = slices.DeleteFunc(q.dead, func(d sync.DeadLetter) bool {
		if !slices.Contains(ids, d.Message.ID) {
			return false
		}
		n++
		l := q.lane(d.Message.Key)
		l.msgs, l.history = append(l.msgs, d.Message), d.History
		return true
	})
	return n, nil
}

func (q *miniQueue) Discard(context.Context, time.Time, ...string) (int, error) { return 0, nil }

func (q *miniQueue) Stats(_ context.Context, now time.Time) (sync.QueueStats, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := sync.QueueStats{Dead: len(q.dead)}
	for _, l := range q.lanes {
		switch {
		case len(l.msgs) == 0:
		case l.token != "" && l.until.After(now):
			s.Leased += len(l.msgs)
		default:
			s.Waiting += len(l.msgs)
			if l.until.After(now) {
				s.Sleeping += len(l.msgs)
			}
			if s.NextAt.IsZero() || cmp.Compare(l.until.UnixNano(), s.NextAt.UnixNano()) < 0 {
				s.NextAt = l.until
			}
		}
	}
	return s, nil
}

func (q *miniQueue) Ready() <-chan struct{} { return q.ready }
