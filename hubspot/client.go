package hubspot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
	"golang.org/x/sync/semaphore"
)

// An operation is one of the calls that the adapter makes.
type operation string

const (
	opRead   operation = "batch read"
	opUpdate operation = "batch update"
	opUpsert operation = "batch upsert"
	opSearch operation = "search"
	opGet    operation = "read one"
)

// pathTable holds each operation's path for the legacy and the dated family of
// versions. The place of the version differs between APIs, so paths are data.
// Source: https://developers.hubspot.com/docs/api-reference/legacy/migration-guide
var pathTable = map[operation]struct{ legacy, dated string }{
	opRead:   {"/crm/v3/objects/contacts/batch/read", "/crm/objects/{version}/contacts/batch/read"},
	opUpdate: {"/crm/v3/objects/contacts/batch/update", "/crm/objects/{version}/contacts/batch/update"},
	opUpsert: {"/crm/v3/objects/contacts/batch/upsert", "/crm/objects/{version}/contacts/batch/upsert"},
	opSearch: {"/crm/v3/objects/contacts/search", "/crm/objects/{version}/contacts/search"},
	opGet:    {"/crm/v3/objects/contacts/", "/crm/objects/{version}/contacts/"},
}

func (op operation) path(version string) string {
	if version == "v3" {
		return pathTable[op].legacy
	}
	return strings.Replace(pathTable[op].dated, "{version}", version, 1)
}

// String names the operation in errors and logs.
func (op operation) String() string { return "hubspot: " + string(op) }

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

// callTimeout bounds one attempt; HubSpot itself gives up after 100 seconds.
const callTimeout = 30 * time.Second

// client makes calls within the account's quotas.
type client struct {
	http    httpx.Client
	version string
	burst   *ratelimit.Bucket // all calls
	search  *ratelimit.Bucket // searches besides
	slots   *semaphore.Weighted
	faults  atomic.Int64 // passing faults in a row
	skew    atomic.Int64
	log     *slog.Logger
}

func newClient(token string, o Options) *client {
	return &client{
		http: httpx.Client{
			Base:      o.BaseURL,
			HTTP:      o.HTTPClient,
			Authorize: func(h http.Header) { h.Set("Authorization", "Bearer "+token) },
			RequestID: "X-HubSpot-Correlation-Id",
		},
		version: o.APIVersion,
		burst:   ratelimit.NewBucket(share(o.RatePer10s), 10*time.Second),
		search:  ratelimit.NewBucket(o.SearchPerSecond, time.Second),
		slots:   semaphore.NewWeighted(int64(o.Concurrency)),
		log:     o.Logger,
	}
}

// share is the part of a quota to use: nine tenths, because another program
// may use the same token and clocks differ.
func share(quota int) int { return max(quota*9/10, 1) }

// call makes one call and returns HubSpot's name for it. A quota or a lock
// that ends within the patience is waited for.
func (c *client) call(ctx context.Context, op operation, method, tail string, in, out any) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		if err := c.admit(ctx, op); err != nil {
			return "", err
		}
		res, err := c.send(ctx, method, op.path(c.version)+tail, in, out)
		if res != nil {
			c.observe(res)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return "", ctx.Err()
		case err != nil:
			c.falter()
			return "", faultError(op.String(), err)
		case res.OK():
			c.faults.Store(0)
			return res.RequestID, nil
		}
		failure := callError(op.String(), res, time.Now())
		if failure.Action == sync.Retry {
			c.falter()
		} else {
			c.faults.Store(0) // HubSpot works, whatever it refuses
		}
		if failure.Action != sync.RetryAt {
			return res.RequestID, failure
		}
		c.hold(op, failure)
		if failure.RetryAt.After(deadline) || sleepUntil(ctx, failure.RetryAt) != nil {
			return res.RequestID, failure
		}
	}
}

// falter holds all calls back for a moment after a passing fault, longer with
// each in a row, so that an outage is asked after by one batch and not by
// every record's retry.
func (c *client) falter() {
	n := min(c.faults.Add(1), 6)
	c.burst.Pause(time.Now().Add(falterWait << (n - 1)))
}

// send makes one attempt, for which a slot is held.
func (c *client) send(ctx context.Context, method, path string, in, out any) (*httpx.Response, error) {
	defer c.slots.Release(1)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.http.Do(ctx, method, path, nil, in, out)
}

func (c *client) post(ctx context.Context, op operation, in, out any) (string, error) {
	return c.call(ctx, op, http.MethodPost, "", in, out)
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

func sleepUntil(ctx context.Context, at time.Time) error {
	t := time.NewTimer(time.Until(at))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
