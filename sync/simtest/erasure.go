package simtest

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	w.net.flying++
	w.ask(&erasure{flow: f.Name, ref: ref}, time.Second)
}

// ask calls one of the processes after a while.
func (w *world) ask(e *erasure, delay time.Duration) {
	w.sched.after(delay, func() {
		name, up := pick(w.alive(), chance(w.seed, fmt.Sprint("erases ", w.trace.lines)))
		if !up {
			w.ask(e, time.Second)
			return
		}
		p := w.procs[name]
		go func() {
			ctx, cancel := context.WithTimeout(background, time.Minute)
			defer cancel()
			receipt, err := p.engine.Erase(ctx, e.flow, e.ref)
			if late := w.sched.wait(ctx, p, p.name+" has erased "+e.ref.String(), 0); late != nil {
				err = late
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.erased(e, receipt, err)
		}()
	})
}

// erased notes that an erasure is done, or has it tried again.
func (w *world) erased(e *erasure, receipt sync.Receipt, err error) {
	switch {
	case err == nil:
		w.net.flying--
		e.of = append([]sync.Ref{receipt.Left, receipt.Right}, receipt.Merged...)
		w.erasures = append(w.erasures, e)
		w.tell(e.ref, "the person is forgotten: %s %s", receipt.Left, receipt.Right)
	case errors.Is(err, sync.ErrNotFound) && w.faults.over:
		w.net.flying--
	default:
		w.ask(e, 5*time.Second)
	}
}
