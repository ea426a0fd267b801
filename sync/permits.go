package sync

import (
	"context"
	"time"
)

// Permits hands out a vendor's quota to the processes that share it, so that
// together they stay within it. Methods may be called concurrently.
type Permits interface {
	// Take asks at the time now for n permits of a quota, of which limit
	// exist in any window of the duration per; bulk work names a lower limit,
	// and so leaves the rest to urgent calls. The name tells quotas apart:
	// vendor, account and window. It returns how many it got, and, if that is
	// fewer than n, when it is worth asking again. Permits are not given back.
	// On error an adapter goes on with a small share of its own.
	Take(ctx context.Context, now time.Time, name string, limit int, per time.Duration, n int) (got int, again time.Time, err error)
}
