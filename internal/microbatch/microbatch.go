// Package microbatch gathers the items of concurrent callers into batches. A
// batch fires when it is full, or a short linger after its first item; while
// batches are in flight it waits a little longer, so that under load the
// batches are full. What is urgent goes first and waits for no bulk work.
package microbatch

import (
	"cmp"
	"context"
	"errors"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// ErrClosed is returned by [Batcher.Do] after [Batcher.Close].
var ErrClosed = errors.New("the batcher is closed")

// Config says how to gather.
type Config[In, Out any] struct {
	// Max is the number of items in a full batch.
	Max int
	// Linger is how long the first item waits for company; 0 means that a
	// batch takes only what is there at once.
	Linger time.Duration
	// Patience is how long it waits while a batch as urgent is in flight; 0
	// means ten times Linger.
	Patience time.Duration
	// InFlight bounds the batches in flight; 0 means 4.
	InFlight int
	// Key names an item. Unless they fold, items of one key are never in one
	// batch or in flight at the same time, and run in the order they came.
	// Nil means that all items are independent.
	Key func(In) string
	// Fold lets items of one key that wait together share one place in the
	// batch and its outcome. A batch in flight is never joined.
	Fold bool
	// Admit, if set, waits for leave to run one batch, with the priority of
	// its most urgent item. What arrives while it waits still joins the batch;
	// only what is more urgent asks for leave of its own. Its context goes on
	// to Run, and the leave is given back afterwards.
	Admit func(ctx context.Context) (admitted context.Context, giveBack func(), err error)
	// Pace, if set, returns the least time at present between the starts of
	// two batches, of which the later is neither full nor more urgent.
	Pace func() time.Duration
	// Run carries out a batch and returns one outcome per item, in order. The
	// error is for the batch as a whole, and a panic a [*PanicError]. The
	// context has the values of one of the callers', the priority of the most
	// urgent, and ends when every caller has left.
	Run func(ctx context.Context, items []In) ([]Out, error)
}

// A Batcher gathers items. It runs no goroutine while it has nothing to do;
// each batch has one that ends with it. Methods may be called concurrently.
type Batcher[In, Out any] struct {
	cfg     Config[In, Out]
	mu      stdsync.Mutex
	waiting []*entry[In, Out]          // in the order they came
	latest  map[string]*entry[In, Out] // the last waiting one of each key
	busy    map[string]bool            // keys in flight, unless they fold
	active  []*batch[In, Out]
	started [sync.Priorities]time.Time // the last batch of each priority
	timer   *time.Timer
	closed  bool
	idle    stdsync.Once
	ended   chan struct{} // closed when closed and nothing is left
}

// New returns a batcher; it starts nothing.
func New[In, Out any](cfg Config[In, Out]) *Batcher[In, Out] {
	cfg.Max = max(cfg.Max, 1)
	if cfg.InFlight <= 0 {
		cfg.InFlight = 4
	}
	if cfg.Patience <= 0 {
		cfg.Patience = 10 * cfg.Linger
	}
	return &Batcher[In, Out]{cfg: cfg, latest: map[string]*entry[In, Out]{}, busy: map[string]bool{}, ended: make(chan struct{})}
}

// Do has the items carried out and returns their outcomes in order. The error
// is that of a batch that failed as a whole, or the context's: a caller whose
// context ends leaves, and its items that still wait are withdrawn unless
// another caller shares them.
func (b *Batcher[In, Out]) Do(ctx context.Context, items ...In) ([]Out, error) {
	outs, errs := b.Each(ctx, items...)
	if err := cmp.Or(errs...); err != nil {
		return nil, err
	}
	return outs, nil
}

// Each is [Batcher.Do] for items that are worth having without the others: it
// tells of each, in order, its outcome or the error that Do would return.
func (b *Batcher[In, Out]) Each(ctx context.Context, items ...In) ([]Out, []error) {
	c := &call[In, Out]{ctx: ctx, left: len(items), done: make(chan struct{})}
	err := ctx.Err()
	if err == nil && len(items) > 0 {
		err = b.submit(c, items)
	}
	if err != nil || len(items) == 0 {
		return make([]Out, len(items)), slices.Repeat([]error{err}, len(items))
	}
	select {
	case <-c.done: // nobody changes the entries any more
	case <-ctx.Done():
		b.leave(c)
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	return c.outcomes()
}

// Close fires what waits, refuses new items, and returns when every batch has
// ended or the context has.
func (b *Batcher[In, Out]) Close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	b.fire()
	b.mu.Unlock()
	select {
	case <-b.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *Batcher[In, Out]) submit(c *call[In, Out], items []In) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	now, priority := time.Now(), sync.PriorityOf(c.ctx)
	for _, item := range items {
		e := b.place(item, priority, now)
		e.waits = append(e.waits, c)
		c.entries = append(c.entries, e)
	}
	b.fire()
	return nil
}

// place returns the waiting entry that the item shares, or a new one. What
// waits ahead with the same key is as urgent from now on: it goes first.
func (b *Batcher[In, Out]) place(item In, priority sync.Priority, now time.Time) *entry[In, Out] {
	e := &entry[In, Out]{item: item, priority: priority, since: now}
	if b.cfg.Key != nil {
		e.key = b.cfg.Key(item)
		e.before = b.latest[e.key]
		for o := e.before; o != nil; o = o.before {
			o.priority = min(o.priority, priority)
		}
		if b.cfg.Fold && e.before != nil {
			return e.before
		}
		b.latest[e.key] = e
	}
	b.waiting = append(b.waiting, e)
	return e
}

// leave withdraws a caller. Its waiting entries are passed over when their
// turn comes, and a batch in flight that nobody wants is cancelled.
func (b *Batcher[In, Out]) leave(c *call[In, Out]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.gone = true
	for _, e := range c.entries {
		if e.batch != nil && !wanted(e.batch.entries...) {
			e.batch.cancel()
		}
	}
}
