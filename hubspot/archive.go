package hubspot

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"github.com/urbanhub/crmsync/sync"
	"golang.org/x/sync/errgroup"
)

// archiveBatch archives one batch of ids. What is gone already is as it should
// be. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (c *collection) archiveBatch(ctx context.Context, ids []string) ([]error, error) {
	failed := map[string]error{}
	t := trial[string]{
		send: func(ids []string) error { return c.archiveAll(ctx, ids) },
		fail: func(id string, err error) { failed[id] = err },
	}
	t.run(ids)
	c.unlessGone(ctx, failed)
	errs := make([]error, len(ids))
	for i, id := range ids {
		errs[i] = failed[id]
	}
	return errs, nil
}

func (c *collection) archiveAll(ctx context.Context, ids []string) error {
	req := batchWrite{Inputs: make([]input, len(ids))}
	for i, id := range ids {
		req.Inputs[i].ID = id
	}
	_, err := c.client.call(ctx, opArchive, c.target(), req, nil)
	return err
}

// unlessGone makes the errors of removals those of their records, and takes out
// those of records that are gone. A 404 that does not say so may be a gateway's
// or a wrong path's: the records are read, and what is not certain stays an
// error, because a removal is confirmed to people.
func (c *collection) unlessGone(ctx context.Context, failed map[string]error) {
	var unsure []string
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		err := about(c.ref(id), failed[id])
		failed[id] = err
		var api *APIError
		switch {
		case sync.ActionOf(err) == sync.NotFound:
			delete(failed, id)
		case errors.As(err, &api) && api.Status == http.StatusNotFound:
			unsure = append(unsure, id)
		}
	}
	if len(unsure) == 0 {
		return
	}
	records, err := c.readBatch(ctx, unsure)
	if err != nil {
		return
	}
	for i, id := range unsure {
		if records[i].Deleted {
			delete(failed, id)
		}
	}
}

// Erase implements [sync.Eraser]. Contacts are deleted for good, as privacy
// laws ask: HubSpot forgets them within 30 days and does not let their
// addresses be imported again. Of other kinds HubSpot offers no such deletion;
// they are archived, and gone after 90 days. Sources:
// https://knowledge.hubspot.com/privacy-and-consent/how-do-i-perform-a-gdpr-delete-in-hubspot
// and https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (a *Adapter) Erase(ctx context.Context, kind sync.Kind, ids []string) ([]error, error) {
	c, err := a.of(opErase.String(), kind)
	if err != nil {
		return nil, err
	}
	if kind != Contact {
		return c.eraseByArchive(ctx, ids)
	}
	errs := make([]error, len(ids))
	var g errgroup.Group
	g.SetLimit(4)
	for i, id := range ids {
		if validID(id) {
			g.Go(func() error { errs[i] = c.erase(ctx, id); return nil })
		}
	}
	_ = g.Wait() // each id has an error of its own
	return errs, ctx.Err()
}

// eraseRequest names the record to forget.
type eraseRequest struct {
	ObjectID string `json:"objectId"`
}

func (c *collection) erase(ctx context.Context, id string) error {
	_, err := c.client.call(ctx, opErase, c.target(), eraseRequest{id}, nil)
	if err == nil {
		return nil
	}
	failed := map[string]error{id: err}
	c.unlessGone(ctx, failed)
	return failed[id]
}

// eraseByArchive archives the records; an id that HubSpot cannot have is gone.
func (c *collection) eraseByArchive(ctx context.Context, ids []string) ([]error, error) {
	errs := make([]error, len(ids))
	var ask []string
	var places []int
	for i, id := range ids {
		if validID(id) {
			ask, places = append(ask, id), append(places, i)
		}
	}
	got, failed := c.archives.Each(ctx, ask...)
	for n, i := range places {
		errs[i] = cmp.Or(got[n], about(c.ref(ids[i]), failed[n]))
	}
	return errs, nil
}
