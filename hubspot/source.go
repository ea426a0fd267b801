package hubspot

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/urbanhub/crmsync/sync"
	"golang.org/x/sync/errgroup"
)

// Read implements [sync.Source] by batches of 100 ids, gathered over all
// callers. An id that is not a number, is unknown or is archived gives a
// record with Deleted set; nothing brings an archived record back through the
// API, people do so in HubSpot. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (a *Adapter) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	c, err := a.of(opRead.String(), kind)
	if err != nil {
		return nil, err
	}
	return c.read(ctx, ids)
}

func (c *collection) read(ctx context.Context, ids []string) ([]sync.Record, error) {
	records := make([]sync.Record, len(ids))
	var ask []string
	var places []int
	for i, id := range ids {
		records[i] = c.gone(id)
		if validID(id) {
			ask = append(ask, id)
			places = append(places, i)
		}
	}
	got, err := c.reads.Do(ctx, ask...)
	if err != nil {
		return nil, err
	}
	for i, rec := range got {
		// Callers may share one answer, so each has its own fields.
		rec.Fields = rec.Fields.Clone()
		if rec.Deleted {
			rec.Fields = nil
		}
		records[places[i]] = rec
	}
	return records, nil
}

// gone is what Read says of an id that leads nowhere.
func (c *collection) gone(id string) sync.Record { return sync.Record{Ref: c.ref(id), Deleted: true} }

// readBatch reads one batch of ids.
func (c *collection) readBatch(ctx context.Context, ids []string) ([]sync.Record, error) {
	objects, err := c.fetch(ctx, "", ids)
	if err != nil {
		return nil, err
	}
	records := make([]sync.Record, len(ids))
	var missing []int
	for i, id := range ids {
		if o := objects.byID[id]; o != nil {
			records[i] = c.resolved(id, o)
			continue
		}
		records[i] = c.gone(id)
		missing = append(missing, i)
	}
	return records, c.followMerges(ctx, ids, records, missing)
}

// followMerges looks at each id that a batch did not find: after a merge the
// old id leads to the surviving record only when it is read by itself. Source:
// https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
func (c *collection) followMerges(ctx context.Context, ids []string, records []sync.Record, missing []int) error {
	if !slices.Contains(c.always, propMerged) {
		return nil // such records are never merged
	}
	survivors := make([]string, len(missing))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for n, i := range missing {
		g.Go(func() (err error) {
			survivors[n], err = c.survivor(gctx, ids[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	ask := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(survivors))), func(id string) bool { return id == "" })
	if len(ask) == 0 {
		return nil
	}
	objects, err := c.fetch(ctx, "", ask)
	if err != nil {
		return err
	}
	for n, i := range missing {
		if o := objects.byID[survivors[n]]; o != nil {
			records[i] = c.resolved(ids[i], o)
		}
	}
	return nil
}

// survivor returns the id of the record that an id leads to, "" for none.
func (c *collection) survivor(ctx context.Context, id string) (string, error) {
	var o object
	_, err := c.client.call(ctx, opGet, target{object: c.plural, id: id}, nil, &o)
	var api *APIError
	if errors.As(err, &api) && api.Status == http.StatusNotFound {
		return "", nil
	}
	return o.ID, err
}

// resolved is the record that an id led to.
func (c *collection) resolved(id string, o *object) sync.Record {
	rec := o.record(c.kind, c.properties)
	if o.ID != id {
		rec.Aliases = []string{id}
	}
	return rec
}

// objects are records by every id that leads to them.
type objects struct {
	list []object
	byID map[string]*object
}

// fetch reads a batch by id, or by a unique property. What does not exist is
// simply absent.
func (c *collection) fetch(ctx context.Context, property string, values []string) (objects, error) {
	names := c.names
	if property != "" {
		names = c.readNames(append([]string{property}, c.properties...))
	}
	req := batchRead{Properties: names, IDProperty: property, Inputs: make([]input, len(values))}
	for i, v := range values {
		req.Inputs[i].ID = v
	}
	var reply batchReply
	call, err := c.client.call(ctx, opRead, c.target(), req, &reply)
	if err != nil {
		return objects{}, err
	}
	for _, e := range reply.Errors {
		if api := e.apiError(0); api.Category != "OBJECT_NOT_FOUND" {
			api.CorrelationID = or(api.CorrelationID, call)
			return objects{}, classify(opRead.String(), c.kind, api)
		}
	}
	return index(reply.Results), c.attest(ctx, reply.Results)
}

func index(list []object) objects {
	found := objects{list: list, byID: make(map[string]*object, len(list))}
	for i := range list {
		o := &list[i]
		for _, old := range o.merged() {
			if found.byID[old] == nil {
				found.byID[old] = o
			}
		}
	}
	for i := range list {
		found.byID[list[i].ID] = &list[i]
	}
	return found
}
