package redisqueue

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/urbanhub/crmsync/internal/redisdb"
	"github.com/urbanhub/crmsync/queue"
)

// Lease implements [queue.Log]. Renewing is one round trip, taking another.
func (l *Log) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (queue.Leases, error) {
	if err := l.ready(ctx, "lease"); err != nil {
		return queue.Leases{}, err
	}
	l.note(now)
	at, until := micros(now), micros(now.Add(p.For))
	join := &redisdb.Call{Script: joinScript, Keys: []string{l.keys.members()}, Args: []any{p.Owner, at, until}}
	calls := []*redisdb.Call{join}
	for tag := range l.keys.tags() {
		calls = append(calls, l.leaseCall(tag, p.Owner, at, until, 0))
	}
	if err := l.run(ctx, "lease", calls...); err != nil {
		return queue.Leases{}, err
	}
	out := queue.Leases{Members: int(number(join.Reply))}
	free := make([]int, l.keys.tags())
	for tag, c := range calls[1:] {
		free[tag] = l.accept(&out, tag, c)
	}
	want := queue.FairShare(l.Shards(), out.Members) - len(out.Grants)
	err := l.take(ctx, &out, free, want, func(tag, n int) *redisdb.Call { return l.leaseCall(tag, p.Owner, at, until, n) })
	return out, err
}

// take leases up to so many of the free shards, in ascending order. Shards
// that another process was faster to take are made up for by the next
// heartbeat.
func (l *Log) take(ctx context.Context, out *queue.Leases, free []int, want int, call func(tag, n int) *redisdb.Call) error {
	var calls []*redisdb.Call
	var tags []int
	for tag, n := range free {
		if n = min(n, want); n > 0 {
			calls, tags = append(calls, call(tag, n)), append(tags, tag)
			want -= n
		}
	}
	if len(calls) == 0 {
		return nil
	}
	if err := l.run(ctx, "lease", calls...); err != nil {
		return err
	}
	// The replies tell of all shards that the owner has in these tags.
	out.Grants = slices.DeleteFunc(out.Grants, func(g queue.Grant) bool { return slices.Contains(tags, l.keys.tag(g.Shard)) })
	for i, c := range calls {
		l.accept(out, tags[i], c)
	}
	return nil
}

func (l *Log) leaseCall(tag int, owner, now, until string, want int) *redisdb.Call {
	shards := l.keys.shardsOf(tag)
	c := &redisdb.Call{Script: leaseScript, Keys: make([]string, len(shards)), Args: []any{owner, now, until, want}}
	for i, shard := range shards {
		c.Keys[i] = l.keys.owner(shard)
	}
	return c
}

// accept adds the grants in a reply and returns how many shards are free.
func (l *Log) accept(out *queue.Leases, tag int, c *redisdb.Call) (free int) {
	reply, _ := c.Reply.([]any)
	shards := l.keys.shardsOf(tag)
	for i := 1; i+3 < len(reply); i += 4 {
		expires, _ := reply[i+2].(string)
		at, _ := strconv.ParseInt(expires, 10, 64)
		out.Grants = append(out.Grants, queue.Grant{
			Fence:   queue.Fence{Shard: shards[number(reply[i])-1], Token: uint64(number(reply[i+1]))},
			Expires: time.UnixMicro(at).UTC(),
			Unclean: int(number(reply[i+3])),
		})
	}
	if len(reply) > 0 {
		free = int(number(reply[0]))
	}
	return free
}

// Release implements [queue.Log].
func (l *Log) Release(ctx context.Context, p queue.ReleaseParams) error {
	of := map[int]*redisdb.Call{}
	var calls []*redisdb.Call
	add := func(fences []queue.Fence, clean int) {
		for _, f := range fences {
			tag := l.keys.tag(f.Shard)
			c := of[tag]
			if c == nil {
				c = &redisdb.Call{Script: releaseScript}
				of[tag], calls = c, append(calls, c)
			}
			c.Keys = append(c.Keys, l.keys.owner(f.Shard))
			c.Args = append(c.Args, strconv.FormatUint(f.Token, 10), clean)
		}
	}
	add(p.Clean, 1)
	add(p.Unclean, 0)
	if err := l.run(ctx, "release", calls...); err != nil {
		return err
	}
	if p.Leave {
		if err := l.client.ZRem(ctx, l.keys.members(), p.Owner).Err(); err != nil {
			return l.fail("release", err)
		}
	}
	return ctx.Err()
}

func micros(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }
