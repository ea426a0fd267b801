package hubspot

import (
	"context"
	"errors"
	"slices"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// A collection is the records of one kind as the adapter deals with them, with
// a place where calls are gathered for each operation.
type collection struct {
	*objectType
	client     *client
	region     string
	properties []string // what is told of a record
	names      []string // what is read of it
	unique     []string
	degraded   *degraded
	vouched    vouched
	splits     *splits

	reads     *microbatch.Batcher[string, sync.Record]
	pasts     *microbatch.Batcher[pastAsk, past]
	lookups   *microbatch.Batcher[lookup, found]
	phones    *microbatch.Batcher[string, []caller]
	creates   *microbatch.Batcher[sync.Write, sync.Result]
	updates   *microbatch.Batcher[sync.Write, sync.Result]
	upserts   *microbatch.Batcher[sync.Write, sync.Result]
	archives  *microbatch.Batcher[string, error]
	relations *microbatch.Batcher[relatedAsk, []Association]
}

// newCollection starts nothing.
func newCollection(a *Adapter, t *objectType) *collection {
	own := a.opts.Objects[t.kind]
	c := &collection{objectType: t, client: a.client, region: a.opts.Region, degraded: &a.degraded, splits: &a.splits,
		properties: own.Properties, unique: own.Unique}
	if len(c.properties) == 0 {
		c.properties = t.defaults
	}
	if c.unique == nil {
		c.unique = t.unique
	}
	c.names = c.readNames(c.properties)
	itself := func(s string) string { return s }
	c.reads = gathered(a, microbatch.Config[string, sync.Record]{Key: itself, Fold: true, Run: c.readBatch})
	c.pasts = gathered(a, microbatch.Config[pastAsk, past]{Max: maxHistoryBatch, Key: pastAsk.key, Fold: true, Run: c.pastBatch})
	c.lookups = gathered(a, microbatch.Config[lookup, found]{Key: lookup.key, Fold: true, Run: c.lookupBatch})
	c.phones = gathered(a, microbatch.Config[string, []caller]{InFlight: 2, Admit: a.client.quota.leave(opSearch), Key: itself, Fold: true, Run: c.phoneBatch})
	c.creates = gathered(a, microbatch.Config[sync.Write, sync.Result]{Run: c.writeBatch(opCreate)})
	c.updates = gathered(a, microbatch.Config[sync.Write, sync.Result]{Key: func(w sync.Write) string { return w.Ref.ID }, Run: c.writeBatch(opUpdate)})
	c.upserts = gathered(a, microbatch.Config[sync.Write, sync.Result]{Key: upsertKey, Run: c.writeBatch(opUpsert)})
	c.archives = gathered(a, microbatch.Config[string, error]{Key: itself, Fold: true, Run: c.archiveBatch})
	c.relations = gathered(a, microbatch.Config[relatedAsk, []Association]{Max: most[opAssociations], Key: relatedAsk.key, Fold: true, Run: c.relatedBatch})
	return c
}

// readNames adds to the properties those that the adapter itself needs.
func (c *collection) readNames(properties []string) []string {
	var names []string
	seen := map[string]bool{sync.IDField: true}
	for _, n := range slices.Concat(properties, []string{c.modified}, c.always) {
		if !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return names
}

// close ends the gathering.
func (c *collection) close(ctx context.Context) error {
	return errors.Join(c.reads.Close(ctx), c.pasts.Close(ctx), c.lookups.Close(ctx), c.phones.Close(ctx),
		c.creates.Close(ctx), c.updates.Close(ctx), c.upserts.Close(ctx), c.archives.Close(ctx), c.relations.Close(ctx))
}
