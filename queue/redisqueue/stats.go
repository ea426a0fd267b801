package redisqueue

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// sleepersAmong bounds how many messages are looked at for those of sleeping
// keys.
const sleepersAmong = 100_000

// Stats implements [queue.Log]. While keys sleep it looks for their messages
// among the first 100,000 or so of their shards: there may be more.
func (l *Log) Stats(ctx context.Context, now time.Time) (sync.QueueStats, error) {
	if err := ctx.Err(); err != nil {
		return sync.QueueStats{}, err
	}
	c := count{log: l, pipe: l.client.Pipeline()}
	c.ask(ctx)
	if _, err := c.pipe.Exec(ctx); err != nil {
		return sync.QueueStats{}, l.fail("stats", err)
	}
	for _, n := range c.dead {
		c.stats.Dead += int(n.Val())
	}
	if err := c.streams(ctx); err != nil {
		return sync.QueueStats{}, err
	}
	return c.stats, c.sleeping(ctx, c.asleep(now))
}

// A count gathers the statistics.
type count struct {
	log     *Log
	pipe    redis.Pipeliner
	dead    []*redis.IntCmd
	held    []*redis.MapStringStringCmd
	waiting []*redis.MapStringStringCmd // by stream
	stats   sync.QueueStats
}

func (c *count) ask(ctx context.Context) {
	k := c.log.keys
	for tag := range k.tags() {
		c.dead = append(c.dead, c.pipe.ZCard(ctx, k.died(tag)))
		c.held = append(c.held, c.pipe.HGetAll(ctx, k.held(tag)))
		c.waiting = append(c.waiting, c.pipe.HGetAll(ctx, k.waiting(tag)))
	}
}

// streams adds up the streams that have messages.
func (c *count) streams(ctx context.Context) error {
	var spans []queue.Span
	var sizes []int
	for shard := range c.log.Shards() {
		of := c.waiting[c.log.keys.tag(shard)].Val()
		for p := range sync.Priority(sync.Priorities) {
			if n, _ := strconv.Atoi(of[c.log.keys.stream(shard, p)]); n > 0 {
				spans, sizes = append(spans, queue.Span{Shard: shard, Priority: p, Limit: 1}), append(sizes, n)
			}
		}
	}
	r, err := c.log.read(ctx, spans)
	if err != nil {
		return err
	}
	for i, page := range r.pages {
		if len(page.Entries) > 0 {
			c.stats.OldestAt = earlier(c.stats.OldestAt, page.Entries[0].Message.EnqueuedAt)
		} else if !page.More {
			continue // emptied since, or by a stranger
		}
		c.stats.ByPriority[spans[i].Priority] += sizes[i]
		c.stats.Waiting += sizes[i]
	}
	return nil
}

// asleep returns, by shard, the messages that wait for their next attempt.
func (c *count) asleep(now time.Time) map[int]map[string]bool {
	asleep := map[int]map[string]bool{}
	for _, held := range c.held {
		for name, text := range held.Val() {
			h, err := decodeHeld(text)
			if err != nil || !h.RetryAt.After(now) || h.Shard < 0 || h.Shard >= c.log.Shards() {
				continue
			}
			if asleep[h.Shard] == nil {
				asleep[h.Shard] = map[string]bool{}
			}
			asleep[h.Shard][name] = true
			c.stats.NextAt = earlier(c.stats.NextAt, h.RetryAt)
		}
	}
	return asleep
}

// sleeping counts the messages of the keys that sleep.
func (c *count) sleeping(ctx context.Context, asleep map[int]map[string]bool) error {
	left := sleepersAmong
	for shard, names := range asleep {
		s := sleepers{shard, names, map[string]int{}, map[string]bool{}}
		spans := make([]queue.Span, sync.Priorities)
		for p := range spans {
			spans[p] = queue.Span{Shard: shard, Priority: sync.Priority(p), Limit: batch}
		}
		for len(spans) > 0 && left > 0 {
			r, err := c.log.read(ctx, spans)
			if err != nil {
				return err
			}
			left -= s.look(c.log.keys, r)
			spans = r.further()
		}
		for key := range s.asleep {
			c.stats.Sleeping += s.messages[key]
		}
	}
	return nil
}

// sleepers are the keys of a shard: how many messages each has, and which sleep
// because one of the messages named waits for its next attempt.
type sleepers struct {
	shard    int
	names    map[string]bool
	messages map[string]int
	asleep   map[string]bool
}

// look counts what was read and returns how many messages that were.
func (s *sleepers) look(k *keys, r *reading) (n int) {
	for i, page := range r.pages {
		for _, e := range page.Entries {
			s.messages[e.Message.Key]++
			if s.names[k.heldName(s.shard, r.spans[i].Priority, e.Seq)] {
				s.asleep[e.Message.Key] = true
			}
		}
		n += len(page.Entries)
	}
	return n
}

// further returns the spans in which there is more, from where their pages end.
func (r *reading) further() []queue.Span {
	var more []queue.Span
	for i, page := range r.pages {
		if page.More {
			s := r.spans[i]
			s.After = page.Next
			more = append(more, s)
		}
	}
	return more
}

// earlier returns the earlier of two times, of which a may be zero.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
