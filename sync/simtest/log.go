package simtest

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/memqueue"
	"github.com/urbanhub/crmsync/sync"
)

// A logClient is the way of a process's dispatcher to the shared log.
type logClient struct {
	*process
	log *memqueue.Log
}

var (
	_ queue.Log   = (*logClient)(nil)
	_ queue.Waker = (*logClient)(nil)
)

func (c *logClient) step(ctx context.Context, name, detail string, effect func() error) error {
	name = "queue." + name
	return c.do(ctx, name, detail, c.latency(name, detail, queueLatency), effect)
}

// OnAppend implements [queue.Waker].
func (c *logClient) OnAppend(wake func()) { c.log.OnAppend(wake) }

// Shards implements [queue.Log].
func (c *logClient) Shards() int { return c.log.Shards() }

// Append implements [queue.Log].
func (c *logClient) Append(ctx context.Context, now time.Time, msgs []sync.Message) error {
	detail := ""
	if len(msgs) > 0 {
		detail = fmt.Sprint(msgs[0].Key, " ", len(msgs))
	}
	return c.step(ctx, "append", detail, func() error {
		err := c.log.Append(ctx, now, msgs)
		if err == nil {
			c.world.check.appended(msgs)
		}
		return err
	})
}

// Read implements [queue.Log].
func (c *logClient) Read(ctx context.Context, spans []queue.Span) (out []queue.Page, err error) {
	err = c.step(ctx, "read", "", func() (err error) {
		out, err = c.log.Read(ctx, spans)
		return err
	})
	return out, err
}

// Delete implements [queue.Log].
func (c *logClient) Delete(ctx context.Context, fence queue.Fence, entries []queue.Pos) error {
	return c.step(ctx, "delete", fmt.Sprint(fence.Shard, entries), func() error { return c.log.Delete(ctx, fence, entries) })
}

// Hold implements [queue.Log].
func (c *logClient) Hold(ctx context.Context, fence queue.Fence, entry queue.Pos, held queue.Held) error {
	return c.step(ctx, "hold", fmt.Sprint(fence.Shard, entry), func() error { return c.log.Hold(ctx, fence, entry, held) })
}

// Bury implements [queue.Log].
func (c *logClient) Bury(ctx context.Context, fence queue.Fence, burials []queue.Burial) error {
	return c.step(ctx, "bury", fmt.Sprint(fence.Shard, burials[0].Pos), func() error { return c.log.Bury(ctx, fence, burials) })
}

// Lease implements [queue.Log].
func (c *logClient) Lease(ctx context.Context, now time.Time, p queue.LeaseParams) (out queue.Leases, err error) {
	err = c.step(ctx, "lease", "", func() (err error) {
		out, err = c.log.Lease(ctx, now, p)
		return err
	})
	return out, err
}

// Release implements [queue.Log].
func (c *logClient) Release(ctx context.Context, p queue.ReleaseParams) error {
	return c.step(ctx, "release", "", func() error { return c.log.Release(ctx, p) })
}

// Dead implements [queue.Log].
func (c *logClient) Dead(ctx context.Context, f sync.DeadFilter) (out []sync.DeadLetter, err error) {
	err = c.step(ctx, "dead", f.Key, func() (err error) {
		out, err = c.log.Dead(ctx, f)
		return err
	})
	return out, err
}

// Replay implements [queue.Log].
func (c *logClient) Replay(ctx context.Context, now time.Time, ids []string) (int, error) {
	return c.log.Replay(ctx, now, ids)
}

// Discard implements [queue.Log].
func (c *logClient) Discard(ctx context.Context, now time.Time, ids []string) (int, error) {
	return c.log.Discard(ctx, now, ids)
}

// Stats implements [queue.Log].
func (c *logClient) Stats(ctx context.Context, now time.Time) (out sync.QueueStats, err error) {
	err = c.step(ctx, "stats", "", func() (err error) {
		out, err = c.log.Stats(ctx, now)
		return err
	})
	return out, err
}

// A queueClient is the engine's way to its dispatcher.
type queueClient struct {
	*queue.Queue
	p *process
}

// Ready implements [sync.Queue].
func (c *queueClient) Ready() <-chan struct{} { return c.p.ready }

// Take makes handing out a step of its own, and notes who works on what.
func (c *queueClient) Take(ctx context.Context, now time.Time, n int, lease time.Duration) (lanes []sync.Lane, err error) {
	if err := c.p.do(ctx, "queue.take", "", 0, func() error { return nil }); err != nil {
		return nil, err
	}
	lanes, err = c.Queue.Take(ctx, now, n, lease)
	for i := range lanes {
		c.p.world.check.taken(c.p, &lanes[i])
	}
	return lanes, err
}

// Done notes that the lane is free, if it is.
func (c *queueClient) Done(ctx context.Context, now time.Time, lane sync.Lane) error {
	err := c.Queue.Done(ctx, now, lane)
	if err == nil {
		c.p.world.check.settled(c.p, &lane)
	}
	return err
}

// Bury does the same.
func (c *queueClient) Bury(ctx context.Context, now time.Time, lane sync.Lane, cause sync.Failure) error {
	err := c.Queue.Bury(ctx, now, lane, cause)
	if err == nil {
		c.p.world.check.settled(c.p, &lane)
	}
	return err
}

// Retry replaces the engine's random waits by those of the seed.
func (c *queueClient) Retry(ctx context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	if !cause.Free {
		wait := min(200*time.Millisecond*time.Duration(math.Pow(2, float64(min(lane.Attempts, 10)))), backoffMost)
		at = now.Add(wait + c.p.latency("backoff", lane.Key, wait))
	}
	c.p.world.check.retried(c.p, &lane, cause)
	return c.Queue.Retry(ctx, now, lane, at, cause)
}
