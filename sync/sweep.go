package sync

import (
	"context"
	"errors"
	"log/slog"
	"time"
)

// sweepEvery sweeps a system at once and then at the configured interval.
func (e *Engine) sweepEvery(ctx context.Context, system System) {
	for {
		if _, err := e.sweep(ctx, system); err != nil && ctx.Err() == nil {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "sweep failed, it goes on where it stopped",
				slog.String("system", string(system)), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(e.cfg.SweepInterval):
		}
	}
}

// Sweep asks a system for the changes since the last sweep and enqueues them:
// the catch-up for webhooks that never came. It returns how many changes the
// system reported; those that are known already are dropped by the queue.
func (e *Engine) Sweep(ctx context.Context, system System) (int, error) {
	return e.sweep(ctx, system)
}

func (e *Engine) sweep(ctx context.Context, system System) (int, error) {
	source := e.cfg.Peers[system].Source
	name := "sweep:" + string(system)
	start, total := time.Now(), 0
	cursor, err := e.cfg.Store.Cursor(ctx, name)
	if err != nil {
		return 0, err
	}
	for {
		page, err := source.Changes(ctx, cursor)
		if err != nil {
			return total, err
		}
		if err := e.enqueueChanges(ctx, page.Changes); err != nil {
			return total, err
		}
		total += len(page.Changes)
		err = e.cfg.Store.SetCursor(ctx, name, cursor, page.Next)
		if errors.Is(err, ErrStale) {
			return total, nil // another process sweeps this system
		}
		if err != nil {
			return total, err
		}
		cursor = page.Next
		if !page.More {
			break
		}
	}
	e.observe(Event{Type: EventSwept, Ref: Ref{System: system}, Count: total, Duration: time.Since(start)})
	return total, nil
}

// enqueueChanges enqueues the changes of records that some flow knows.
func (e *Engine) enqueueChanges(ctx context.Context, changes []Change) error {
	items := make([]Item, 0, len(changes))
	for _, c := range changes {
		for _, p := range e.planners {
			if _, ok := p.flow.SideOf(c.Ref); ok {
				items = append(items, c)
				break
			}
		}
	}
	return e.Enqueue(ctx, items...)
}
