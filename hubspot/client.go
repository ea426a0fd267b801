package hubspot

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
	"golang.org/x/sync/semaphore"
)

// callTimeout bounds one attempt; HubSpot itself gives up after 100 seconds.
const callTimeout = 30 * time.Second

// requestID is the header with HubSpot's name for a call.
const requestID = "X-HubSpot-Correlation-Id"

// client makes calls within the account's quotas.
type client struct {
	http    httpx.Client
	tokens  TokenSource
	version string
	burst   *ratelimit.Bucket // all calls
	search  *ratelimit.Bucket // searches besides
	slots   *semaphore.Weighted
	faults  atomic.Int64 // passing faults in a row
	skew    atomic.Int64
	log     *slog.Logger
}

func newClient(tokens TokenSource, o Options) *client {
	return &client{
		http: httpx.Client{
			Base:      o.BaseURL,
			HTTP:      o.HTTPClient,
			RequestID: requestID,
		},
		tokens:  tokens,
		version: o.APIVersion,
		burst:   ratelimit.NewBucket(share(o.RatePer10s), 10*time.Second),
		search:  ratelimit.NewBucket(o.SearchPerSecond, time.Second),
		slots:   semaphore.NewWeighted(int64(o.Concurrency)),
		log:     o.Logger,
	}
}

// call makes one call and returns HubSpot's name for it. A quota or a lock
// that ends within the patience is waited for.
func (c *client) call(ctx context.Context, op operation, at target, in, out any) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		if err := c.admit(ctx, op); err != nil {
			return "", err
		}
		res, err := c.send(ctx, op, at, in, out)
		if res != nil {
			c.observe(res)
		}
		switch {
		case err != nil && ctx.Err() != nil:
			return "", ctx.Err()
		case isClassified(err): // there was no token to call with
			return "", err
		case err != nil:
			c.falter()
			return "", faultError(op.String(), err)
		case res.OK():
			c.faults.Store(0)
			return res.RequestID, nil
		}
		failure := callError(op.String(), res, time.Now())
		if !failure.Existing.Zero() {
			failure.Existing.Kind = kindOf(at.object)
		}
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

// send makes one attempt, for which a slot is held, and another if the token
// had expired.
func (c *client) send(ctx context.Context, op operation, at target, in, out any) (*httpx.Response, error) {
	defer c.slots.Release(1)
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for again := false; ; again = true {
		token, err := c.tokens.Token(ctx)
		if err != nil {
			return nil, tokenError(err)
		}
		api := c.http
		api.Authorize = bearer(token)
		res, err := api.Do(ctx, pathTable[op].method, op.path(c.version, at), at.query, in, out)
		if again || !outdated(res) || !c.renew(token) {
			return res, err
		}
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
