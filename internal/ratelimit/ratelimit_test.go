package ratelimit_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
)

func TestNoWindowSeesMoreThanTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(100, 10*time.Second)
		var calls []time.Time
		for range 400 {
			if err := b.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, time.Now())
		}
		for i := range calls {
			if i+100 < len(calls) && calls[i+100].Sub(calls[i]) < 10*time.Second {
				t.Fatalf("101 calls within %v", calls[i+100].Sub(calls[i]))
			}
		}
		if d := calls[399].Sub(calls[0]); d > 45*time.Second {
			t.Fatalf("400 calls took %v: the quota is not used", d)
		}
	})
}

func TestPauseHoldsEveryCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(100, 10*time.Second)
		until := time.Now().Add(5 * time.Second)
		b.Pause(until)
		b.Pause(until.Add(-time.Second)) // does not shorten
		if err := b.Wait(t.Context()); err != nil || time.Now().Before(until) {
			t.Fatalf("leave at %v, %v; paused until %v", time.Now(), err, until)
		}
	})
}

func TestPauseDuringAWaitCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(1, 10*time.Second)
		_ = b.Wait(t.Context())
		until := time.Now().Add(time.Minute)
		time.AfterFunc(time.Second, func() { b.Pause(until) })
		if err := b.Wait(t.Context()); err != nil || time.Now().Before(until) {
			t.Fatalf("leave at %v, %v", time.Now(), err)
		}
	})
}

func TestWaitSaysAtOnceThatItIsTooLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(10, 10*time.Second)
		until := time.Now().Add(time.Hour)
		b.Pause(until)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var long *ratelimit.TooLongError
		if err := b.Wait(ctx); !errors.As(err, &long) || !long.Until.Equal(until) || time.Since(start) != 0 {
			t.Fatalf("got %v after %v", err, time.Since(start))
		}
	})
}

func TestWaitHonoursCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(10, 10*time.Second)
		b.Pause(time.Now().Add(time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if err := b.Wait(ctx); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	})
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := ratelimit.NewBucket(1000, 10*time.Second)
		b.Resize(10, 10*time.Second)
		start := time.Now()
		for range 200 {
			_ = b.Wait(t.Context())
		}
		// What had been saved up under the old size may be spent at once.
		if d := time.Since(start); d < 90*time.Second {
			t.Fatalf("200 calls in %v", d)
		}
	})
}
