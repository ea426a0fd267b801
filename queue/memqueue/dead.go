package memqueue

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// Bury implements [queue.Log].
func (l *Log) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	return l.fenced(ctx, fence, func() {
		for _, b := range burials {
			if l.remove(fence.Shard, b.Pos) {
				l.dead[b.Letter.Message.ID] = b.Letter
			}
		}
	})
}

// Dead implements [queue.Log]. It sorts all dead letters each time.
func (l *Log) Dead(ctx context.Context, f sync.DeadFilter) ([]sync.DeadLetter, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	last, known := l.dead[f.After]
	if f.After != "" && !known {
		return nil, nil
	}
	var letters []sync.DeadLetter
	for _, d := range l.dead {
		if (f.Key == "" || d.Message.Key == f.Key) && (f.After == "" || order(d, last) > 0) {
			letters = append(letters, d)
		}
	}
	slices.SortFunc(letters, order)
	if f.Limit > 0 && len(letters) > f.Limit {
		letters = letters[:f.Limit]
	}
	return letters, nil
}

func order(a, b sync.DeadLetter) int {
	return cmp.Or(a.DiedAt.Compare(b.DiedAt), cmp.Compare(a.Message.ID, b.Message.ID))
}

// Replay implements [queue.Log].
func (l *Log) Replay(ctx context.Context, _ time.Time, ids []string) (int, error) {
	n, err := l.exhume(ctx, ids, func(d sync.DeadLetter) {
		l.append(queue.Entry{Message: d.Message, Held: &queue.Held{History: d.History}})
	})
	l.mu.Lock()
	wakes := l.wakes
	l.mu.Unlock()
	for _, wake := range wakes {
		wake()
	}
	return n, err
}

// Discard implements [queue.Log].
func (l *Log) Discard(ctx context.Context, _ time.Time, ids []string) (int, error) {
	return l.exhume(ctx, ids, func(sync.DeadLetter) {})
}

// exhume takes letters out and does something with each.
func (l *Log) exhume(ctx context.Context, ids []string, do func(sync.DeadLetter)) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, id := range ids {
		if d, ok := l.dead[id]; ok {
			delete(l.dead, id)
			do(d)
			n++
		}
	}
	return n, nil
}
