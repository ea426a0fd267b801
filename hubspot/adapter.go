package hubspot

import (
	"context"
	"errors"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// An Adapter reads and writes the records of one HubSpot account. It gathers
// the calls of concurrent callers into batches and keeps within the account's
// quotas, so use one Adapter per account. Methods may be called concurrently.
type Adapter struct {
	client      *client
	opts        Options
	collections map[sync.Kind]*collection
	events      *eventSender
	links       map[operation]*microbatch.Batcher[Association, error]
	degraded    degraded
	splits      splits
}

var (
	_ sync.Source    = (*Adapter)(nil)
	_ sync.Sink      = (*Adapter)(nil)
	_ sync.Matcher   = (*Adapter)(nil)
	_ sync.Historian = (*Adapter)(nil)
	_ sync.Skewer    = (*Adapter)(nil)
	_ sync.Projector = (*Adapter)(nil)
	_ sync.Degrader  = (*Adapter)(nil)
	_ sync.Lister    = (*Adapter)(nil)
	_ sync.Counter   = (*Adapter)(nil)
	_ sync.Coster    = (*Adapter)(nil)
	_ sync.Eraser    = (*Adapter)(nil)
)

// New returns an adapter whose calls carry the tokens of the source, such as
// [Static]. It calls nobody. The error is a [*sync.Error] that names the wrong
// option.
func New(tokens TokenSource, opts *Options) (*Adapter, error) {
	if err := checkTokens(tokens); err != nil {
		return nil, err
	}
	o, err := opts.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Adapter{client: newClient(tokens, o), opts: o, collections: map[sync.Kind]*collection{}}
	for kind, t := range objectTypes {
		a.collections[kind] = newCollection(a, t)
	}
	a.events = newEventSender(a)
	a.links = newLinks(a)
	return a, nil
}

// patient is how long an item waits for the batch before its own to come back.
// While calls are scarce or slow, batches so fill up instead of queueing half
// empty for the quota; a call that hangs holds the next one up no longer.
const patient = time.Second

// gathered returns a batcher that fills up while it waits for the quota.
func gathered[In, Out any](a *Adapter, cfg microbatch.Config[In, Out]) *microbatch.Batcher[In, Out] {
	if cfg.Max == 0 {
		cfg.Max = maxBatch
	}
	if cfg.Admit == nil {
		cfg.Admit = a.client.quota.leave("batch")
	}
	if cfg.InFlight == 0 {
		cfg.InFlight = a.opts.Concurrency // slow calls, too, must use the whole quota
	}
	cfg.Linger, cfg.Patience, cfg.Pace = a.opts.Linger, patient, a.client.quota.pace
	return microbatch.New(cfg)
}

// of returns the collection of a kind.
func (a *Adapter) of(op string, kind sync.Kind) (*collection, error) {
	return a.collections[kind], kindError(op, kind)
}

// Close sends what still waits for a batch, refuses further calls, and returns
// when every batch and token call has ended or the context has. It need not be
// called: an idle adapter runs nothing.
func (a *Adapter) Close(ctx context.Context) error {
	errs := []error{a.events.batch.Close(ctx)}
	for _, c := range a.collections {
		errs = append(errs, c.close(ctx))
	}
	for _, l := range a.links {
		errs = append(errs, l.Close(ctx))
	}
	return errors.Join(append(errs, settled(ctx, a.client.tokens))...)
}

// Projection implements [sync.Projector].
func (a *Adapter) Projection(kind sync.Kind) []string {
	if c := a.collections[kind]; c != nil {
		return c.properties
	}
	return nil
}

// Skew implements [sync.Skewer]: the bound measured from the Date headers of
// recent answers, at least that header's resolution of a second.
func (a *Adapter) Skew() time.Duration {
	return time.Second + time.Duration(a.client.skew.Load())
}
