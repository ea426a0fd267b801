package hubspot

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/breaker"
	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
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
	told    func(sync.Call)
	log     *slog.Logger
}

func newClient(tokens TokenSource, o Options) *client {
	c := &client{
		http: httpx.Client{
			Base:      o.BaseURL,
			HTTP:      o.HTTPClient,
			RequestID: requestID,
		},
		tokens:  tokens,
		version: o.APIVersion,
		quota:   newQuota(o),
		told:    o.OnCall,
		log:     o.Logger,
	}
	c.breaker = breaker.New(breaker.Config{Name: string(System), Logger: o.Logger, Closed: c.quota.ramp})
	return c
}

// call makes one call and returns HubSpot's name for it. A quota or a lock
// that ends within the patience is waited for.
func (c *client) call(ctx context.Context, op operation, at target, in, out any) (string, error) {
	deadline := time.Now().Add(patience)
	for {
		id, err := c.attempt(ctx, op, at, in, out)
		e := asError(err)
		if e == nil || e.Action != sync.RetryAt || e.Rule == sync.RuleBreakerOpen {
			return id, err
		}
		if time.Now().After(deadline) || e.RetryAt.After(deadline) || sleepUntil(ctx, e.RetryAt) != nil {
			return id, err
		}
	}
}

// attempt makes a call once, when the quota has a place for it and the circuit
// of its kind is closed.
func (c *client) attempt(ctx context.Context, op operation, at target, in, out any) (string, error) {
	place, err := c.quota.admit(ctx, op)
	if err != nil {
		return "", err
	}
	leave, err := c.breaker.Enter(ctx, family(op))
	if err != nil {
		place.Return()
		return "", down(op, sync.RetryAt, err)
	}
	defer func() { _ = leave(ctx, context.Canceled) }() // when the host's code panics
	if c.quota.window(op) != c.quota.burst {
		place.Release() // the lanes' quotas are not used to the full: there a call counts from its start
	}
	id, fault, err := c.attemptNow(ctx, place, op, at, in, out)
	if isDown := leave(ctx, fault); isDown != nil {
		err = down(op, sync.Retry, isDown)
	}
	return id, err
}

// down is the error of a call that was not made, or of one that was and may
// have taken effect (Retry), because HubSpot is down.
func down(op operation, action sync.Action, err error) error {
	open, _ := errors.AsType[*breaker.OpenError](err)
	return &sync.Error{Op: op.String(), Action: action, Rule: sync.RuleBreakerOpen, RetryAt: open.Until,
		Hint: "it goes on by itself when HubSpot answers again; see its status page", Err: err}
}

// attemptNow also returns the fault if HubSpot is not at work, and
// context.Canceled if that was not found out.
func (c *client) attemptNow(ctx context.Context, place *ratelimit.Place, op operation, at target, in, out any) (id string, fault, _ error) {
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
		start := time.Now()
		res, err := api.Do(ctx, pathTable[op].method, op.path(c.version, at), at.query, in, out)
		c.tell(op, in, res, start)
		if again || !outdated(res) || !c.renew(token) {
			return res, err
		}
	}
}

// tell tells of a call that began at start; res is nil if it got no answer.
func (c *client) tell(op operation, in any, res *httpx.Response, start time.Time) {
	call := sync.Call{System: System, Operation: string(op), Duration: time.Since(start)}
	if res != nil {
		call.Status = res.Status
	}
	if many, ok := in.(interface{ records() int }); ok {
		call.Records = many.records()
	}
	c.told(call)
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
