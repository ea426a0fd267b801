package hubspot

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/breaker"
	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
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
	quota   *quota
	breaker *breaker.Breaker
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
		quota:   newQuota(o),
		breaker: breaker.New(breaker.Config{Name: string(System), Logger: o.Logger}),
		log:     o.Logger,
	}
}

// call makes one call and returns HubSpot's name for it. A quota or a lock
// that ends within the patience is waited for.
func (c *client) call(ctx context.Context, op operation, at target, in, out any) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		id, err := c.attempt(ctx, op, at, in, out)
		e := asError(err)
		if e == nil || e.Action != sync.RetryAt || e.Rule == "breaker.open" || e.RetryAt.After(deadline) || sleepUntil(ctx, e.RetryAt) != nil {
			return id, err
		}
	}
}

// attempt makes a call once, when the circuit of its kind is closed and the
// quota has a place for it.
func (c *client) attempt(ctx context.Context, op operation, at target, in, out any) (string, error) {
	leave, err := c.breaker.Enter(family(op))
	if open, down := errors.AsType[*breaker.OpenError](err); down {
		return "", &sync.Error{Op: op.String(), Action: sync.RetryAt, Rule: "breaker.open", RetryAt: open.Until,
			Hint: "it goes on by itself when HubSpot answers again; see its status page", Err: err}
	}
	id, fault, err := c.attemptNow(ctx, op, at, in, out)
	leave(fault)
	return id, err
}

// attemptNow also returns the fault if HubSpot is not at work, and
// context.Canceled if that was not found out.
func (c *client) attemptNow(ctx context.Context, op operation, at target, in, out any) (id string, fault, _ error) {
	place, err := c.quota.admit(ctx, op)
	if err != nil {
		return "", context.Canceled, err
	}
	defer place.Release()
	res, err := c.send(ctx, op, at, in, out)
	c.quota.learn(place, res)
	c.measure(res)
	switch {
	case err != nil && ctx.Err() != nil:
		return "", context.Canceled, ctx.Err()
	case asError(err) != nil: // there was no token to call with
		return "", context.Canceled, err
	case err != nil:
		c.quota.falter()
		err = faultError(op.String(), err)
		return "", err, err
	case res.OK():
		c.quota.works()
		return res.RequestID, nil, nil
	}
	failure := callError(op.String(), res, time.Now())
	if !failure.Existing.Zero() {
		failure.Existing.Kind = kindOf(at.object)
	}
	if failure.Action == sync.Retry {
		c.quota.falter()
		return res.RequestID, failure, failure
	}
	c.quota.works() // whatever it refuses
	if failure.Action == sync.RetryAt {
		c.quota.refused(op, place, failure)
	}
	return res.RequestID, nil, failure
}

// family names the operations that fail together: those of a quota of their
// own, and all others.
func family(op operation) string {
	if lane := lanes[op].name; lane != "" {
		return lane
	}
	return "records"
}

// measure learns the bound of the skew between the clocks.
func (c *client) measure(res *httpx.Response) {
	if res == nil {
		return
	}
	if d, ok := res.Skew(time.Now()); ok {
		bound := d.Abs() + res.Duration
		// An old bound fades: each answer takes an eighth of it.
		c.skew.Store(int64(max(bound, time.Duration(c.skew.Load()/8*7))))
	}
}

// send makes one attempt, and another if the token had expired.
func (c *client) send(ctx context.Context, op operation, at target, in, out any) (*httpx.Response, error) {
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
