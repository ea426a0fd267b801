package queue

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Dead implements [sync.Queue].
func (q *Queue) Dead(ctx context.Context, filter sync.DeadFilter) ([]sync.DeadLetter, error) {
	if filter.Limit <= 0 {
		filter.Limit = 100
	}
	letters, err := q.log.Dead(ctx, filter)
	if err != nil {
		return nil, fail("dead", err)
	}
	return letters, nil
}

// Replay implements [sync.Queue].
func (q *Queue) Replay(ctx context.Context, now time.Time, ids ...string) (int, error) {
	n, err := q.log.Replay(ctx, now, ids)
	if n > 0 {
		q.signalNew()
	}
	if err != nil {
		return n, fail("replay", err)
	}
	return n, nil
}

// Discard implements [sync.Queue].
func (q *Queue) Discard(ctx context.Context, now time.Time, ids ...string) (int, error) {
	n, err := q.log.Discard(ctx, now, ids)
	if err != nil {
		return n, fail("discard", err)
	}
	return n, nil
}
