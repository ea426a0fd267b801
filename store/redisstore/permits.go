package redisstore

import (
	"context"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
)

// Take implements [sync.Permits]: in one round trip, never more than limit in
// any window as the times that callers give tell it. Clocks of processes that
// differ shift the window by as much, so keep them in step; the adapters ask
// for a window that is a quarter of a second longer than the vendor's, which
// covers the usual.
func (s *Store) Take(ctx context.Context, now time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	kept := 2*per + time.Hour // by the server's clock, for quotas that nobody asks for any more
	call := &redisdb.Call{Script: permitsScript, Keys: []string{s.key("permits", name)},
		Args: []any{micros(now), limit, ceil(per), n, ceil(time.Duration(now.UnixNano())), kept.Milliseconds()}}
	if err := redisdb.Run(ctx, s.client, call); err != nil {
		return 0, time.Time{}, s.fail("take permits", err)
	}
	reply, _ := call.Reply.([]any)
	if len(reply) != 2 {
		return 0, time.Time{}, s.fail("take permits", errReply)
	}
	got, _ := reply[0].(int64)
	if int(got) >= n {
		return int(got), time.Time{}, nil
	}
	text, _ := reply[1].(string)
	again, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return int(got), time.Time{}, s.fail("take permits", errReply)
	}
	return int(got), time.UnixMicro(again), nil
}

// ceil returns whole microseconds, rounded up: a permit counts longer rather
// than shorter.
func ceil(d time.Duration) int64 { return int64((d + time.Microsecond - 1) / time.Microsecond) }
