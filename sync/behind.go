package sync

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// What a switch or a paused field keeps back waits in pairs at which nothing hints
// again. So it is stored that a flow is behind, and it is verified by whoever runs
// when it may go on: the process that saw it stop may not live that long.
const (
	caughtUp = Cursor("")      // it is not
	waiting  = Cursor("waits") // it is, and something keeps it back
	due      = Cursor("due")   // something goes on
	// Anything else is when the process that verifies it last said so.
)

func behindOf(flow string) string { return "behind:" + flow }

// beatEvery is how often a process says that it verifies, and beatSilence how long
// one may say nothing before it is taken for dead.
const (
	beatEvery   = time.Minute
	beatSilence = 5 * time.Minute
)

// behind stores how far behind a flow is. Whoever verifies it meanwhile has begun
// too early.
func (e *Engine) behind(ctx context.Context, flow string, to Cursor) error {
	for {
		from, err := e.cfg.Store.Cursor(ctx, behindOf(flow))
		if err != nil || from == to || from == due && to == waiting {
			return err
		}
		if err = e.cfg.Store.SetCursor(ctx, behindOf(flow), from, to); !errors.Is(err, ErrStale) {
			return err
		}
	}
}

// letGo has a flow caught up with that nothing keeps back any more.
func (e *Engine) letGo(ctx context.Context, flow *Flow) error {
	if e.keptBack(flow) {
		return nil
	}
	at, err := e.cfg.Store.Cursor(ctx, behindOf(flow.Name))
	if err != nil || at != waiting {
		return err
	}
	if err = e.cfg.Store.SetCursor(ctx, behindOf(flow.Name), waiting, due); errors.Is(err, ErrStale) {
		return nil // another process was first
	}
	return err
}

// watchBehind has flows verified that are behind, until ctx ends.
func (e *Engine) watchBehind(ctx context.Context) {
	for {
		for _, p := range e.planners {
			err := e.safely(ctx, func() error { return e.catchUpIfDue(ctx, p.flow) })
			if err != nil && ctx.Err() == nil {
				e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot look for what waited yet", slog.String("flow", p.flow.Name), slog.Any("error", err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(healthInterval):
		}
	}
}

// catchUpIfDue verifies a flow that may go on, unless somebody does.
func (e *Engine) catchUpIfDue(ctx context.Context, flow *Flow) error {
	at, err := e.cfg.Store.Cursor(ctx, behindOf(flow.Name))
	if err != nil || at == caughtUp || at == waiting {
		return err
	}
	if beat, err := time.Parse(time.RFC3339Nano, string(at)); err == nil && time.Since(beat) < beatSilence {
		return nil
	}
	v := &catchUp{engine: e, flow: flow, at: at}
	if err := v.beat(ctx); err != nil {
		if errors.Is(err, ErrStale) {
			return nil // another process was first
		}
		return err
	}
	return v.run(ctx)
}

// keptBack reports whether something of a flow is suspended or paused, as far as
// this process knows.
func (e *Engine) keptBack(flow *Flow) bool {
	return len(e.switches.of(flow.Name)) > 0 || len(e.degraded(&flow.Left)) > 0 || len(e.degraded(&flow.Right)) > 0
}

// A catchUp is a verification of a flow that was behind.
type catchUp struct {
	engine *Engine
	flow   *Flow
	at     Cursor // as it was stored last
}

// beat says that the flow is being verified.
func (v *catchUp) beat(ctx context.Context) error {
	now := Cursor(time.Now().UTC().Format(time.RFC3339Nano))
	err := v.engine.cfg.Store.SetCursor(ctx, behindOf(v.flow.Name), v.at, now)
	if err == nil {
		v.at = now
	}
	return err
}

// run verifies the flow and stores what is left to do.
func (v *catchUp) run(ctx context.Context) error {
	beating, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { v.keepBeating(beating) })
	_, err := v.engine.Verify(ctx, v.flow.Name)
	stop()
	wg.Wait()
	to := caughtUp
	switch {
	case err != nil:
		to = due
	case v.engine.keptBack(v.flow):
		to = waiting
	}
	after, cancel := v.engine.afterwards(ctx)
	defer cancel()
	if serr := v.engine.cfg.Store.SetCursor(after, behindOf(v.flow.Name), v.at, to); !errors.Is(serr, ErrStale) { // else it is behind again
		err = errors.Join(err, serr)
	}
	return err
}

func (v *catchUp) keepBeating(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(beatEvery):
			_ = v.beat(ctx) // it falls silent if it cannot
		}
	}
}
