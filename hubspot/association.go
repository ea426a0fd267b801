package hubspot

import (
	"context"
	"slices"

	"github.com/urbanhub/crmsync/sync"
)

// most are the most inputs of the calls about associations. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
var most = map[operation]int{opAssociations: 1000, opAssociate: 2000, opDissociate: 100, opUnlabel: 100}

// associated is the other end of an association of a record being created.
type associated struct {
	To    objectID          `json:"to"`
	Types []associationType `json:"types"`
}

type objectID struct {
	ID string `json:"id"`
}

type associationType struct {
	Category string `json:"associationCategory"`
	ID       int    `json:"associationTypeId"`
}

// pair is an association to be made, or labels to be taken away.
type pair struct {
	From  objectID          `json:"from"`
	To    objectID          `json:"to"`
	Types []associationType `json:"types"`
}

type pairsRequest = inputs[pair]

// associated are the other ends in the form of a record being created.
func (t *objectType) associated(related []sync.Ref) []associated {
	ends := make([]associated, len(related))
	for i, r := range related {
		ends[i] = associated{objectID{r.ID}, t.association(r.Kind)}
	}
	return ends
}

// association is the type of an unlabelled association with records of a kind.
func (t *objectType) association(kind sync.Kind) []associationType {
	return []associationType{{"HUBSPOT_DEFINED", t.associations[kind]}}
}

// unknownRelated are the records to be associated with that the error says
// HubSpot does not have.
func (p *pending) unknownRelated(err error) []sync.Ref {
	var unknown []sync.Ref
	ids := unknownIDs(err)
	for _, r := range p.write.Related {
		if slices.Contains(ids, r.ID) {
			unknown = append(unknown, r)
		}
	}
	return unknown
}

// failRelated fails the new records that were to be associated with what the
// error says HubSpot does not have, and reports whether there are any.
func (b *batch) failRelated(ps []*pending, err error) bool {
	if b.op != opCreate {
		return false
	}
	some := false
	for _, p := range ps {
		if len(p.unknownRelated(err)) > 0 {
			b.fail(p, err)
			some = true
		}
	}
	return some
}

// A link is an association to be made or labels to be taken away, wanted by a
// caller or by one or more writes.
type link struct {
	from, to sync.Ref
	types    []associationType
	wanted   []*pending
	err      error
}

// relate associates the records that were written. Those that were created are
// associated already.
func (b *batch) relate(ctx context.Context, ps []*pending) {
	if b.op != opCreate {
		b.link(ctx, opAssociate, b.linksOf(ps))
	}
}

// linksOf gathers what the successful writes want, each association once.
func (b *batch) linksOf(ps []*pending) []*link {
	var links []*link
	known := map[[2]sync.Ref]*link{}
	for _, p := range ps {
		if p.result.Err != nil {
			continue
		}
		for _, to := range p.write.Related {
			ends := [2]sync.Ref{p.result.Record.Ref, to}
			if known[ends] == nil {
				known[ends] = &link{from: ends[0], to: to, types: b.association(to.Kind)}
				links = append(links, known[ends])
			}
			known[ends].wanted = append(known[ends].wanted, p)
		}
	}
	return links
}

// link carries out links from records of the collection, by one call for each
// kind at the other end.
func (c *collection) link(ctx context.Context, op operation, links []*link) {
	byKind := map[sync.Kind][]*link{}
	for _, l := range links {
		byKind[l.to.Kind] = append(byKind[l.to.Kind], l)
	}
	for kind, links := range byKind {
		for chunk := range slices.Chunk(links, most[op]) {
			t := trial[*link]{
				send: func(links []*link) error { return c.sendLinks(ctx, op, kind, links) },
				fail: (*link).fail,
			}
			t.run(chunk)
		}
	}
}

// fail tells those who want the link that there is none: about the other
// record if HubSpot does not have it.
func (l *link) fail(err error) {
	if e := asError(err); e != nil {
		own := *e
		own.Ref = l.from
		if slices.Contains(unknownIDs(err), l.to.ID) {
			own.Ref = l.to
		}
		err = &own
	}
	l.err = err
	for _, p := range l.wanted {
		p.result.Err = err
	}
}

// sendLinks makes one call for the links to records of a kind. A link that the
// answer blames fails by itself; an error that blames none is returned.
func (c *collection) sendLinks(ctx context.Context, op operation, kind sync.Kind, links []*link) error {
	req := pairsRequest{Inputs: make([]pair, len(links))}
	for i, l := range links {
		req.Inputs[i] = pair{objectID{l.from.ID}, objectID{l.to.ID}, l.types}
	}
	var reply struct {
		Errors []errorBody `json:"errors"`
	}
	call, err := c.client.call(ctx, op, c.toward(kind), req, &reply)
	if err != nil {
		return err
	}
	for i := range reply.Errors {
		inner := c.inner(op, &reply.Errors[i], call)
		blamed := blamedLinks(links, reply.Errors[i].Context, unknownIDs(inner))
		if len(blamed) == 0 {
			return inner
		}
		for _, l := range blamed {
			l.fail(inner)
		}
	}
	return nil
}

// blamedLinks returns the links that an error names: by both ends, or by a
// record that HubSpot does not have.
func blamedLinks(links []*link, at contextMap, unknown []string) []*link {
	var blamed []*link
	for _, l := range links {
		both := slices.Contains(at["fromObjectId"], l.from.ID) && slices.Contains(at["toObjectId"], l.to.ID)
		if both || slices.Contains(unknown, l.from.ID) || slices.Contains(unknown, l.to.ID) {
			blamed = append(blamed, l)
		}
	}
	return blamed
}
