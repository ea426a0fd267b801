package ratelimit_test

import (
	"context"
	"fmt"
	stdsync "sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
)

func window(limit int) *ratelimit.Window {
	return ratelimit.New(ratelimit.Config{Limit: limit, Per: 10 * time.Second, InFlight: 8})
}

// Processes that share nothing but the answers' headers use most of the quota
// between them, and none is refused for it.
func TestHeadersAloneDivideTheQuota(t *testing.T) {
	const warm, span = 20 * time.Second, 50 * time.Second
	quick, slow := trip{4 * time.Millisecond, 2 * time.Millisecond}, trip{200 * time.Millisecond, 200 * time.Millisecond}
	for _, c := range []struct {
		processes int
		trip      trip
	}{{1, quick}, {1, slow}, {2, quick}, {2, slow}, {3, quick}, {3, slow}} {
		t.Run(fmt.Sprintf("%d processes, %v", c.processes, c.trip.least), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &account{limit: 110, per: 10 * time.Second, from: time.Now().Add(warm)}
				ctx, cancel := context.WithTimeout(t.Context(), warm+span)
				defer cancel()
				var wg stdsync.WaitGroup
				for i := range c.processes {
					time.Sleep(time.Duration(i) * time.Second) // each newcomer meets a full window
					a.load(ctx, &wg, window(100), 8, c.trip, uint64(i))
				}
				wg.Wait()
				used, refused := a.since(span)
				t.Logf("%.1f %% used, %.2f %% refused", 100*used, 100*refused)
				if used < 0.9 || refused >= 0.005 {
					t.Errorf("%.1f %% used, want 90; %.2f %% refused, want less than 0.5", 100*used, 100*refused)
				}
			})
		})
	}
}

// What one has more than the other goes over to the other.
func TestHeadersAloneDivideEvenly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &account{limit: 110, per: 10 * time.Second}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		var wg stdsync.WaitGroup
		first, second := window(100), window(100)
		a.load(ctx, &wg, first, 8, trip{least: 5 * time.Millisecond}, 1)
		time.Sleep(30 * time.Second)
		if u := first.Usage(); u.Used < 100 || u.Others > 2 {
			t.Errorf("alone: %+v", u)
		}
		a.load(ctx, &wg, second, 8, trip{least: 5 * time.Millisecond}, 2)
		time.Sleep(80 * time.Second)
		for _, u := range []ratelimit.Usage{first.Usage(), second.Usage()} {
			if u.Used < 44 || u.Others < 44 || u.Limit != 110 {
				t.Errorf("together: %+v", u)
			}
		}
		cancel()
		wg.Wait()
	})
}

// A full quota of others is looked at about once a second, and used again
// when they stop.
func TestOthersThatTakeAllAreWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		call := func(remaining int) {
			place, err := w.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			place.Told(100, remaining, 10*time.Second)
			place.Release()
		}
		call(0)
		start := time.Now()
		for range 5 {
			call(0)
		}
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("five looks took %v", d)
		}
		call(90)
		start = time.Now()
		for range 10 {
			call(80)
		}
		if d := time.Since(start); d > time.Second {
			t.Errorf("ten calls took %v although the others stopped", d)
		}
	})
}

func TestOldNewsIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		old, _ := w.Wait(t.Context())
		recent, _ := w.Wait(t.Context())
		recent.Told(110, 60, 10*time.Second)
		old.Told(100, 0, 10*time.Second)
		if u := w.Usage(); u.Limit != 110 || u.Others != 48 {
			t.Errorf("%+v", u)
		}
		recent.Told(0, 0, 0)
		if u := w.Usage(); u.Limit != 110 {
			t.Errorf("headers that are absent count: %+v", u)
		}
	})
}

func TestRefusalsCutTheRateAndItGrowsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		factor := func(want float64) {
			t.Helper()
			if got := w.Usage().Factor; got < want-0.001 || got > want+0.001 {
				t.Errorf("factor %.3f, want %.3f", got, want)
			}
		}
		time.Sleep(time.Second)
		first, _ := w.Wait(t.Context())
		second, _ := w.Wait(t.Context())
		time.Sleep(time.Second)
		first.Refused()
		second.Refused() // was under way when the first was refused
		factor(0.7)
		time.Sleep(10 * time.Second)
		factor(0.8)
		time.Sleep(time.Minute)
		factor(1)
		for range 20 {
			p, _ := w.Wait(t.Context())
			p.Refused()
			p.Release()
			time.Sleep(time.Second)
		}
		if f := w.Usage().Factor; f < 0.1 {
			t.Errorf("factor %v is below the floor", f)
		}
	})
}

// Answers may tell of a shorter window; what was used in the longer one does
// not hang on.
func TestAWindowThatShrinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := window(100)
		for range 2 {
			place, err := w.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			place.Release()
			place.Told(100, 98, time.Second)
		}
		time.Sleep(time.Second)
		if u := w.Usage(); u.Used != 0 || u.Per != time.Second {
			t.Errorf("%+v", u)
		}
	})
}
