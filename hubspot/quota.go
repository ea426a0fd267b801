package hubspot

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// patience is the longest that a call waits inside the adapter for a quota or
// a lock. Whoever must wait longer is told until when.
const patience = 5 * time.Second

// falterWait is the pause after a first passing fault; it doubles up to 32
// times that.
const falterWait = 50 * time.Millisecond

// The least time between batches of one operation that are not full: at any
// rate, because the day has a quota too, and when the burst quota runs short.
const (
	pace        = 150 * time.Millisecond
	pressedPace = 400 * time.Millisecond
)

// share is the part of a quota to use: nine tenths, because another program
// may use the same token and clocks differ.
func share(quota int) int { return max(quota*9/10, 1) }

// falter holds all calls back for a moment after a passing fault, longer with
// each in a row, so that an outage is asked after by one batch and not by
// every record's retry.
func (c *client) falter() {
	n := min(c.faults.Add(1), 6)
	c.burst.Pause(time.Now().Add(falterWait << (n - 1)))
}

// pace is how much time batches take to fill up at present.
func (c *client) pace() time.Duration {
	if c.burst.Pressed() {
		return pressedPace
	}
	return pace
}

// leaveKey marks a context that has leave for one call.
type leaveKey struct{}

// leave waits for the quota of one call ahead of the call, so that a batch can
// fill up in the meantime.
func (c *client) leave(ctx context.Context) (context.Context, error) {
	if err := c.wait(ctx, "batch", c.burst); err != nil {
		return nil, err
	}
	return context.WithValue(ctx, leaveKey{}, new(atomic.Bool)), nil
}

// admit waits for the quota and for a slot.
func (c *client) admit(ctx context.Context, op operation) error {
	if op == opSearch {
		if err := c.wait(ctx, op, c.search); err != nil {
			return err
		}
	}
	if used, ok := ctx.Value(leaveKey{}).(*atomic.Bool); !ok || !used.CompareAndSwap(false, true) {
		if err := c.wait(ctx, op, c.burst); err != nil {
			return err
		}
	}
	return c.slots.Acquire(ctx, 1)
}

// wait waits for a limit; who must wait longer than the patience is told.
func (c *client) wait(ctx context.Context, op operation, limit ratelimit.Limiter) error {
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := limit.Wait(waiting)
	var long *ratelimit.TooLongError
	switch {
	case errors.As(err, &long):
		return &sync.Error{Op: op.String(), Action: sync.RetryAt, Rule: "quota", RetryAt: long.Until, Err: err}
	case err != nil && ctx.Err() == nil:
		return &sync.Error{Op: op.String(), Action: sync.RetryAt, Rule: "quota", RetryAt: time.Now(), Err: err}
	case err != nil:
		return ctx.Err()
	}
	return nil
}

// hold keeps back the calls that would meet the same refusal. A lock concerns
// one record only.
func (c *client) hold(op operation, e *sync.Error) {
	var api *APIError
	if !errors.As(e, &api) || api.Status == http.StatusLocked {
		return
	}
	c.log.Warn("hubspot: calls are held back", "operation", string(op), "status", api.Status, "policy", api.Policy, "until", e.RetryAt)
	if op == opSearch && !strings.Contains(api.Policy, "DAILY") && !strings.Contains(api.Policy, "TEN_") && api.rateLimited() {
		c.search.Pause(e.RetryAt)
		return
	}
	c.burst.Pause(e.RetryAt)
}

// observe learns the quota and the clock from an answer's headers. Source:
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
func (c *client) observe(res *httpx.Response) {
	quota, _ := strconv.Atoi(res.Header.Get("X-HubSpot-RateLimit-Max"))
	interval, _ := strconv.Atoi(res.Header.Get("X-HubSpot-RateLimit-Interval-Milliseconds"))
	if quota > 0 && quota < 1_000_000 && interval >= 100 && interval <= 3_600_000 {
		window := time.Duration(interval) * time.Millisecond
		c.burst.Resize(share(quota), window)
		if res.Header.Get("X-HubSpot-RateLimit-Remaining") == "0" {
			c.burst.Pause(time.Now().Add(window / 10))
		}
	}
	if d, ok := res.Skew(time.Now()); ok {
		bound := d.Abs() + res.Duration
		// An old bound fades: each answer takes an eighth of it.
		c.skew.Store(int64(max(bound, time.Duration(c.skew.Load()/8*7))))
	}
}
