package sync

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// An Engine keeps systems in step. Its methods may be called concurrently;
// Run and RunOnce may run in several processes over one store and queue.
type Engine struct {
	cfg        Config
	planners   []*Planner
	switches   switches
	footing    *footing // the store
	doors      ailment  // of those that take in webhooks
	feeds      map[string]*ailment
	beginning  beginning // of the deployment's sweeps
	breaker    breaker
	guarded    guarded
	creates    creates
	sightings  sightings
	activities map[string][]*Activity // by the type of their facts
	hinted     chan struct{}          // there may be work to take
}

// New returns an engine. It starts nothing; see [Engine.Run].
func New(cfg Config) (*Engine, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	e := &Engine{cfg: cfg, footing: &footing{Store: cfg.Store}, activities: map[string][]*Activity{}, hinted: make(chan struct{}, 1)}
	e.cfg.Store = e.footing
	e.feeds = map[string]*ailment{}
	for _, p := range e.pulls() {
		e.feeds[p.name] = &ailment{}
	}
	for _, a := range cfg.Activities {
		e.activities[a.Fact] = append(e.activities[a.Fact], a)
	}
	for _, f := range cfg.Flows {
		p, err := NewPlanner(f)
		if err != nil {
			return nil, err
		}
		e.planners = append(e.planners, p)
	}
	return e, nil
}

var _ Inbox = (*Engine)(nil)

// Enqueue stores changes and facts in the queue and returns when they are
// durable. An incomplete item is an [*Error] of action Invalid and then none
// is stored; an error of the queue is returned as it is.
func (e *Engine) Enqueue(ctx context.Context, items ...Item) error {
	if len(items) == 0 {
		return nil
	}
	ctx, end := e.span(ctx, Span{Op: OpEnqueue, Count: len(items)})
	err := e.enqueue(ctx, items)
	end(err)
	return err
}

func (e *Engine) enqueue(ctx context.Context, items []Item) error {
	now, carrier := time.Now(), e.carrier(ctx)
	var msgs []Message
	for _, item := range items {
		if item == nil {
			return &Error{Op: "enqueue", Action: Invalid, Rule: "item.present", Hint: "pass a Change or a Fact", Err: errors.New("nil item")}
		}
		ms, err := item.messages(now, carrier)
		if err != nil {
			return err
		}
		if f, ok := item.(Fact); ok && !e.knows(f.Subject) {
			ms = ms[1:] // there is nothing to look at
		}
		msgs = append(msgs, ms...)
	}
	err := e.cfg.Queue.Push(ctx, now, msgs...)
	if ctx.Err() == nil {
		e.doors.note(err)
	}
	if err != nil {
		return err
	}
	e.observe(Event{Type: EventEnqueued, Count: len(items)})
	return nil
}

// Run works until ctx ends: it takes lanes from the queue and sweeps the
// sources. Then it takes no more, lets the work under way finish for up to
// Config.StopTimeout, and returns nil. It returns an error at once when store
// or queue cannot be reached at the start, so that a broken deployment shows.
func (e *Engine) Run(ctx context.Context) error {
	if err := e.begins(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { e.take(ctx, working) })
	for _, p := range e.pulls() {
		if p.every > 0 {
			wg.Go(func() { e.pullEvery(ctx, p) })
		}
	}
	if e.cfg.DeadRetention > 0 {
		wg.Go(func() { e.retain(ctx) })
	}
	for _, system := range e.inventoried() {
		wg.Go(func() { e.inventoryEvery(ctx, system) })
	}
	wg.Go(func() { e.watchHealth(ctx) })
	wg.Go(func() { e.watchBehind(ctx) })
	wg.Go(func() { e.watchAbandoned(ctx) })
	<-ctx.Done()
	timeout := time.AfterFunc(e.cfg.StopTimeout, stop)
	defer timeout.Stop()
	wg.Wait()
	return nil
}

// RunOnce sweeps every source once and works until the queue has nothing that
// is ready, then returns: one pass for a cron job or a test. Messages that
// sleep until a retry time stay in the queue.
func (e *Engine) RunOnce(ctx context.Context) error {
	if err := e.begins(ctx); err != nil {
		return err
	}
	var errs []error
	for _, p := range e.pulls() {
		if _, err := e.pull(ctx, p); err != nil {
			errs = append(errs, err)
		}
	}
	for _, p := range e.planners {
		errs = append(errs, e.letGo(ctx, p.flow), e.catchUpIfDue(ctx, p.flow))
	}
	errs = append(errs, e.lookAtAbandoned(ctx))
	return errors.Join(append(errs, e.drain(ctx))...)
}

// ReplayDead moves all dead letters that the filter selects back to work and
// returns how many: what to do after the cause of many of them is mended. The
// records are read afresh, so nothing stale can come back.
func (e *Engine) ReplayDead(ctx context.Context, filter DeadFilter) (int, error) {
	var ids []string
	for {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil {
			return 0, err
		}
		if len(letters) == 0 {
			return e.cfg.Queue.Replay(ctx, time.Now(), ids...)
		}
		for i := range letters {
			ids = append(ids, letters[i].Message.ID)
		}
		filter.After = ids[len(ids)-1]
	}
}

// begins finds out whether store and queue are there, and what is suspended.
func (e *Engine) begins(ctx context.Context) error {
	if err := e.ping(ctx); err != nil {
		return err
	}
	return e.refreshSwitches(ctx)
}

// ping makes one trivial call to store and queue.
func (e *Engine) ping(ctx context.Context) error {
	if _, err := e.cfg.Store.Cursor(ctx, "ping"); err != nil {
		return &Error{Op: "start", Action: ActionOf(err), Rule: "store.reachable", Hint: "check the store", Err: err}
	}
	if _, err := e.cfg.Queue.Stats(ctx, time.Now()); err != nil {
		return &Error{Op: "start", Action: ActionOf(err), Rule: "queue.reachable", Hint: "check the queue", Err: err}
	}
	return nil
}

// knows reports whether some flow has such records.
func (e *Engine) knows(ref Ref) bool {
	for _, p := range e.planners {
		if _, ok := p.flow.SideOf(ref); ok {
			return true
		}
	}
	return false
}

// systems lists the systems of the flows, each once, in a stable order.
func (e *Engine) systems() []System {
	var out []System
	for _, f := range e.cfg.Flows {
		for _, s := range []System{f.Left.System, f.Right.System} {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	return out
}

func (e *Engine) observe(ev Event) {
	ev.At = time.Now()
	e.cfg.Observer(ev)
}
