package bird

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/sync"
)

// Apply implements [sync.Sink]. Bird has no batch write: each write is one
// PATCH, and writes to different contacts go out side by side. A write that
// changes an identifier needs the contact's present state, because the value to
// remove must be named: it reads the contact unless it was just seen. A write that would change nothing costs no PATCH.
//
// A write without an id must have a Key that is an identifier (external_id,
// msisdn or email). It goes through Bird's upsert, which creates the contact
// when nobody holds the identifier.
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/create-or-update-a-contact-by-identifier.
func (a *Adapter) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	results := make([]sync.Result, len(writes))
	var g errgroup.Group
	g.SetLimit(parallel)
	for _, turn := range inTurn(writes) {
		g.Go(func() error {
			for _, i := range turn {
				results[i] = a.apply(ctx, writes[i])
			}
			return nil
		})
	}
	return results, g.Wait()
}

// inTurn groups the writes by record, so that two to the same one keep their
// order.
func inTurn(writes []sync.Write) [][]int {
	var turns [][]int
	at := map[string]int{}
	for i, w := range writes {
		record := w.Ref.ID
		if record == "" {
			record = w.Key + "=" + w.Fields[w.Key].String()
		}
		n, ok := at[record]
		if !ok {
			n = len(turns)
			at[record] = n
			turns = append(turns, nil)
		}
		turns[n] = append(turns[n], i)
	}
	return turns
}

func (a *Adapter) apply(ctx context.Context, w sync.Write) sync.Result {
	err := checkKind("bird: write", w.Ref.Kind)
	var res sync.Result
	switch {
	case err != nil:
	case w.Ref.ID != "":
		res, err = a.update(ctx, w)
	default:
		res, err = a.upsert(ctx, w)
	}
	if err != nil {
		blame(err, w.Fields, a.opts.ExternalIDKey)
		a.nameHolder(ctx, w, err)
		res = sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err, Call: res.Call}
	}
	return res
}

// recentEnough is how old a state may be from which the identifiers to remove
// are taken. The engine has as a rule just read the contact.
const recentEnough = time.Minute

// update writes to a contact by its id.
func (a *Adapter) update(ctx context.Context, w sync.Write) (sync.Result, error) {
	p, wanted, err := a.split(w)
	if err != nil {
		return sync.Result{}, err
	}
	if len(wanted) > 0 {
		if recent := a.seen.recall(w.Ref.ID, time.Now().Add(-recentEnough)); recent != nil && recent.knowsAll() {
			wanted.replace(recent, &p)
		}
		if len(p.AddIdentifiers)+len(p.RemoveIdentifiers) == 0 {
			current, err := a.getWhole(ctx, w.Ref.ID)
			if err != nil {
				return sync.Result{}, err
			}
			wanted.replace(current, &p)
			if p.empty() {
				return sync.Result{Record: a.record(current)}, nil
			}
		}
	}
	return a.patch(ctx, request{op: "bird: update contact", ref: w.Ref, path: a.contacts + "/" + w.Ref.ID, body: &p})
}

// upsert creates the contact that holds the key, or updates it.
func (a *Adapter) upsert(ctx context.Context, w sync.Write) (sync.Result, error) {
	key := placeOf(w.Key, a.opts.ExternalIDKey)
	value := w.Fields[w.Key].String()
	if err := checkKey(w, key, value); err != nil {
		return sync.Result{}, err
	}
	p, wanted, err := a.split(w)
	if err != nil {
		return sync.Result{}, err
	}
	p.Strategy = "strict_alias" // all identifiers must mean one contact; Bird never guesses for us
	for _, i := range wanted {
		if i.Value != "" && i.Key != key.key {
			p.AddIdentifiers = append(p.AddIdentifiers, i.identifier)
		}
	}
	res, err := a.patch(ctx, request{op: "bird: upsert contact", ref: w.Ref,
		path: a.contacts + "/identifiers/" + key.key + "/" + value, body: &p})
	if err != nil {
		a.seen.forgetHolders(identifier{Key: key.key, Value: value}, time.Now())
	}
	if err != nil || res.Created {
		return res, err
	}
	return a.settle(ctx, w, res)
}

// settle ends an upsert that met an existing contact. An upsert adds
// identifiers and removes none; this clears the blank ones and lets those the
// contact had already be the newest. Others stay beside the new ones, because
// nothing tells whether they are what the field used to show.
func (a *Adapter) settle(ctx context.Context, w sync.Write, res sync.Result) (sync.Result, error) {
	rest := sync.Write{Ref: res.Record.Ref, Fields: sync.Fields{}}
	for name, v := range w.Fields {
		if placeOf(name, a.opts.ExternalIDKey).kind == identifierPlace && name != w.Key {
			rest.Fields[name] = v
		}
	}
	if len(rest.Fields) == 0 {
		return res, nil
	}
	return a.update(ctx, rest)
}

// checkKey refuses keys that cannot stand in the path of an upsert. Bird takes
// that segment literally and would store "%2F" for "/".
func checkKey(w sync.Write, key place, value string) error {
	e := &sync.Error{Op: "bird: upsert contact", Action: sync.Invalid, Ref: w.Ref, Field: w.Key}
	switch {
	case key.kind != identifierPlace:
		e.Action, e.Rule = sync.Fatal, "key.identifier"
		e.Hint = "create contacts by external_id, msisdn or email"
		e.Err = errors.New("the key is not an identifier")
	case value == "":
		e.Rule, e.Hint = "key.present", "fill the field from the other side's id"
		e.Err = errors.New("the key has no value")
	case url.PathEscape(value) != value || strings.Trim(value, ".") == "" || len(value) > 250:
		e.Rule, e.Hint = "key.literal", "use a key of letters, digits and the signs -_.~$&+=:@, at most 250"
		e.Err = errors.New("the key cannot stand in a path: it is a " + w.Fields[w.Key].Shape())
	default:
		return nil
	}
	return e
}

// patch sends a PATCH and remembers the answer. While it is under way, and
// when its outcome is unknown, nothing is known of the contact.
func (a *Adapter) patch(ctx context.Context, r request) (sync.Result, error) {
	r.method = http.MethodPatch
	sent := time.Now()
	if r.ref.ID != "" {
		a.seen.forget(r.ref.ID, sent)
	}
	var c contact
	res, err := a.call(ctx, r, &c)
	if err == nil && c.ID == "" {
		err = r.unanswered(errors.New("the answer has no id"))
	}
	if err == nil && !c.complete(a.places) {
		err = a.fillIdentifiers(ctx, &c)
	}
	if err != nil {
		if r.ref.ID != "" {
			a.seen.forget(r.ref.ID, time.Now())
		}
		return sync.Result{Call: callID(res)}, err
	}
	a.seen.remember(&c, sent)
	return sync.Result{Record: a.record(&c), Complete: true, Created: res.Status == http.StatusCreated, Call: res.RequestID}, nil
}

func callID(res *httpx.Response) string {
	if res == nil {
		return ""
	}
	return res.RequestID
}

// getWhole fetches a contact with all its identifiers.
func (a *Adapter) getWhole(ctx context.Context, id string) (*contact, error) {
	c, err := a.get(ctx, id)
	if err != nil || c.knowsAll() {
		return c, err
	}
	return c, a.fillIdentifiers(ctx, c)
}
