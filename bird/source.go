package bird

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/sync"
)

// parallel bounds the calls that one Read, Apply or Match has under way. The
// rate limiter, not this, decides the speed.
const parallel = 64

// Read implements [sync.Source]. Bird has no batch read: each contact costs
// one GET, and a second one when a wanted identifier is not among the featured
// ones or there are several of its kind. Nothing is shared with a Read that is already under way, because its
// answer may be older than the change that caused this one.
//
// Bird answers 404 for a contact that was merged into another, and tells
// nobody. If the adapter has seen the contact before, it looks for who holds
// its identifiers now, the external id first; if that is exactly one contact,
// it is the survivor, whose Aliases hold the id asked for. Else the entry is
// marked Deleted. The adapter remembers some 10,000 contacts and nothing
// across a restart. What it cannot follow, the engine does through
// [Adapter.Match] of the other side: a merge changes the survivor, so the next
// walk reports it; the engine looks for its counterpart by the flow's
// identities, which the survivor has got, and puts it in the place of the
// contact that is gone.
//
// A conversation costs one GET, and another one when more than five take part
// and the contact is not among those told, a message one.
func (a *Adapter) Read(ctx context.Context, kind sync.Kind, ids []string) ([]sync.Record, error) {
	if err := checkKind("bird: read", kind, Contact, ConversationKind, MessageKind); err != nil {
		return nil, err
	}
	if kind == MessageKind {
		return a.readMessages(ctx, ids)
	}
	read := a.read
	if kind == ConversationKind {
		read = a.readConversation
	}
	records := make([]sync.Record, len(ids))
	first := map[string]int{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, id := range ids {
		if _, doubled := first[id]; doubled {
			continue
		}
		first[id] = i
		g.Go(func() (err error) {
			records[i], err = read(gctx, id)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	for i, id := range ids {
		records[i] = records[first[id]]
	}
	return records, nil
}

// read returns one record; one that does not exist is marked Deleted.
func (a *Adapter) read(ctx context.Context, id string) (sync.Record, error) {
	sent := time.Now()
	c, err := a.get(ctx, id)
	if isAction(err, sync.NotFound) {
		a.seen.forget(id, sent)
		a.walk.read(id, false)
		return a.survivor(ctx, id)
	}
	if err != nil {
		return sync.Record{}, err
	}
	r := a.record(c)
	if c.ID != id {
		r.Aliases = []string{id}
	}
	a.seen.remember(c, sent)
	a.walk.read(id, true)
	return r, nil
}

// get fetches a contact with every identifier that a field asks for.
func (a *Adapter) get(ctx context.Context, id string) (*contact, error) {
	if !idPattern.MatchString(id) {
		return nil, &sync.Error{Op: "bird: get contact", Action: sync.NotFound, Ref: ref(id), Rule: "contact.id",
			Hint: "a contact's id is a UUID", Err: errors.New("no contact can have this id")}
	}
	var c contact
	r := request{op: "bird: get contact", ref: ref(id), method: http.MethodGet, path: a.contacts + "/" + id, query: a.wanted}
	if _, err := a.call(ctx, r, &c); err != nil {
		return nil, err
	}
	if c.ID == "" {
		return nil, r.unanswered(errNoID)
	}
	if c.complete(a.places) {
		return &c, nil
	}
	return &c, a.fillIdentifiers(ctx, &c)
}

// fillIdentifiers fetches all identifiers of a contact.
func (a *Adapter) fillIdentifiers(ctx context.Context, c *contact) error {
	found, err := all[identifier](ctx, a, request{op: "bird: list identifiers", ref: ref(c.ID), path: a.contacts + "/" + c.ID + "/identifiers"})
	if err != nil {
		return err
	}
	c.setIdentifiers(found)
	return nil
}

// record turns a contact into a record with the fields asked for.
func (a *Adapter) record(c *contact) sync.Record {
	fields := sync.Fields{sync.IDField: sync.Text(c.ID)}
	for name, p := range a.places {
		if v := p.value(c); !v.Null() {
			fields[name] = v
		}
	}
	return sync.Record{Ref: ref(c.ID), Fields: fields, UpdatedAt: c.UpdatedAt.Time}
}

func ref(id string) sync.Ref { return sync.Ref{System: System, Kind: Contact, ID: id} }

// isAction reports whether err is an error of the action.
func isAction(err error, action sync.Action) bool {
	var e *sync.Error
	return errors.As(err, &e) && e.Action == action
}

// checkKind refuses kinds that are not among those known.
func checkKind(op string, kind sync.Kind, known ...sync.Kind) error {
	if slices.Contains(known, kind) {
		return nil
	}
	return &sync.Error{Op: op, Action: sync.Fatal, Rule: "kind.known",
		Hint: fmt.Sprintf("the adapter does this for the kinds %q", known), Err: errors.New("the kind " + string(kind) + " is not known")}
}
