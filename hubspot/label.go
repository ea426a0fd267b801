package hubspot

import (
	"context"
	"fmt"

	"github.com/urbanhub/crmsync/internal/microbatch"
	"github.com/urbanhub/crmsync/sync"
)

// A Label is what an association says of two records, such as that the one is
// the other's decision maker.
type Label struct {
	// Category is HUBSPOT_DEFINED, USER_DEFINED (a label that the account's
	// people made) or INTEGRATOR_DEFINED.
	Category string `json:"category"`
	// TypeID is the label's number in this direction; the other one has
	// another.
	TypeID int `json:"typeId"`
	// Name is what people see. It is "" for the label that says only that
	// two records belong together, and need not be given.
	Name string `json:"label"`
}

// An Association joins two records.
type Association struct {
	From, To sync.Ref
	// Labels are what it says, read from From to To.
	Labels []Label
}

// key names the two records.
func (x Association) key() string {
	return fmt.Sprint(x.From.Kind, x.From.ID, x.To.Kind, x.To.ID)
}

// Labels returns the labels that associations from records of one kind to those
// of another can have, the plain one without a name included. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/association-schema/guide
func (a *Adapter) Labels(ctx context.Context, from, to sync.Kind) ([]Label, error) {
	c, err := a.of(opLabels.String(), from)
	if err == nil {
		_, err = a.of(opLabels.String(), to)
	}
	if err != nil {
		return nil, err
	}
	var reply struct {
		Results []Label `json:"results"`
	}
	_, err = a.client.call(ctx, opLabels, c.toward(to), nil, &reply)
	return reply.Results, err
}

// Relate associates records, with labels besides those that they have; without
// labels it says only that they belong together. It returns an error for each
// association, nil for one that is there now: a NotFound names the record that
// HubSpot does not have. All that call at the same time share calls of up to
// 2,000 associations. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (a *Adapter) Relate(ctx context.Context, associations ...Association) []error {
	return a.eachLink(ctx, opAssociate, associations)
}

// Unlabel takes labels away and leaves the records associated. It returns an
// error for each association, nil for one that has none of the labels now. The
// plain label cannot be taken away alone: with it go all, as by
// [Adapter.Unrelate]. All that call at the same time share calls of up to 100
// associations. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
func (a *Adapter) Unlabel(ctx context.Context, associations ...Association) []error {
	return a.eachLink(ctx, opUnlabel, associations)
}

// newLinks returns a batcher for each operation on associations. The same two
// records are never twice in a call.
func newLinks(a *Adapter) map[operation]*microbatch.Batcher[Association, error] {
	links := map[operation]*microbatch.Batcher[Association, error]{}
	for _, op := range []operation{opAssociate, opUnlabel} {
		links[op] = gathered(a, microbatch.Config[Association, error]{Max: most[op], Key: Association.key, Run: a.linkBatch(op)})
	}
	return links
}

// eachLink hands what HubSpot would understand to the operation's batcher.
func (a *Adapter) eachLink(ctx context.Context, op operation, all []Association) []error {
	errs := make([]error, len(all))
	var good []Association
	var places []int
	for i, x := range all {
		if errs[i] = x.check(op); errs[i] == nil {
			good, places = append(good, x), append(places, i)
		}
	}
	got, failed := a.links[op].Each(ctx, good...)
	for n, i := range places {
		if errs[i] = got[n]; failed[n] != nil {
			errs[i] = about(all[i].From, failed[n])
		}
	}
	return errs
}

// linkBatch returns the function that carries out a batch of associations, one
// call for each two kinds.
func (a *Adapter) linkBatch(op operation) func(context.Context, []Association) ([]error, error) {
	return func(ctx context.Context, all []Association) ([]error, error) {
		links := make([]*link, len(all))
		byKind := map[sync.Kind][]*link{}
		for i, x := range all {
			links[i] = &link{from: x.From, to: x.To, types: x.types()}
			byKind[x.From.Kind] = append(byKind[x.From.Kind], links[i])
		}
		for kind, links := range byKind {
			a.collections[kind].link(ctx, op, links)
		}
		errs := make([]error, len(all))
		for i, l := range links {
			errs[i] = l.err
		}
		return errs, nil
	}
}

// types are the labels on the wire, the plain one when there are none.
func (x Association) types() []associationType {
	if len(x.Labels) == 0 {
		return objectTypes[x.From.Kind].association(x.To.Kind)
	}
	types := make([]associationType, len(x.Labels))
	for i, l := range x.Labels {
		types[i] = associationType{l.Category, l.TypeID}
	}
	return types
}

// check refuses what HubSpot would not understand.
func (x Association) check(op operation) error {
	invalid := func(rule, hint string) error {
		return &sync.Error{Op: op.String(), Action: sync.Invalid, Ref: x.From, Rule: rule, Hint: hint}
	}
	if err := checkEnds(op.String(), x.From, x.To); err != nil {
		return err
	}
	if op == opUnlabel && len(x.Labels) == 0 {
		return invalid("label.given", "say which labels to take away")
	}
	for _, l := range x.Labels {
		if l.Category == "" || l.TypeID <= 0 {
			return invalid("label.form", "a label is a category and a number, as Labels tells them")
		}
	}
	return nil
}

// checkEnds refuses what cannot be the two ends of an association.
func checkEnds(op string, from, to sync.Ref) error {
	if err := kindError(op, from.Kind); err != nil {
		return err
	}
	if !validID(from.ID) {
		return &sync.Error{Op: op, Action: sync.Invalid, Ref: from, Rule: "id.numeric", Hint: "HubSpot's record ids are numbers"}
	}
	return objectTypes[from.Kind].joinable(op, to)
}

// joinable refuses what records of the type cannot be associated with.
func (t *objectType) joinable(op string, to sync.Ref) error {
	if t.associations[to.Kind] != 0 && validID(to.ID) {
		return nil
	}
	return &sync.Error{Op: op, Action: sync.Invalid, Ref: to, Rule: "association.known",
		Hint: "HubSpot associates records of these kinds with no such record"}
}
