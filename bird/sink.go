package bird

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"slices"
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
//
// Bird refuses a whole contact for a phone that is not E.164. Such a phone is
// left out and named in Result.Dropped with the rule "phone.e164", and the rest
// is written. It concerns one value, not the field, so the adapter is no
// [sync.Degrader].
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts/create-or-update-a-contact-by-identifier.
//
// Of a conversation the status, the name and attributes are written, by
// [Adapter.UpdateConversation], whose read costs a GET besides; a blank
// attribute becomes an empty text. Conversations are neither created nor
// deleted.
//
// A write with Delete removes a contact; the role must then allow Delete on it.
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
		switch {
		case w.Ref.Kind == MessageKind && len(w.Related) > 0:
			record = "to " + w.Related[0].String()
		case record == "":
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
	if err := checkKind("bird: write", w.Ref.Kind, Contact, ConversationKind, MessageKind); err != nil {
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err}
	}
	switch w.Ref.Kind {
	case ConversationKind:
		return a.applyConversation(ctx, w)
	case MessageKind:
		return a.applyMessage(ctx, w)
	}
	if w.Delete {
		return a.remove(ctx, w)
	}
	sound, dropped := a.withoutPhones(w, notE164)
	res, err := a.write(ctx, sound)
	if e, ok := errors.AsType[*sync.Error](err); ok && e.Rule == phoneRule {
		// Bird knows more of phones than their form.
		if again, more := a.withoutPhones(sound, anyPhone); more != nil {
			dropped = joined(dropped, more)
			res, err = a.write(ctx, again)
		}
	}
	if err != nil {
		a.nameHolder(ctx, w, err)
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err, Call: res.Call}
	}
	res.Dropped = joined(dropped, res.Dropped)
	for _, name := range slices.Sorted(maps.Keys(res.Dropped)) {
		a.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "bird: field left out", slog.String("ref", res.Record.Ref.String()),
			slog.String("field", name), slog.String("rule", res.Dropped[name]))
	}
	return res
}

// joined returns the entries of both maps, nil if there are none.
func joined(a, b map[string]string) map[string]string {
	if len(a) == 0 {
		return b
	}
	maps.Copy(a, b)
	return a
}

func (a *Adapter) write(ctx context.Context, w sync.Write) (res sync.Result, err error) {
	if w.Ref.ID != "" {
		res, err = a.update(ctx, w)
	} else {
		res, err = a.upsert(ctx, w)
	}
	blame(err, w.Fields, a.opts.ExternalIDKey)
	return res, err
}

// recentEnough is how old a state may be from which the identifiers to remove
// are taken. The engine has as a rule just read the contact.
const recentEnough = time.Minute

// update writes to a contact by its id.
func (a *Adapter) update(ctx context.Context, w sync.Write) (sync.Result, error) {
	p, wanted, err := a.split(w)
	switch {
	case err != nil:
		return sync.Result{}, err
	case len(w.Fields) == 0:
		return sync.Result{Record: sync.Record{Ref: w.Ref}}, nil
	case len(wanted) > 0:
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
	_, res, err := a.patch(ctx, request{op: "bird: update contact", ref: w.Ref, path: a.contacts + "/" + w.Ref.ID, body: &p})
	return res, err
}

// patch sends a PATCH and remembers the answer. While it is under way, and
// when its outcome is unknown, nothing is known of the contact.
func (a *Adapter) patch(ctx context.Context, r request) (*contact, sync.Result, error) {
	r.method = http.MethodPatch
	sent := time.Now()
	if r.ref.ID != "" {
		a.seen.forget(r.ref.ID, sent)
	}
	var c contact
	res, err := a.call(ctx, r, &c)
	if err == nil && c.ID == "" {
		err = r.unanswered(errNoID)
	}
	if err == nil && !c.complete(a.places) {
		err = a.fillIdentifiers(ctx, &c)
	}
	if err != nil {
		if r.ref.ID != "" {
			a.seen.forget(r.ref.ID, time.Now())
		}
		return nil, sync.Result{Call: callID(res)}, err
	}
	a.seen.remember(&c, sent)
	return &c, sync.Result{Record: a.record(&c), Complete: true, Created: res.Status == http.StatusCreated, Call: res.RequestID}, nil
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
