package ratelimit_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// stock is a common stock that counts round trips and can be out of reach.
type stock struct {
	ratelimit.Shared
	mu    stdsync.Mutex
	took  time.Duration
	trips int
	down  bool
	hangs bool
}

func (s *stock) Take(ctx context.Context, now time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	s.mu.Lock()
	s.trips++
	down, hangs := s.down, s.hangs
	s.mu.Unlock()
	if hangs {
		<-ctx.Done()
		return 0, time.Time{}, ctx.Err()
	}
	if down {
		return 0, time.Time{}, errors.New("connection refused")
	}
	time.Sleep(max(s.took, 2*time.Millisecond))
	return s.Shared.Take(ctx, now, name, limit, per, n)
}

func (s *stock) set(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

func sharing(p sync.Permits, log *slog.Logger) *ratelimit.Window {
	return ratelimit.New(ratelimit.Config{Limit: 100, Per: 10 * time.Second, Permits: p, Name: "test", Logger: log})
}

// Processes that share permits use the quota and never more, though the
// server tells them nothing.
func TestSharedPermitsDivideTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const warm, span = 10 * time.Second, 50 * time.Second
		a := &account{limit: 100, per: 10 * time.Second, from: time.Now().Add(warm), mute: true}
		ctx, cancel := context.WithTimeout(t.Context(), warm+span)
		defer cancel()
		common := &stock{}
		var wg stdsync.WaitGroup
		for i := range 4 {
			a.load(ctx, &wg, sharing(common, nil), 8, trip{5 * time.Millisecond, 5 * time.Millisecond}, uint64(i))
		}
		wg.Wait()
		used, refused := a.since(span)
		if used < 0.9 || refused > 0 {
			t.Errorf("%.1f %% used, %.2f %% refused", 100*used, 100*refused)
		}
		if made := a.ok; common.trips > 2*made {
			t.Errorf("%d round trips for %d calls", common.trips, made)
		}
	})
}

// A quota of one second is shared as closely as one of ten, also when the
// common stock answers late.
func TestSharedPermitsOfAShortQuota(t *testing.T) {
	for _, took := range []time.Duration{2 * time.Millisecond, 150 * time.Millisecond} {
		t.Run(took.String(), func(t *testing.T) { shortQuota(t, took) })
	}
}

func shortQuota(t *testing.T, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		const warm, span = 5 * time.Second, 20 * time.Second
		a := &account{limit: 40, per: time.Second, from: time.Now().Add(warm), mute: true}
		ctx, cancel := context.WithTimeout(t.Context(), warm+span)
		defer cancel()
		common := &stock{took: took}
		var wg stdsync.WaitGroup
		for i := range 2 {
			w := ratelimit.New(ratelimit.Config{Limit: 40, Per: time.Second, Permits: common, Name: "test"})
			a.load(ctx, &wg, w, 100, trip{2 * time.Millisecond, 2 * time.Millisecond}, uint64(i))
		}
		wg.Wait()
		if used, refused := a.since(span); used < 0.9 || refused > 0 {
			t.Errorf("%.1f %% used, %.2f %% refused", 100*used, 100*refused)
		}
	})
}

// Bulk work of two processes uses most of a quota, in bursts, and a live call
// of either hardly waits for it.
func TestBulkWorkLeavesPermitsToLiveCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{limit: 450, per: time.Second, mute: true}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		common := &stock{}
		var wg stdsync.WaitGroup
		var windows []*ratelimit.Window
		for i := range 2 {
			w := ratelimit.New(ratelimit.Config{Limit: 450, Per: time.Second, Permits: common, Name: "test"})
			a.load(sync.WithPriority(ctx, sync.Backfill), &wg, w, 200, trip{2 * time.Millisecond, 2 * time.Millisecond}, uint64(i))
			windows = append(windows, w)
		}
		var longest time.Duration
		for i := 0; ctx.Err() == nil; i++ {
			start := time.Now()
			call(t, windows[i%2], 2*time.Millisecond)
			longest = max(longest, time.Since(start))
			time.Sleep(60 * time.Millisecond)
		}
		wg.Wait()
		if used, refused := a.since(10 * time.Second); longest > 50*time.Millisecond || used < 0.85 || refused > 0 {
			t.Errorf("a live call took %v; %.1f %% used, %.2f %% refused", longest, 100*used, 100*refused)
		}
	})
}

// What is kept for live calls is not kept from bulk work for ever.
func TestBulkWorkIsNotStarvedOfPermits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		common := &stock{}
		share := func() *ratelimit.Window {
			return ratelimit.New(ratelimit.Config{Limit: 40, Per: time.Second, Permits: common, Name: "test"})
		}
		a := &account{limit: 40, per: time.Second, mute: true}
		var wg stdsync.WaitGroup
		a.load(ctx, &wg, share(), 100, trip{least: 2 * time.Millisecond}, 1) // live calls in another process take all
		bulk, calls := share(), 0
		for {
			place, err := bulk.Wait(sync.WithPriority(ctx, sync.Sweep))
			if err != nil {
				break
			}
			place.Release()
			calls++
		}
		wg.Wait()
		if calls < 10 || calls > 100 {
			t.Errorf("%d calls of bulk work in 20 s, want one or some a second", calls)
		}
	})
}

func TestOneRoundTripFetchesForAllWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		common := &stock{}
		w := ratelimit.New(ratelimit.Config{Limit: 1000, Per: 10 * time.Second, Permits: common, Name: "test"})
		var wg stdsync.WaitGroup
		for range 50 {
			wg.Go(func() { call(t, w, 0) })
		}
		wg.Wait()
		if common.trips > 4 {
			t.Errorf("%d round trips for 50 callers", common.trips)
		}
	})
}

// Without the stock a process goes on with its part, says so once, and comes
// back to the stock.
func TestPermitsOutOfReach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		common := &stock{down: true}
		w := sharing(common, slog.New(slog.NewTextHandler(&out, nil)))
		start := time.Now()
		for range 100 {
			call(t, w, 0)
		}
		if d := time.Since(start); d < 30*time.Second || d > 41*time.Second {
			t.Errorf("100 calls with a quarter of 100 in 10 s took %v", d)
		}
		if n := strings.Count(out.String(), "cannot be reached"); n != 1 {
			t.Errorf("said %d times that the quota is out of reach", n)
		}
		common.set(false)
		time.Sleep(10 * time.Second)
		start = time.Now()
		for range 100 {
			call(t, w, 0)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("100 calls took %v although the stock is back", d)
		}
		if n := strings.Count(out.String(), "is back"); n != 1 {
			t.Errorf("said %d times that the quota is back", n)
		}
	})
}

func TestPermitsThatHangAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sharing(&stock{hangs: true}, nil)
		start := time.Now()
		call(t, w, 0)
		if d := time.Since(start); d > time.Second {
			t.Errorf("the first call waited %v", d)
		}
	})
}

// permits is a stock that is one function.
type permits func(now time.Time, n int) (int, time.Time)

func (p permits) Take(_ context.Context, now time.Time, _ string, _ int, _ time.Duration, n int) (int, time.Time, error) {
	got, again := p(now, n)
	return got, again, nil
}

// A stock by a clock that is ahead may say to come back in an hour; permits come
// back within a window.
func TestAWaitForPermitsIsNoLongerThanTheWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trips := 0
		w := sharing(permits(func(now time.Time, n int) (int, time.Time) {
			if trips++; trips == 1 {
				return 0, now.Add(time.Hour)
			}
			return n, time.Time{}
		}), nil)
		start := time.Now()
		call(t, w, 0)
		if d := time.Since(start); d < 10*time.Second || d > 11*time.Second {
			t.Errorf("the first call waited %v", d)
		}
	})
}

// A stock that panics is one that cannot be reached.
func TestPermitsThatPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trips := 0
		w := sharing(permits(func(_ time.Time, n int) (int, time.Time) {
			if trips++; trips == 1 {
				panic("ana@example.com")
			}
			return n, time.Time{}
		}), nil)
		call(t, w, 0)
		if _, why := w.Alone(); !strings.Contains(why, "panic") || strings.Contains(why, "ana") {
			t.Errorf("alone because %q", why)
		}
		time.Sleep(10 * time.Second)
		call(t, w, 0)
		if _, why := w.Alone(); why != "" || trips != 2 {
			t.Errorf("after %d round trips alone because %q", trips, why)
		}
	})
}

// A caller that leaves on its errand spoils nothing for those behind.
func TestTheNextCallerFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		common := &stock{}
		w := sharing(common, nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		go func() { _, _ = w.Wait(ctx) }()
		synctest.Wait()
		call(t, w, 0)
	})
}

// late is a context whose deadline has passed and which does not know it yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Millisecond), true }

// Who enters so late that only the deadline tells it leaves no errand undone.
func TestWhoComesTooLateLeavesNoErrand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := sharing(&stock{}, nil)
		if _, err := w.Wait(late{t.Context()}); err == nil {
			t.Fatal("there was time")
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		p, err := w.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.Release()
	})
}

func TestSharedKeepsItsWindow(t *testing.T) {
	var s ratelimit.Shared
	now := time.Unix(1_790_000_000, 0)
	take := func(after time.Duration, n, want int, again time.Duration) {
		t.Helper()
		got, at, err := s.Take(t.Context(), now.Add(after), "a", 10, 10*time.Second, n)
		if err != nil || got != want || (again > 0 && !at.Equal(now.Add(again))) {
			t.Errorf("at %v: got %d, %v, %v; want %d, %v", after, got, at.Sub(now), err, want, again)
		}
	}
	take(0, 4, 4, 0)
	take(time.Second, 8, 6, 10*time.Second)
	take(9*time.Second, 1, 0, 10*time.Second)
	take(10*time.Second, 9, 4, 11*time.Second)
	if got, _, _ := s.Take(t.Context(), now, "b", 10, 10*time.Second, 1); got != 1 {
		t.Error("one quota used up another")
	}
}

// unsteady is a stock that gives one permit and then, to a caller that leaves,
// none.
type unsteady struct {
	asked int
	leave context.CancelFunc
}

func (u *unsteady) Take(context.Context, time.Time, string, int, time.Duration, int) (int, time.Time, error) {
	if u.asked++; u.asked == 1 {
		return 1, time.Time{}, nil
	}
	u.leave()
	return 0, time.Time{}, errors.New("the caller left")
}

// A permit that comes back at the moment in which the one who is to have it
// leaves holds nobody up.
func TestAPermitThatComesBackToOneWhoLeaves(t *testing.T) {
	for range 3000 {
		ctx, cancel := context.WithCancel(t.Context())
		w := ratelimit.New(ratelimit.Config{Limit: 100, Per: time.Second, Permits: &unsteady{leave: cancel}})
		place, err := w.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var wg stdsync.WaitGroup
		wg.Go(func() {
			if p, err := w.Wait(ctx); err == nil {
				p.Return()
			}
		})
		wg.Go(func() { <-ctx.Done(); place.Return() })
		wg.Wait()
	}
}
