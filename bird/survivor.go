package bird

import (
	"context"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// survivor returns the contact into which one that is gone was merged, with
// the id asked for among its aliases, or else a record that is deleted. The
// other system's id decides alone; other evidence must point to one contact.
func (a *Adapter) survivor(ctx context.Context, id string) (sync.Record, error) {
	gone := sync.Record{Ref: ref(id), Deleted: true}
	was := a.seen.last(id)
	if was == nil {
		return gone, nil
	}
	holders := map[string]sync.Record{}
	for _, i := range was.evidence(a.opts.ExternalIDKey) {
		found, err := a.search(ctx, i)
		if err != nil {
			return sync.Record{}, err
		}
		for _, r := range found {
			if r.ID != id {
				holders[r.ID] = r
			}
		}
		if i.Key == a.opts.ExternalIDKey && len(holders) > 0 {
			break
		}
	}
	if len(holders) != 1 {
		return gone, nil
	}
	for _, r := range holders {
		gone = r
	}
	gone.Aliases = []string{id}
	return gone, nil
}

// mostEvidence bounds the searches for one survivor.
const mostEvidence = 10

// evidence returns the identifiers by which to look for a contact: the other
// system's id first, then e-mails and phones, then all others.
func (c *contact) evidence(externalIDKey string) []identifier {
	keys := []string{externalIDKey, emailKey, phoneKey}
	for _, i := range c.FeaturedIdentifiers {
		if !slices.Contains(keys, i.Key) {
			keys = append(keys, i.Key)
		}
	}
	var all []identifier
	for _, key := range keys {
		for _, v := range c.identifiers(key) {
			if key == phoneKey {
				v = international(v)
			}
			all = append(all, identifier{Key: key, Value: v})
		}
	}
	return all[:min(len(all), mostEvidence)]
}
