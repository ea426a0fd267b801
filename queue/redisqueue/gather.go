package redisqueue

import (
	"context"
	"errors"
	stdsync "sync"
)

// A gather does in one go what many callers ask for at the same time. It has
// no goroutine of its own: whoever comes first does it for all who came while
// the previous go was under way.
type gather[T any] struct {
	// run does it. An error concerns all items.
	run func(ctx context.Context, items []T) error

	mu      stdsync.Mutex
	leading bool
	waiting []*request[T]
}

type request[T any] struct {
	item T
	lead chan struct{} // receives when it is this one's turn to lead
	done chan error
}

// do returns when the item was done, or the context ended.
func (g *gather[T]) do(ctx context.Context, item T) error {
	for {
		err := g.once(ctx, item)
		if err == nil || ctx.Err() != nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		// It was another's context that ended.
	}
}

func (g *gather[T]) once(ctx context.Context, item T) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &request[T]{item, make(chan struct{}, 1), make(chan error, 1)}
	g.mu.Lock()
	g.waiting = append(g.waiting, r)
	if !g.leading {
		g.leading = true
		r.lead <- struct{}{}
	}
	g.mu.Unlock()
	select {
	case err := <-r.done:
		return err
	case <-r.lead:
		g.lead(ctx)
		return <-r.done
	case <-ctx.Done():
		g.leave(r)
		return ctx.Err()
	}
}

// lead does what waits, the leader's own among it, and passes the lead on.
func (g *gather[T]) lead(ctx context.Context) {
	g.mu.Lock()
	all := g.waiting
	g.waiting = nil
	g.mu.Unlock()
	items := make([]T, len(all))
	for i, r := range all {
		items[i] = r.item
	}
	err := g.run(ctx, items)
	for _, r := range all {
		r.done <- err
	}
	g.pass()
}

func (g *gather[T]) pass() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.waiting) == 0 {
		g.leading = false
		return
	}
	g.waiting[0].lead <- struct{}{}
}

// leave takes out a request whose context ended. If it was to lead, another
// does.
func (g *gather[T]) leave(r *request[T]) {
	g.mu.Lock()
	for i, w := range g.waiting {
		if w == r {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			break
		}
	}
	g.mu.Unlock()
	select {
	case <-r.lead:
		g.pass()
	default:
	}
}
