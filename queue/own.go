package queue

import (
	"context"
	"maps"
	"slices"
	"time"
)

// own renews the leases of shards when it is time, takes and gives back
// shards. Every shard lease outlasts the lane leases given from it, so a
// shard never moves while one of its keys is in work. The caller holds the
// pump.
func (q *Queue) own(ctx context.Context, now time.Time, lease time.Duration) error {
	q.mu.Lock()
	due := q.renewDue(now, lease)
	q.mu.Unlock()
	if !due {
		return nil
	}
	got, err := q.log.Lease(ctx, now, LeaseParams{Owner: q.opts.Owner, For: lease + q.opts.Lease})
	if err != nil {
		return fail("lease", err)
	}
	q.mu.Lock()
	q.accept(now, got)
	back := q.surplus(FairShare(len(q.shards), got.Members))
	q.mu.Unlock()
	return q.giveUp(ctx, back, false)
}

// renewDue reports whether the log must be asked before leasing lanes.
func (q *Queue) renewDue(now time.Time, lease time.Duration) bool {
	return !now.Before(q.nextRenew) || q.leaseUntil.Before(now.Add(lease))
}

// accept brings the shards in line with the leases.
func (q *Queue) accept(now time.Time, got Leases) {
	granted := make(map[int]Grant, len(got.Grants))
	until := time.Time{}
	for _, g := range got.Grants {
		granted[g.Shard] = g
		if until.IsZero() || g.Expires.Before(until) {
			until = g.Expires
		}
	}
	for i, sh := range q.shards {
		g, ok := granted[i]
		if sh != nil && (!ok || g.Fence != sh.fence) {
			q.drop(sh)
			sh = nil
		}
		switch {
		case !ok:
		case sh != nil:
			sh.expires = g.Expires
		default:
			q.shards[i] = newShard(g, q.opts.Window)
			q.owned++
			q.unread = true
			q.tieUp(q.shards[i], now)
		}
	}
	q.leaseUntil, q.nextRenew = until, now.Add(q.opts.Renew)
}

// surplus marks shards above the fair share as draining, the others as not,
// and returns those that can go now because none of their keys is in work.
func (q *Queue) surplus(share int) []*shard {
	var free []*shard
	keep := share
	for _, sh := range q.shards {
		switch {
		case sh == nil:
		case keep > 0:
			keep--
			q.drain(sh, false)
		default:
			q.drain(sh, true)
			if sh.leased == 0 {
				free = append(free, sh)
			}
		}
	}
	return free
}

// drain stops, or resumes, handing out the keys of a shard.
func (q *Queue) drain(sh *shard, on bool) {
	if sh.draining == on {
		return
	}
	sh.draining = on
	for _, key := range slices.Sorted(maps.Keys(sh.lanes)) { // in the same order in every run
		l := sh.lanes[key]
		switch {
		case l.state != idle || len(l.msgs) == 0:
		case on:
			l.unlink()
			q.acquit(l)
		default:
			q.offer(l)
		}
	}
}

// giveUp releases shards that have nothing in work.
func (q *Queue) giveUp(ctx context.Context, shards []*shard, leave bool) error {
	if len(shards) == 0 && !leave {
		return nil
	}
	p := ReleaseParams{Owner: q.opts.Owner, Leave: leave}
	q.mu.Lock()
	for _, sh := range shards {
		if sh.unproven() {
			p.Unclean = append(p.Unclean, sh.fence)
		} else {
			p.Clean = append(p.Clean, sh.fence)
		}
		q.drop(sh)
	}
	q.mu.Unlock()
	if err := q.log.Release(ctx, p); err != nil {
		return fail("release", err)
	}
	return nil
}

// Close gives back the shards so that other processes take them at once.
// Shards with keys in work are kept until their lease expires: settle all
// lanes first. A process that ends without Close looks like one that crashed.
func (q *Queue) Close(ctx context.Context) error {
	if err := q.acquire(ctx); err != nil {
		return err
	}
	defer func() { <-q.pump }()
	var free []*shard
	q.mu.Lock()
	for _, sh := range q.shards {
		if sh == nil {
			continue
		}
		q.drain(sh, true)
		if sh.leased == 0 {
			free = append(free, sh)
		}
	}
	q.nextRenew = time.Time{}
	q.mu.Unlock()
	return q.giveUp(ctx, free, true)
}

// acquire takes the pump.
func (q *Queue) acquire(ctx context.Context) error {
	select {
	case q.pump <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
