package bird

import (
	"context"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// remove deletes a contact, which only the erasure of a person asks for. One
// that is gone already is an error of action NotFound. That Bird erases it for
// good is not documented, so the adapter is no [sync.Eraser].
// See https://docs.bird.com/api/contacts-api/api-reference/manage-workspace-contacts.
func (a *Adapter) remove(ctx context.Context, w sync.Write) sync.Result {
	r := request{op: "bird: delete contact", ref: w.Ref, method: http.MethodDelete, path: a.contacts + "/" + w.Ref.ID}
	if err := checkID(r.op, w.Ref); err != nil {
		return sync.Result{Record: sync.Record{Ref: w.Ref}, Err: err}
	}
	a.seen.forget(w.Ref.ID, time.Now())
	res, err := a.call(ctx, r, nil)
	a.seen.forget(w.Ref.ID, time.Now()) // what was read meanwhile is no more
	return sync.Result{Record: sync.Record{Ref: w.Ref, Deleted: err == nil}, Call: callID(res), Err: err}
}
