package ratelimit_test

import (
	"context"
	"errors"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call makes one call that takes d.
func call(t *testing.T, w *ratelimit.Window, d time.Duration) {
	t.Helper()
	place, err := w.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(d)
	place.Release()
}

// Whatever the calls take on their way, the server never sees more of them in
// its window than the quota has.
func TestNoWindowSeesMoreThanTheQuota(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		limit := rapid.IntRange(1, 60).Draw(rt, "limit")
		callers := rapid.IntRange(1, 12).Draw(rt, "callers")
		way := trip{time.Duration(rapid.IntRange(0, 500).Draw(rt, "least")) * time.Millisecond,
			time.Duration(rapid.IntRange(0, 3000).Draw(rt, "spread")) * time.Millisecond}
		synctest.Test(t, func(t *testing.T) {
			a := &account{limit: limit, per: time.Second, mute: true}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var wg stdsync.WaitGroup
			a.load(ctx, &wg, ratelimit.New(ratelimit.Config{Limit: limit, Per: time.Second}), callers, way, 1)
			wg.Wait()
			if a.over > 0 {
				t.Errorf("%d of %d calls were too many", a.over, a.ok)
			}
		})
	})
}

func TestTheWholeQuotaIsUsedEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		var last time.Time
		var widest time.Duration
		start := time.Now()
		for range 1000 {
			call(t, w, 0)
			if !last.IsZero() {
				widest = max(widest, time.Since(last))
			}
			last = time.Now()
		}
		if d := time.Since(start); d > 101*time.Second {
			t.Errorf("1000 calls took %v: the quota is not used", d)
		}
		if widest > 200*time.Millisecond {
			t.Errorf("a call waited %v behind the burst at the start", widest)
		}
	})
}

func TestABurstPassesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		start := time.Now()
		for range 20 {
			call(t, w, 0)
		}
		took := time.Since(start)
		if rate := w.Lasting(); took != 0 || rate != 8 {
			t.Errorf("20 of 100 calls took %v, and %v a second can follow", took, rate)
		}
		time.Sleep(10 * time.Second)
		if rate := w.Lasting(); rate != 10 {
			t.Errorf("%v calls a second after a window of silence", rate)
		}
	})
}

// Others whose calls the answers tell of go on as this process does.
func TestWhatLastsIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		for range 10 {
			place, err := w.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			place.Told(100, 80, 10*time.Second)
			place.Release()
		}
		if rate := w.Lasting(); rate != 8 {
			t.Errorf("%v a second can follow 10 calls of ours and 10 of others", rate)
		}
		time.Sleep(5 * time.Second)
		if rate := w.Lasting(); rate != 10 { // those 20 fall free in time
			t.Errorf("%v a second can follow 5 s later", rate)
		}
	})
}

func TestCallsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := ratelimit.New(ratelimit.Config{Limit: 100, Per: time.Second, InFlight: 2})
		start := time.Now()
		var wg stdsync.WaitGroup
		for range 6 {
			wg.Go(func() { call(t, w, 5*time.Second) })
		}
		wg.Wait()
		if d := time.Since(start); d != 15*time.Second {
			t.Errorf("6 calls of 5 s, two at a time, took %v", d)
		}
	})
}

func TestAPlaceGivenBackIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(1)
		start := time.Now()
		for range 5 {
			place, err := w.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			place.Return()
			place.Release() // has no place any more
		}
		if d, u := time.Since(start), w.Usage(); d != 0 || u.Used != 0 {
			t.Errorf("after %v: %+v", d, u)
		}
	})
}

func TestPauseHoldsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		until := time.Now().Add(5 * time.Second)
		w.Pause(until)
		w.Pause(until.Add(-time.Second)) // does not shorten
		call(t, w, 0)
		if time.Now().Before(until) {
			t.Fatalf("leave at %v; paused until %v", time.Now(), until)
		}
	})
}

func TestPauseDuringAWaitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(1)
		call(t, w, 0)
		until := time.Now().Add(time.Minute)
		time.AfterFunc(time.Second, func() { w.Pause(until) })
		call(t, w, 0)
		if time.Now().Before(until) {
			t.Fatalf("leave at %v", time.Now())
		}
	})
}

func TestWaitSaysAtOnceThatItIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(10)
		until := time.Now().Add(time.Hour)
		w.Pause(until)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		_, err := w.Wait(ctx)
		long, ok := errors.AsType[*ratelimit.TooLongError](err)
		if !ok || !long.Until.Equal(until) || time.Since(start) != 0 {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
	})
}

// A deadline that passes in the line tells, too, when to come again.
func TestADeadlineInTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(10)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		until := time.Now().Add(time.Hour)
		for range 2 { // the burst
			call(t, w, 0)
		}
		time.AfterFunc(time.Millisecond, func() { w.Pause(until) })
		_, err := w.Wait(ctx)
		long, ok := errors.AsType[*ratelimit.TooLongError](err)
		if !ok || !long.Until.Equal(until) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestWaitHonoursCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(10)
		w.Pause(time.Now().Add(time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := w.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
		if n := w.Usage().Waiting; n != 0 {
			t.Fatalf("%d still wait", n)
		}
	})
}

// served runs callers of the priorities, each always waiting, and counts the
// calls that each priority gets.
func served(t *testing.T, callers map[sync.Priority]int, d time.Duration) map[sync.Priority]int {
	t.Helper()
	w := window(100)
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	got := map[sync.Priority]int{}
	var mu stdsync.Mutex
	var wg stdsync.WaitGroup
	for p, n := range callers {
		for range n {
			wg.Go(func() {
				for {
					place, err := w.Wait(sync.WithPriority(ctx, p))
					if err != nil {
						return
					}
					place.Release()
					mu.Lock()
					got[p]++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return got
}

func TestPrioritiesShareByWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := served(t, map[sync.Priority]int{sync.Live: 5, sync.Facts: 5, sync.Sweep: 5, sync.Backfill: 50}, 100*time.Second)
		want := map[sync.Priority]int{sync.Live: 700, sync.Facts: 150, sync.Sweep: 100, sync.Backfill: 50}
		for p, n := range want {
			if got[p] < n*3/4 || got[p] > n*5/4 {
				t.Errorf("%v: %d calls of about 1000, want about %d", p, got[p], n)
			}
		}
	})
}

func TestAnUnusedShareGoesToTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := served(t, map[sync.Priority]int{sync.Backfill: 3}, 100*time.Second); got[sync.Backfill] < 980 {
			t.Errorf("backfill alone made %d calls of 1000", got[sync.Backfill])
		}
	})
}

// Of the smallest quota, too, every priority gets its share.
func TestSmallQuotasServeEveryPriority(t *testing.T) {
	for limit := 1; limit <= 20; limit++ {
		synctest.Test(t, func(t *testing.T) {
			w := ratelimit.New(ratelimit.Config{Limit: limit, Per: time.Second})
			for range 3 * limit {
				ctx, cancel := context.WithTimeout(sync.WithPriority(t.Context(), sync.Backfill), 2*time.Second)
				place, err := w.Wait(ctx)
				cancel()
				if err != nil {
					t.Fatalf("limit %d: %v", limit, err)
				}
				place.Release()
			}
		})
	}
}

// However much bulk work waits, what is live starts at once.
func TestLiveIsNotBehindABackfill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		ctx, cancel := context.WithCancel(t.Context())
		var wg stdsync.WaitGroup
		for range 200 {
			wg.Go(func() {
				for {
					place, err := w.Wait(sync.WithPriority(ctx, sync.Backfill))
					if err != nil {
						return
					}
					time.Sleep(50 * time.Millisecond)
					place.Release()
				}
			})
		}
		for range 30 {
			time.Sleep(3 * time.Second)
			start := time.Now()
			call(t, w, 0)
			if d := time.Since(start); d > 250*time.Millisecond {
				t.Errorf("live waited %v", d)
			}
		}
		cancel()
		wg.Wait()
	})
}
