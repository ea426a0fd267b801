package redisstore

import (
	"context"
	"time"
)

// TakeAt is Take on a server whose clock shows the time given.
func (s *Store) TakeAt(ctx context.Context, now, clock time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	return s.take(ctx, now, micros(clock), name, limit, per, n)
}
