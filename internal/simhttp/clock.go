package simhttp

import (
	"sync/atomic"
	"time"
)

// Clock is the vendor's clock: the base time plus an offset that a test may change. The zero value is the real time (the
// bubble's time inside testing/synctest).
type Clock struct {
	// Base replaces time.Now when set. Set it before the clock is shared.
	Base func() time.Time

	offset atomic.Int64
}

// Now returns the vendor's idea of the present, in UTC.
func (c *Clock) Now() time.Time {
	now := time.Now
	if c.Base != nil {
		now = c.Base
	}
	return now().Add(c.Offset()).UTC()
}

// Offset returns how far the clock is ahead (behind when negative).
func (c *Clock) Offset() time.Duration { return time.Duration(c.offset.Load()) }

// SetOffset sets how far the clock is ahead (behind when negative).
func (c *Clock) SetOffset(d time.Duration) { c.offset.Store(int64(d)) }
