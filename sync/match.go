package sync

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// match looks for the counterpart by the flow's identities.
func (r *reconciliation) match(ctx context.Context, far Side) error {
	named, err := r.named(ctx, far, r.views[r.near].Record)
	if err != nil {
		return err
	}
	if err := r.free(named); err != nil {
		r.engine.creates.inVain(r.ref)
		return err // most often the near record was created a moment ago, and its webhook overtook the commit
	}
	if named.State == Erased {
		return r.ofErased(ctx, named)
	}
	m, err := r.ask(ctx, far, r.views[r.near].Record)
	if err != nil {
		return err
	}
	if len(m.Candidates) == 0 && named.Generation > 0 && named.End(r.near).Zero() {
		return r.orphaned(ctx, far, named)
	}
	return r.take(ctx, far, m)
}

// named returns the link of the record of a side that one of the other side
// names by id, the zero Link if there is none.
func (r *reconciliation) named(ctx context.Context, side Side, rec Record) (Link, error) {
	probe, err := r.probe(side, rec)
	at := slices.IndexFunc(probe, func(k Key) bool { return k.Name == IDField })
	if err != nil || at < 0 {
		return Link{}, err
	}
	end := r.flow.End(side)
	link, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, Ref{System: end.System, Kind: end.Kind, ID: probe[at].Value.String()})
	if errors.Is(err, ErrNotFound) {
		return Link{}, nil
	}
	return link, err
}

// orphaned gives the record its place in the link of the counterpart that it
// names and that is gone by now. It was created for that one, and nobody heard
// of it: to make a counterpart for it would bring back what was deleted.
func (r *reconciliation) orphaned(ctx context.Context, far Side, link Link) error {
	rec, err := r.read(ctx, far, link.End(far))
	if err != nil {
		return err
	}
	if !rec.Deleted { // it was merged
		return r.accept(ctx, far, rec, IDField)
	}
	if err := r.takeOver(ctx, far, link, rec, IDField); err != nil {
		return err
	}
	r.views[far] = View{}
	return r.gone(ctx, far)
}

// ask asks a side which of its records is the same as one of the other side.
func (r *reconciliation) ask(ctx context.Context, side Side, rec Record) (Match, error) {
	matcher, ok := r.source(side).(Matcher)
	if !ok {
		return Match{}, nil
	}
	probe, err := r.probe(side, rec)
	if err != nil || len(probe) == 0 {
		return Match{}, err
	}
	matches, err := matcher.Match(ctx, r.flow.End(side).Kind, []Probe{probe})
	if err != nil {
		return Match{}, err
	}
	if len(matches) != 1 {
		return Match{}, &Error{Op: "match", Action: Fatal, Ref: r.ref, Rule: "source.one-per-probe",
			Hint: "this is a bug of the adapter", Err: errors.New("the source answered with another number of matches")}
	}
	return matches[0], nil
}

// probe builds the ladder of keys for a side from a record of the other one.
func (r *reconciliation) probe(side Side, rec Record) (Probe, error) {
	var probe Probe
	for i := range r.flow.Identity {
		id := &r.flow.Identity[i]
		v, err := id.lens(side.Other()).Get(rec.Fields)
		if err != nil {
			return nil, inField(err, id.Name, rec.Ref)
		}
		if v.Blank() {
			continue
		}
		raw, err := id.lens(side).Put(v, nil)
		if err != nil {
			return nil, inField(err, id.Name, rec.Ref)
		}
		name := id.lens(side).Names()[0]
		probe = append(probe, Key{Name: name, Value: raw[name]})
	}
	return probe, nil
}

// take accepts the only candidate of a match. Several candidates, or one that
// is linked to somebody else, are never guessed at: a person resolves them.
func (r *reconciliation) take(ctx context.Context, far Side, m Match) error {
	r.engine.observe(Event{Type: EventMatched, Flow: r.flow.Name, Ref: r.ref, Count: len(m.Candidates)})
	candidates, err := r.offered(ctx, m.Candidates)
	if err != nil {
		return err
	}
	switch len(candidates) {
	case 0:
		return r.byAlias(ctx)
	case 1:
		return r.accept(ctx, far, candidates[0], m.By)
	}
	refs := make([]Ref, len(candidates))
	for i := range candidates {
		refs[i] = candidates[i].Ref
	}
	slices.SortFunc(refs, func(a, b Ref) int { return strings.Compare(a.String(), b.String()) })
	return r.ambiguous(ctx, m.By, "several records match", []Ref{r.link.End(r.near)}, refs)
}

// ofErased ends the look at a record that names one who was erased. What it
// holds is theirs: it was merged with their record while that was being erased,
// or created for them.
func (r *reconciliation) ofErased(ctx context.Context, link Link) error {
	theirs := link.End(r.near)
	if theirs.Zero() {
		return r.eraseOrphan(ctx, link)
	}
	if err := r.release(ctx, r.link); err != nil {
		return err
	}
	return r.elsewhere(theirs)
}

// eraseOrphan erases the record, too. It was created for somebody who has been
// erased since, before anybody had heard of it.
func (r *reconciliation) eraseOrphan(ctx context.Context, link Link) error {
	mine, ref := r.link, r.views[r.near].Record.Ref
	if r.engine.dry() {
		return &Error{Op: "match", Action: Conflict, Ref: ref, Rule: "record.erased", Hint: "a look at it erases it",
			Err: errors.New("the record was created for one that was erased")}
	}
	if _, err := r.engine.eraseRecord(ctx, ref); err != nil {
		return err
	}
	if _, err := r.engine.discard(ctx, ref); err != nil {
		return err
	}
	if err := r.release(ctx, mine); err != nil {
		return err
	}
	r.link = link
	r.link.setEnd(r.near, ref)
	r.note(Entry{Kind: EntryErased, Note: "created for a record that was erased"})
	return r.commit(ctx, nil, nil)
}

// unclaimed is an error when a match without a link names the record that it
// was created for, and that is another one.
func (r *reconciliation) unclaimed(ctx context.Context, far Side, rec Record, by string) error {
	link, err := r.named(ctx, r.near, rec)
	switch {
	case err != nil:
		return err
	case link.ID == r.link.ID || link.State != Pending || !link.End(far).Zero():
		return nil
	}
	if err := r.free(link); err != nil {
		return err
	}
	return r.ambiguous(ctx, by, "the match was created for another record", []Ref{r.link.End(r.near), link.End(r.near)}, []Ref{rec.Ref})
}

// accept links the record to its match, or joins the link that the match has
// already.
func (r *reconciliation) accept(ctx context.Context, far Side, rec Record, by string) error {
	other, err := r.engine.cfg.Store.Link(ctx, r.flow.Name, rec.Ref)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err == nil && other.ID != r.link.ID:
		return r.join(ctx, far, other, rec, by)
	case err != nil:
		if err := r.unclaimed(ctx, far, rec, by); err != nil {
			return err
		}
	}
	r.link.setEnd(far, rec.Ref)
	r.link.Evidence = by
	r.note(Entry{Kind: EntryLinked, Note: "matched by " + by})
	r.views[far] = r.view(far, rec)
	return nil
}
