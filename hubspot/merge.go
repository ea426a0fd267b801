package hubspot

import (
	"context"

	"github.com/urbanhub/crmsync/sync"
)

type mergeRequest struct {
	Primary string `json:"primaryObjectId"`
	Other   string `json:"objectIdToMerge"`
}

// Merge makes one record of two of a kind and returns it; where they differ
// the primary's values stay. It may have an id of its own, to which the ids of
// both then lead. Nothing parts them again. Source:
// https://developers.hubspot.com/changelog/updated-merge-functionality-for-contacts-and-companies
func (a *Adapter) Merge(ctx context.Context, primary, other sync.Ref) (sync.Record, error) {
	c, err := a.of(opMerge.String(), primary.Kind)
	if err != nil {
		return sync.Record{}, err
	}
	if other.Kind != primary.Kind || primary.ID == other.ID || !validID(primary.ID) || !validID(other.ID) {
		return sync.Record{}, &sync.Error{Op: opMerge.String(), Action: sync.Invalid, Ref: primary, Rule: "merge.pair",
			Hint: "merge two different records of one kind"}
	}
	var o object
	if _, err := c.client.call(ctx, opMerge, c.target(), mergeRequest{primary.ID, other.ID}, &o); err != nil {
		return sync.Record{}, about(primary, err)
	}
	// The answer holds only some properties, and not yet what HubSpot computes.
	records, err := c.read(ctx, []string{o.ID})
	if err != nil {
		return sync.Record{}, err
	}
	for _, id := range []string{primary.ID, other.ID} {
		if id != o.ID {
			records[0].Aliases = append(records[0].Aliases, id)
		}
	}
	return records[0], nil
}
