package redisstore

import (
	"context"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
)

// Take implements [sync.Permits], in one round trip. The window is measured by
// the server's clock, so that processes whose clocks differ share it; now is
// only what again is reckoned from. An answer that is lost on its way has used
// up its permits.
func (s *Store) Take(ctx context.Context, now time.Time, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	return s.take(ctx, now, "", name, limit, per, n)
}

// take is Take by a clock that a test may set; "" is the server's.
func (s *Store) take(ctx context.Context, now time.Time, clock, name string, limit int, per time.Duration, n int) (int, time.Time, error) {
	kept := 2*per + time.Hour // for quotas that nobody asks for any more
	call := &redisdb.Call{Script: permitsScript, Keys: []string{s.key("permits", name)},
		Args: []any{limit, ceil(per), n, kept.Milliseconds(), clock}}
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
	wait, _ := reply[1].(int64)
	return int(got), now.Add(time.Duration(wait) * time.Microsecond), nil
}

// ceil returns whole microseconds, rounded up: a permit counts longer rather
// than shorter.
func ceil(d time.Duration) int64 { return int64((d + time.Microsecond - 1) / time.Microsecond) }
