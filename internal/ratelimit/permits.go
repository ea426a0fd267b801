package ratelimit

import (
	"context"
	"fmt"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// patience is how long an answer of the common stock is waited for.
const patience = 500 * time.Millisecond

// fresh is how long a permit of the processes' common stock may be used after
// it was fetched. The stock counts it that much longer, which costs that share
// of a quota. What is fetched is what can be used at once, and where that is
// little, this time's worth: what is not used in time is lost to all.
func fresh(per time.Duration) time.Duration { return min(per/32, 250*time.Millisecond) }

// shared is what this process holds of the common stock.
type shared struct {
	credit   int
	drawn    time.Time
	again    time.Time // when to ask again
	spared   int       // left to urgent calls by who asked
	fetching bool
	failing  bool
	since    time.Time // it has been failing
	why      string
}

// permitted reports whether there is a permit for the head of the line. If
// not, somebody is on the way to fetch some. The lock is held.
func (w *Window) permitted(now time.Time, head *waiter) bool {
	s := &w.shared
	if now.Sub(s.drawn) > fresh(w.per) {
		s.credit = 0
	}
	switch {
	case w.cfg.Permits == nil:
		return true
	case s.credit > 0:
		s.credit--
		return true
	case s.fetching:
	case s.again.After(now) && s.failing:
		return true
	case s.again.After(now) && w.spare(now, head) >= s.spared:
		w.wakeAt(s.again, true)
	default:
		s.fetching = true
		head.wake <- fetchPermits
	}
	return false
}

// fetch takes permits from the common stock. When it cannot be reached, the
// process goes on with a part of the quota and asks again later.
func (w *Window) fetch(ctx context.Context) {
	limit, per, n, spare := w.want()
	// What is fetched may be used a little later: the stock counts it longer.
	got, again, err := w.ask(ctx, limit-spare, per+fresh(per), n)
	w.mu.Lock()
	defer w.mu.Unlock()
	now, s := time.Now(), &w.shared
	s.fetching = false
	switch {
	case err != nil && ctx.Err() != nil: // only this caller's time is up
	case err != nil:
		if !s.failing {
			w.cfg.Logger.Warn("the shared quota cannot be reached: going on with a part of it", "quota", w.cfg.Name, "part", w.cfg.Alone, "error", err)
			s.since = now
		}
		s.failing, s.again, s.why = true, now.Add(per/2), err.Error()
	default:
		if s.failing {
			w.cfg.Logger.Info("the shared quota is back", "quota", w.cfg.Name)
		}
		s.failing, s.credit, s.drawn, s.again, s.spared = false, got, now, time.Time{}, spare
		if got < n {
			// Permits come back within a window, whatever a stock says by its clock.
			s.again = earlier(later(again, now.Add(patience/10)), now.Add(per+fresh(per)))
		}
	}
	w.dispatch()
}

// ask asks the common stock, but not for long. A panic in it, which somebody may
// recover from, is an error, or nobody would fetch permits any more.
func (w *Window) ask(ctx context.Context, limit int, per time.Duration, n int) (got int, again time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			got, err = 0, fmt.Errorf("the permits panicked with a %T", p) // its text may hold anything
		}
	}()
	return w.cfg.Permits.Take(ctx, time.Now(), w.cfg.Name, limit, per, n)
}

// Alone returns since when the permits cannot be had, so that only a part of
// the quota is used, and why; zero when all is well.
func (w *Window) Alone() (since time.Time, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.shared.failing {
		return time.Time{}, ""
	}
	return w.shared.since, w.shared.why
}

// want returns the quota, how many permits to ask for, and how many to leave.
func (w *Window) want() (limit int, per time.Duration, n, spare int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	most := int(float64(w.limit) * float64(fresh(w.per)) / float64(w.per))
	reserve := 0.0
	if head := w.line.head(); head != nil {
		reserve, spare = w.reserve(head.priority), w.spare(time.Now(), head)
	}
	// When answers are slow, tokens gather, and so many are used at once.
	return w.limit, w.per, min(w.line.next(), max(most, int(w.tokens-reserve), 1)), spare
}

// spare is how many permits a call leaves in the common stock: bulk work those
// of its reserve, because urgent calls of any process find none for most of a
// window after a burst. Where answers tell of the others, calls are spread out
// instead, and bulk work that got nothing for a whole window takes what there is.
func (w *Window) spare(now time.Time, head *waiter) int {
	if w.news.told || now.Sub(later(w.bulk, head.since)) > w.per {
		return 0
	}
	return int(w.reserve(head.priority))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Shared hands out permits to the windows of one process. The zero value is
// ready; methods may be called concurrently.
type Shared struct {
	mu    stdsync.Mutex
	taken map[string][]time.Time
}

var _ sync.Permits = (*Shared)(nil)

// Take implements [sync.Permits].
func (s *Shared) Take(_ context.Context, now time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.taken[name]
	for len(taken) > 0 && !taken[0].After(now.Add(-per)) {
		taken = taken[1:]
	}
	got := max(min(n, limit-len(taken)), 0)
	for range got {
		taken = append(taken, now)
	}
	if s.taken == nil {
		s.taken = map[string][]time.Time{}
	}
	s.taken[name] = taken
	if got == n {
		return got, time.Time{}, nil
	}
	return got, taken[0].Add(per), nil
}
