package microbatch

import (
	"context"
	"fmt"
	"time"
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
	item  In
	key   string
	since time.Time
	waits []*call[In, Out]
	batch *batch[In, Out]
	out   Out
	err   error
}

// batch is a set of entries in flight.
type batch[In, Out any] struct {
	entries []*entry[In, Out]
	cancel  context.CancelFunc
}

func (c *call[In, Out]) outcomes() ([]Out, error) {
	outs := make([]Out, len(c.entries))
	for i, e := range c.entries {
		if e.err != nil {
			return nil, e.err
		}
		outs[i] = e.out
	}
	return outs, nil
}

// wanted reports whether any caller still waits for one of the entries.
func wanted[In, Out any](entries []*entry[In, Out]) bool {
	for _, e := range entries {
		for _, c := range e.waits {
			if !c.gone {
				return true
			}
		}
	}
	return false
}

// fire starts the batches that are due and sets the timer for the next one.
// The lock is held.
func (b *Batcher[In, Out]) fire() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	for b.inFlight < b.cfg.InFlight && !b.admitting && len(b.waiting) > 0 && b.untilDue() <= 0 {
		entries := b.pick(nil)
		if len(entries) == 0 {
			break
		}
		b.start(entries)
	}
	switch {
	case len(b.waiting) > 0 && b.inFlight < b.cfg.InFlight && !b.admitting:
		// What is due yet was not picked waits for a key in flight, and the
		// end of that batch fires again.
		if d := b.untilDue(); d > 0 {
			b.timer = time.AfterFunc(d, b.tick)
		}
	case b.closed && len(b.waiting) == 0 && b.inFlight == 0 && b.idle != nil:
		select {
		case <-b.idle:
		default:
			close(b.idle)
		}
	}
}

func (b *Batcher[In, Out]) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fire()
}

// untilDue returns how long the first waiting entry still waits for company.
func (b *Batcher[In, Out]) untilDue() time.Duration {
	if b.closed || len(b.waiting) >= b.cfg.Max {
		return 0
	}
	wait := b.cfg.Linger
	if b.inFlight > 0 {
		wait = b.cfg.Patience
	}
	due := b.waiting[0].since.Add(wait)
	if b.cfg.Pace != nil {
		if next := b.started.Add(b.cfg.Pace()); next.After(due) {
			due = next
		}
	}
	return time.Until(due)
}

// pick adds to the entries, up to a full batch, from those that wait, in
// order, passing over keys that are in flight or already picked and dropping
// entries that nobody wants any more.
func (b *Batcher[In, Out]) pick(picked []*entry[In, Out]) []*entry[In, Out] {
	var kept []*entry[In, Out]
	held := map[string]bool{}
	for _, e := range picked {
		held[e.key] = true
	}
	for i, e := range b.waiting {
		if len(picked) == b.cfg.Max {
			kept = append(kept, b.waiting[i:]...)
			break
		}
		switch {
		case !wanted([]*entry[In, Out]{e}):
			b.forget(e)
		case b.cfg.Key != nil && (b.busy[e.key] || held[e.key]):
			kept = append(kept, e)
		default:
			b.forget(e)
			held[e.key] = true
			picked = append(picked, e)
		}
	}
	b.waiting = kept
	if !b.cfg.Fold && b.cfg.Key != nil {
		for k := range held {
			b.busy[k] = true
		}
	}
	return picked
}

// forget takes an entry from those that later items may share.
func (b *Batcher[In, Out]) forget(e *entry[In, Out]) {
	if b.latest[e.key] == e {
		delete(b.latest, e.key)
	}
}

// start sends a batch on its way. The lock is held.
func (b *Batcher[In, Out]) start(entries []*entry[In, Out]) {
	ctx, cancel := b.context(entries)
	bt := &batch[In, Out]{entries: entries, cancel: cancel}
	for _, e := range entries {
		e.batch = bt
	}
	b.inFlight++
	b.started = time.Now()
	b.admitting = b.cfg.Admit != nil
	go func() {
		defer cancel()
		outs, err := b.carry(ctx, bt)
		b.finish(bt.entries, outs, err)
	}()
}

// carry waits for leave and runs the batch.
func (b *Batcher[In, Out]) carry(ctx context.Context, bt *batch[In, Out]) ([]Out, error) {
	if b.cfg.Admit != nil {
		admitted, err := b.cfg.Admit(ctx)
		b.admit(bt, err == nil)
		if err != nil {
			return nil, err
		}
		ctx = admitted
	}
	items := make([]In, len(bt.entries))
	for i, e := range bt.entries {
		items[i] = e.item
	}
	outs, err := b.cfg.Run(ctx, items)
	if err == nil && len(outs) != len(items) {
		err = fmt.Errorf("a batch of %d items had %d outcomes", len(items), len(outs))
	}
	return outs, err
}

// admit ends the wait for leave: a batch that may run takes along what has
// arrived in the meantime.
func (b *Batcher[In, Out]) admit(bt *batch[In, Out], run bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.admitting = false
	if run && wanted(bt.entries) { // else it is cancelled, and takes nobody along
		bt.entries = b.pick(bt.entries)
		for _, e := range bt.entries {
			e.batch = bt
		}
	}
	b.fire()
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

func (b *Batcher[In, Out]) finish(entries []*entry[In, Out], outs []Out, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight--
	for i, e := range entries {
		delete(b.busy, e.key)
		e.batch, e.err = nil, err
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
