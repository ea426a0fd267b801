package bird

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/sync"
)

// Match implements [sync.Matcher]. The names it can look for are the id,
// external_id, msisdn and email. Identifiers go to Bird's search by
// identifier, and what it finds is checked, phones without regard to "+".
// Conversations are found by their id alone.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/search-contact-by-identifier.
func (a *Adapter) Match(ctx context.Context, kind sync.Kind, probes []sync.Probe) ([]sync.Match, error) {
	if err := checkKind("bird: match", kind, Contact, ConversationKind); err != nil {
		return nil, err
	}
	find := a.find
	if kind == ConversationKind {
		find = a.findConversation
	}
	matches := make([]sync.Match, len(probes))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, probe := range probes {
		g.Go(func() (err error) {
			matches[i], err = match(ctx, probe, find)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return matches, nil
}

func match(ctx context.Context, probe sync.Probe, find func(context.Context, sync.Key) ([]sync.Record, error)) (sync.Match, error) {
	for _, key := range probe {
		if key.Value.Blank() {
			continue
		}
		found, err := find(ctx, key)
		if err != nil {
			return sync.Match{}, err
		}
		if len(found) > 0 {
			return sync.Match{Candidates: found, By: key.Name}, nil
		}
	}
	return sync.Match{}, nil
}

func (a *Adapter) find(ctx context.Context, key sync.Key) ([]sync.Record, error) {
	switch at := placeOf(key.Name, a.opts.ExternalIDKey); at.kind {
	case idPlace:
		return living(a.read(ctx, key.Value.String()))
	case identifierPlace:
		return a.search(ctx, identifier{Key: at.key, Value: key.Value.String()})
	}
	return nil, &sync.Error{Op: "bird: match", Action: sync.Fatal, Field: key.Name, Rule: "key.identifier",
		Hint: "recognise contacts by id, external_id, msisdn or email",
		Err:  errors.New("no search by an attribute")}
}

// living returns a record that was read unless it is gone.
func living(r sync.Record, err error) ([]sync.Record, error) {
	if err != nil || r.Deleted {
		return nil, err
	}
	return []sync.Record{r}, nil
}

// search returns the contacts that hold the identifier. A value that Bird
// calls invalid belongs to nobody.
func (a *Adapter) search(ctx context.Context, want identifier) ([]sync.Record, error) {
	var p page[contact]
	_, err := a.call(ctx, request{op: "bird: search contacts", method: http.MethodPost,
		path: a.contacts + "/search", body: search{want}}, &p)
	if isAction(err, sync.Invalid) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var found []sync.Record
	for i := range p.Results {
		c := &p.Results[i]
		if c.ID == "" {
			continue
		}
		if !c.knowsAll() && !c.mirrors(want) || !c.complete(a.places) {
			if err := a.fillIdentifiers(ctx, c); err != nil {
				return nil, err
			}
		}
		if c.mirrors(want) {
			found = append(found, a.record(c))
		}
	}
	return found, nil
}

// mirrors reports whether the contact holds the identifier, be it only as its
// attributes repeat it.
func (c *contact) mirrors(i identifier) bool {
	for _, v := range c.identifiers(i.Key) {
		if sameIdentifier(i.Key, v, i.Value) {
			return true
		}
	}
	return false
}

// nameHolder fills in which contact holds the identifier that a conflict is
// about. Bird does not say, so each identifier written is searched; when that
// fails too, the conflict stays without a name.
func (a *Adapter) nameHolder(ctx context.Context, w sync.Write, err error) {
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != sync.Conflict {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(w.Fields)) {
		at, v := placeOf(name, a.opts.ExternalIDKey), w.Fields[name]
		if at.kind != identifierPlace || v.Blank() || w.Ref.ID == "" && name == w.Key {
			continue
		}
		found, err := a.search(ctx, identifier{Key: at.key, Value: v.String()})
		if err == nil && len(found) > 0 && found[0].ID != w.Ref.ID {
			e.Existing, e.Field = found[0].Ref, name
			return
		}
	}
}
