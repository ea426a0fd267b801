package simtest

import (
	"context"
	"errors"

	"github.com/urbanhub/crmsync/sync"
)

// An erasure is what was promised to a person who asked to be forgotten.
type erasure struct {
	flow string
	ref  sync.Ref
	of   []sync.Ref // whose data it is about, once it is done
}

// forget has somebody ask to be forgotten. Whoever is in charge calls the
// engine until it says that it is done; a record that was never linked has
// nothing to erase, in the end.
func (w *world) forget(f *sync.Flow, ref sync.Ref) {
	w.tell(ref, "the person asks to be forgotten")
	e := &erasure{flow: f.Name, ref: ref}
	var receipt sync.Receipt
	w.errand("the erasure of "+ref.String(), func(ctx context.Context, engine *sync.Engine) error {
		given, err := engine.Erase(ctx, e.flow, e.ref)
		if err == nil {
			receipt = given
		}
		return err
	}, func(err error) bool {
		if err != nil {
			return errors.Is(err, sync.ErrNotFound) && w.faults.over
		}
		e.of = append([]sync.Ref{receipt.Left, receipt.Right}, receipt.Merged...)
		w.erasures = append(w.erasures, e)
		w.tell(e.ref, "the person is forgotten: %s %s", receipt.Left, receipt.Right)
		return true
	})
}
