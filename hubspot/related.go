package hubspot

import (
	"context"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// relatedAsk asks with which records of a kind one record is associated.
type relatedAsk struct {
	id   string
	kind sync.Kind
}

func (r relatedAsk) key() string { return string(r.kind) + " " + r.id }

// Related returns the records of a kind with which a record is associated, in
// the order of their ids; none for a record that does not exist. All that ask
// at the same time share calls of up to 1,000 records. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (a *Adapter) Related(ctx context.Context, ref sync.Ref, kind sync.Kind) ([]sync.Ref, error) {
	found, err := a.Associations(ctx, ref, kind)
	if err != nil || found == nil {
		return nil, err
	}
	refs := make([]sync.Ref, len(found))
	for i, x := range found {
		refs[i] = x.To
	}
	return refs, nil
}

// Associations is [Adapter.Related] with the labels.
func (a *Adapter) Associations(ctx context.Context, ref sync.Ref, kind sync.Kind) ([]Association, error) {
	c, err := a.of(opAssociations.String(), ref.Kind)
	if err == nil {
		_, err = a.of(opAssociations.String(), kind)
	}
	if err != nil || !validID(ref.ID) {
		return nil, err
	}
	got, err := c.relations.Do(ctx, relatedAsk{ref.ID, kind})
	if err != nil {
		return nil, err
	}
	found := slices.Clone(got[0]) // callers may share one answer
	for i := range found {
		found[i].Labels = slices.Clone(found[i].Labels)
	}
	return found, nil
}

// Unrelate removes every association, whatever its labels, of a record with
// these others; with those that it has none with nothing happens. Writes only
// ever add associations. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (a *Adapter) Unrelate(ctx context.Context, ref sync.Ref, others ...sync.Ref) error {
	byKind := map[sync.Kind][]objectID{}
	for _, o := range others {
		if err := checkEnds(opDissociate.String(), ref, o); err != nil {
			return err
		}
		byKind[o.Kind] = append(byKind[o.Kind], objectID{o.ID})
	}
	for kind, ends := range byKind {
		at := objectTypes[ref.Kind].toward(kind)
		for to := range slices.Chunk(ends, most[opDissociate]) {
			if _, err := a.client.call(ctx, opDissociate, at, unrelateRequest{[]relatives{{objectID{ref.ID}, to}}}, nil); err != nil {
				return about(ref, err)
			}
		}
	}
	return nil
}

type unrelateRequest = inputs[relatives]

// relatives are a record and others from which it is to be parted.
type relatives struct {
	From objectID   `json:"from"`
	To   []objectID `json:"to"`
}

// relatedBatch answers one batch of questions, one call for each kind.
func (c *collection) relatedBatch(ctx context.Context, asks []relatedAsk) ([][]Association, error) {
	ids := map[sync.Kind][]pageOf{}
	for _, ask := range asks {
		ids[ask.kind] = append(ids[ask.kind], pageOf{ID: ask.id})
	}
	related := map[relatedAsk][]Association{}
	for kind, pages := range ids {
		for len(pages) > 0 {
			reply, err := c.readRelated(ctx, kind, pages)
			if err != nil {
				return nil, err
			}
			pages = c.collect(related, kind, reply)
		}
	}
	out := make([][]Association, len(asks))
	for i, ask := range asks {
		out[i] = related[ask]
		slices.SortFunc(out[i], func(a, b Association) int { return compareIDs(a.To.ID, b.To.ID) })
	}
	return out, nil
}

// pageOf asks for a page of the associations of a record.
type pageOf struct {
	ID    string `json:"id"`
	After string `json:"after,omitempty"`
}

type relatedRequest = inputs[pageOf]

type relatedReply struct {
	Results []struct {
		From objectID `json:"from"`
		To   []struct {
			ID     id      `json:"toObjectId"`
			Labels []Label `json:"associationTypes"`
		} `json:"to"`
		Paging paging `json:"paging"`
	} `json:"results"`
	Errors []errorBody `json:"errors"`
}

// readRelated makes one call. A record without associations, or that does not
// exist, is either missing from the answer or told as an error of its own.
func (c *collection) readRelated(ctx context.Context, kind sync.Kind, pages []pageOf) (*relatedReply, error) {
	reply := &relatedReply{}
	call, err := c.client.call(ctx, opAssociations, c.toward(kind), relatedRequest{pages}, reply)
	if err != nil {
		return nil, err
	}
	for i := range reply.Errors {
		if e := c.inner(opAssociations, &reply.Errors[i], call); e.Action != sync.NotFound {
			return nil, e
		}
	}
	return reply, nil
}

// collect adds an answer to what is known and returns the pages to ask for
// next.
func (c *collection) collect(related map[relatedAsk][]Association, kind sync.Kind, reply *relatedReply) []pageOf {
	var next []pageOf
	for _, r := range reply.Results {
		ask := relatedAsk{r.From.ID, kind}
		for _, to := range r.To {
			related[ask] = append(related[ask], Association{c.ref(r.From.ID), objectTypes[kind].ref(string(to.ID)), to.Labels})
		}
		if after := r.Paging.Next.After; after != "" {
			next = append(next, pageOf{r.From.ID, after})
		}
	}
	return next
}

// compareIDs orders ids by number.
func compareIDs(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
