package redisqueue

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/sync"
)

// Stats implements [queue.Log]. A key that shares its bucket with a sleeping
// one, one in 2,048 per shard, is counted as sleeping too.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	if err := ctx.Err(); err != nil {
		return sync.QueueStats{}, err
	}
	c := count{log: l, pipe: l.client.Pipeline()}
	c.ask(ctx)
	if _, err := c.pipe.Exec(ctx); err != nil && !isNil(err) {
		return sync.QueueStats{}, l.fail("stats", err)
	}
	st := c.waiting()
	asleep, next := c.asleep(now)
	st.NextAt = next
	sleeping, err := l.sleeping(ctx, asleep)
	if err != nil {
		return sync.QueueStats{}, l.fail("stats", err)
	}
	st.Sleeping = sleeping
	return st, nil
}

// A count gathers the statistics in one round trip.
type count struct {
	log     *Log
	pipe    redis.Pipeliner
	lengths [][sync.Priorities]*redis.IntCmd
	firsts  [][sync.Priorities]*redis.XMessageSliceCmd
	dead    []*redis.IntCmd
	held    []*redis.MapStringStringCmd
}

func (c *count) ask(ctx context.Context) {
	k := c.log.keys
	c.lengths = make([][sync.Priorities]*redis.IntCmd, k.shards)
	c.firsts = make([][sync.Priorities]*redis.XMessageSliceCmd, k.shards)
	for shard := range k.shards {
		for p := range sync.Priority(sync.Priorities) {
			c.lengths[shard][p] = c.pipe.XLen(ctx, k.stream(shard, p))
			c.firsts[shard][p] = c.pipe.XRangeN(ctx, k.stream(shard, p), "-", "+", 1)
		}
	}
	for tag := range k.tags() {
		c.dead = append(c.dead, c.pipe.ZCard(ctx, k.died(tag)))
		c.held = append(c.held, c.pipe.HGetAll(ctx, k.held(tag)))
	}
}

func (c *count) waiting() sync.QueueStats {
	var st sync.QueueStats
	for _, n := range c.dead {
		st.Dead += int(n.Val())
	}
	for shard := range c.lengths {
		for p := range c.lengths[shard] {
			n := int(c.lengths[shard][p].Val())
			st.ByPriority[p] += n
			st.Waiting += n
			for _, e := range raws(c.firsts[shard][p].Val()) {
				if m, err := decode(e.message, sync.Priority(p)); err == nil {
					st.OldestAt = earlier(st.OldestAt, m.EnqueuedAt)
				}
			}
		}
	}
	return st
}

// A bucket holds the entries of one key, nearly always.
type bucket struct {
	shard  int
	number uint64
}

// asleep returns the buckets of the sleeping keys and when the next wakes.
func (c *count) asleep(now time.Time) (map[bucket]bool, time.Time) {
	asleep, next := map[bucket]bool{}, time.Time{}
	for _, held := range c.held {
		for id, text := range held.Val() {
			h, err := decodeHeld(text)
			if err != nil || !h.RetryAt.After(now) || h.Shard < 0 || h.Shard >= c.log.keys.shards {
				continue
			}
			_, number, _ := strings.Cut(id, "-")
			n, err := strconv.ParseUint(number, 10, 64)
			if err == nil {
				asleep[bucket{h.Shard, n}] = true
				next = earlier(next, h.RetryAt)
			}
		}
	}
	return asleep, next
}

// sleeping counts the messages of the buckets.
func (l *Log) sleeping(ctx context.Context, asleep map[bucket]bool) (int, error) {
	if len(asleep) == 0 {
		return 0, nil
	}
	pipe := l.client.Pipeline()
	var counts []*redis.IntCmd
	for b := range asleep {
		for p := range sync.Priority(sync.Priorities) {
			counts = append(counts, pipe.LLen(ctx, l.keys.index(b.shard, p, b.number)))
		}
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return 0, err
	}
	n := 0
	for _, c := range counts {
		n += int(c.Val())
	}
	return n, nil
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
