package microbatch

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// call is one caller of Do.
type call[In, Out any] struct {
	ctx     context.Context
	entries []*entry[In, Out]
	left    int
	gone    bool
	done    chan struct{}
}

// entry is one place in a batch, waited for by one or more calls.
type entry[In, Out any] struct {
	item     In
	key      string
	priority sync.Priority // the most urgent of those that wait for it
	since    time.Time
	before   *entry[In, Out] // the one of the same key that waits ahead, if they do not fold
	waits    []*call[In, Out]
	batch    *batch[In, Out]
	ended    bool
	out      Out
	err      error
}

// batch is a set of entries on their way.
type batch[In, Out any] struct {
	entries   []*entry[In, Out]
	priority  sync.Priority // of its most urgent entry
	admitting bool          // it waits for leave
	cancel    context.CancelFunc
}

// A PanicError is the error of a batch whose call panicked.
type PanicError struct {
	Value any    // what was panicked with; it may hold personal data
	Stack []byte // where
}

// Error implements error; it quotes only what the runtime itself says.
func (e *PanicError) Error() string {
	if own, ok := e.Value.(runtime.Error); ok {
		return "a batch call panicked: " + own.Error()
	}
	return fmt.Sprintf("a batch call panicked with a %T", e.Value)
}

// outcomes returns what came of a call's entries; of those that it did not wait
// for, that its context ended. The lock is held unless all have ended.
func (c *call[In, Out]) outcomes() ([]Out, []error) {
	outs, errs := make([]Out, len(c.entries)), make([]error, len(c.entries))
	for i, e := range c.entries {
		if outs[i], errs[i] = e.out, e.err; !e.ended {
			errs[i] = c.ctx.Err()
		}
	}
	return outs, errs
}

// wanted reports whether any caller still waits for one of the entries.
func wanted[In, Out any](entries ...*entry[In, Out]) bool {
	for _, e := range entries {
		for _, c := range e.waits {
			if !c.gone {
				return true
			}
		}
	}
	return false
}

// take gives the batch more entries.
func (bt *batch[In, Out]) take(entries []*entry[In, Out]) {
	bt.entries = append(bt.entries, entries...)
	for _, e := range entries {
		e.batch = bt
		bt.priority = min(bt.priority, e.priority)
	}
}

// start sends a batch on its way. The lock is held.
func (b *Batcher[In, Out]) start(entries []*entry[In, Out]) {
	ctx, cancel := b.context(entries)
	bt := &batch[In, Out]{priority: sync.Priorities - 1, admitting: b.cfg.Admit != nil, cancel: cancel}
	bt.take(entries)
	b.active = append(b.active, bt)
	b.started[bt.priority] = time.Now()
	ctx = sync.WithPriority(ctx, bt.priority)
	go func() {
		defer cancel()
		outs, err := b.carry(ctx, bt)
		b.finish(bt, outs, err)
	}()
}

// carry waits for leave and runs the batch.
func (b *Batcher[In, Out]) carry(ctx context.Context, bt *batch[In, Out]) (outs []Out, err error) {
	defer func() {
		if v := recover(); v != nil {
			outs, err = nil, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if b.cfg.Admit != nil {
		admitted, giveBack, err := b.cfg.Admit(ctx)
		if err != nil {
			return nil, err
		}
		defer giveBack()
		ctx = sync.WithPriority(admitted, b.admitted(bt))
	}
	items := make([]In, len(bt.entries))
	for i, e := range bt.entries {
		items[i] = e.item
	}
	outs, err = b.cfg.Run(ctx, items)
	if err == nil && len(outs) != len(items) {
		err = fmt.Errorf("a batch of %d items had %d outcomes", len(items), len(outs))
	}
	return outs, err
}

// admitted ends the wait for leave: the batch takes along what has arrived in
// the meantime, unless it is cancelled. It returns the batch's priority.
func (b *Batcher[In, Out]) admitted(bt *batch[In, Out]) sync.Priority {
	b.mu.Lock()
	defer b.mu.Unlock()
	bt.admitting = false
	if wanted(bt.entries...) {
		bt.take(b.pick(bt.entries))
		b.started[bt.priority] = time.Now()
	}
	b.fire()
	return bt.priority
}

// context outlives each caller but not all of them: it is cancelled when every
// one has left, and has the last caller's deadline when every one has a
// deadline. Of a batch that others may still join, the last is not known.
func (b *Batcher[In, Out]) context(entries []*entry[In, Out]) (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(entries[0].waits[0].ctx)
	if b.cfg.Admit != nil {
		return context.WithCancel(ctx)
	}
	var last time.Time
	for _, e := range entries {
		for _, c := range e.waits {
			end, ok := c.ctx.Deadline()
			if !ok {
				return context.WithCancel(ctx)
			}
			if end.After(last) {
				last = end
			}
		}
	}
	return context.WithDeadline(ctx, last)
}

func (b *Batcher[In, Out]) finish(bt *batch[In, Out], outs []Out, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.active = slices.DeleteFunc(b.active, func(o *batch[In, Out]) bool { return o == bt })
	for i, e := range bt.entries {
		delete(b.busy, e.key)
		e.batch, e.ended, e.err = nil, true, err
		if err == nil {
			e.out = outs[i]
		}
		for _, c := range e.waits {
			if c.left--; c.left == 0 {
				close(c.done)
			}
		}
	}
	b.fire()
}
