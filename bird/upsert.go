package bird

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

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
	p.Strategy = a.opts.Strategy
	for _, i := range wanted {
		if i.Value != "" && i.Key != key.key {
			p.AddIdentifiers = append(p.AddIdentifiers, i.identifier)
		}
	}
	c, res, err := a.patch(ctx, request{op: "bird: upsert contact", ref: w.Ref,
		path: a.contacts + "/identifiers/" + key.key + "/" + value, body: &p})
	if err != nil {
		a.seen.forgetAll(func(c *contact) bool { return c.mirrors(identifier{Key: key.key, Value: value}) }, time.Now())
		return res, err
	}
	dropped := a.passedOver(w, c)
	if !res.Created {
		res, err = a.settle(ctx, w, c, dropped, res)
	}
	res.Dropped = dropped
	return res, err
}

// aliasRule is broken by an identifier that the match strategy passed over.
const aliasRule = "identifier.alias"

// passedOver names the identifiers that the contact did not get. With the
// strict strategy there are none.
func (a *Adapter) passedOver(w sync.Write, c *contact) map[string]string {
	if a.opts.Strategy == StrictAlias {
		return nil
	}
	dropped := map[string]string{}
	for name, v := range w.Fields {
		at := placeOf(name, a.opts.ExternalIDKey)
		if at.kind == identifierPlace && !v.Blank() && !c.mirrors(identifier{Key: at.key, Value: strings.TrimSpace(v.String())}) {
			dropped[name] = aliasRule
		}
	}
	return dropped
}

// settle ends an upsert that met an existing contact. An upsert adds
// identifiers and removes none; this clears the blank ones, lets those that
// the contact had already be the newest, and removes those that new ones are
// to replace.
func (a *Adapter) settle(ctx context.Context, w sync.Write, c *contact, dropped map[string]string, res sync.Result) (sync.Result, error) {
	var p patch
	for name, v := range w.Fields {
		at := placeOf(name, a.opts.ExternalIDKey)
		if at.kind != identifierPlace || name == w.Key || dropped[name] != "" {
			continue
		}
		i := wish{identifier{Key: at.key, Value: strings.TrimSpace(v.String())}}
		i.replace(c, &p)
		i.supersede(c, &p)
	}
	if p.empty() {
		return res, nil
	}
	_, settled, err := a.patch(ctx, request{op: "bird: update contact", ref: res.Record.Ref, path: a.contacts + "/" + res.Record.ID, body: &p})
	return settled, err
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
