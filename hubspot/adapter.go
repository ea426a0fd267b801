package hubspot

import (
	"context"
	"errors"
	"time"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// An Adapter reads and writes the contacts of one HubSpot account. It gathers
// the calls of concurrent callers into batches and keeps within the account's
// quotas, so use one Adapter per account. Methods may be called concurrently.
type Adapter struct {
	client  *client
	opts    Options
	names   []string // the properties asked for in every read
	unique  map[string]bool
	reads   *microbatch.Batcher[string, sync.Record]
	times   *microbatch.Batcher[timesAsk, map[string]time.Time]
	lookups *microbatch.Batcher[lookup, found]
	phones  *microbatch.Batcher[string, []caller]
	updates *microbatch.Batcher[sync.Write, sync.Result]
	upserts *microbatch.Batcher[sync.Write, sync.Result]
}

var (
	_ sync.Source    = (*Adapter)(nil)
	_ sync.Sink      = (*Adapter)(nil)
	_ sync.Matcher   = (*Adapter)(nil)
	_ sync.Historian = (*Adapter)(nil)
	_ sync.Skewer    = (*Adapter)(nil)
	_ sync.Projector = (*Adapter)(nil)
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
	a := &Adapter{client: newClient(tokens, o), opts: o, unique: map[string]bool{}}
	a.names = readNames(o.Properties)
	for _, n := range o.Unique {
		a.unique[n] = true
	}
	a.reads = gathered(a, microbatch.Config[string, sync.Record]{Key: func(id string) string { return id }, Fold: true, Run: a.readBatch})
	a.times = gathered(a, microbatch.Config[timesAsk, map[string]time.Time]{Max: maxHistoryBatch, Key: timesAsk.key, Fold: true, Run: a.timesBatch})
	a.lookups = gathered(a, microbatch.Config[lookup, found]{Key: lookup.key, Fold: true, Run: a.lookupBatch})
	a.phones = gathered(a, microbatch.Config[string, []caller]{InFlight: 2,
		Key: func(number string) string { return number }, Fold: true, Run: a.phoneBatch})
	a.updates = gathered(a, microbatch.Config[sync.Write, sync.Result]{Key: func(w sync.Write) string { return w.Ref.ID }, Run: a.writeBatch(opUpdate)})
	a.upserts = gathered(a, microbatch.Config[sync.Write, sync.Result]{Key: upsertKey, Run: a.writeBatch(opUpsert)})
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
	cfg.Linger, cfg.Patience = a.opts.Linger, patient
	cfg.Admit, cfg.Pace = a.client.leave, a.client.pace
	return microbatch.New(cfg)
}

// readNames adds to the properties those that the adapter itself needs.
func readNames(properties []string) []string {
	var names []string
	seen := map[string]bool{sync.IDField: true}
	for _, n := range append(append([]string{}, properties...), propModified, propMerged, propEmail, propMoreEmails, "phone", "mobilephone") {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}

// Close sends what still waits for a batch, refuses further calls, and returns
// when every batch and token call has ended or the context has. It need not be called: an
// idle adapter runs nothing.
func (a *Adapter) Close(ctx context.Context) error {
	return errors.Join(a.reads.Close(ctx), a.times.Close(ctx), a.lookups.Close(ctx),
		a.phones.Close(ctx), a.updates.Close(ctx), a.upserts.Close(ctx), settled(ctx, a.client.tokens))
}

// Projection implements [sync.Projector].
func (a *Adapter) Projection(sync.Kind) []string { return a.opts.Properties }

// Skew implements [sync.Skewer]: the bound measured from the Date headers of
// recent answers, at least that header's resolution of a second.
func (a *Adapter) Skew() time.Duration {
	return time.Second + time.Duration(a.client.skew.Load())
}
