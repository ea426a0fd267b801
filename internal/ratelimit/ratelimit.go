// Package ratelimit keeps calls within a vendor's quota.
package ratelimit

import (
	"context"
	"fmt"
	stdsync "sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter gives leave to make calls. [Bucket] limits one process; a limiter
// shared by several processes has the same two methods.
type Limiter interface {
	// Wait returns when one call may be made. It returns the context's error
	// when that ends first, and at once a [*TooLongError] when the leave would
	// come only after the context's deadline.
	Wait(ctx context.Context) error
	// Pause holds all calls back until the moment given. A pause never
	// shortens an earlier one.
	Pause(until time.Time)
}

// A TooLongError tells that leave would come only after the caller's deadline.
type TooLongError struct {
	// Until is when a call may be made.
	Until time.Time
}

// Error implements error.
func (e *TooLongError) Error() string {
	return fmt.Sprintf("the rate limit gives no leave before %s", e.Until.UTC().Format(time.RFC3339))
}

// A Bucket is a token bucket that can be paused and resized. Methods may be
// called concurrently.
type Bucket struct {
	limiter *rate.Limiter
	mu      stdsync.Mutex
	until   time.Time
}

var _ Limiter = (*Bucket)(nil)

// NewBucket returns a bucket, full at the start, that lets n calls pass in any
// window of the duration per. See [Bucket.Resize] for how it is divided.
func NewBucket(n int, per time.Duration) *Bucket {
	limit, burst := divide(n, per)
	return &Bucket{limiter: rate.NewLimiter(limit, burst)}
}

// Resize changes the quota to n calls in any window of the duration per. A
// tenth of it is the burst and the rest the steady rate, so that no window,
// wherever it starts, sees more than n calls.
func (b *Bucket) Resize(n int, per time.Duration) {
	limit, burst := divide(n, per)
	if b.limiter.Limit() != limit || b.limiter.Burst() != burst {
		b.limiter.SetLimit(limit)
		b.limiter.SetBurst(burst)
	}
}

func divide(n int, per time.Duration) (rate.Limit, int) {
	n = max(n, 1)
	burst := max(n/10, 1)
	return rate.Limit(float64(max(n-burst, 1)) / per.Seconds()), burst
}

// Pressed reports whether more than half of the burst is used up: calls come
// nearly as fast as the quota allows.
func (b *Bucket) Pressed() bool { return b.limiter.Tokens() < float64(b.limiter.Burst())/2 }

// Pause implements [Limiter].
func (b *Bucket) Pause(until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.until) {
		b.until = until
	}
}

func (b *Bucket) paused() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Until(b.until)
}

// Wait implements [Limiter].
func (b *Bucket) Wait(ctx context.Context) error {
	for {
		if err := b.sleep(ctx, b.paused()); err != nil {
			return err
		}
		r := b.limiter.Reserve()
		if err := b.sleep(ctx, r.Delay()); err != nil {
			r.Cancel()
			return err
		}
		// A pause that began meanwhile counts too; the token is spent.
		if b.paused() <= 0 {
			return nil
		}
	}
}

func (b *Bucket) sleep(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d <= 0 {
		return err
	}
	until := time.Now().Add(d)
	if end, ok := ctx.Deadline(); ok && end.Before(until) {
		return &TooLongError{Until: until}
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
