package sync

import (
	"context"
	"errors"
	"time"
)

// beganName is where the moment of the first sweep is kept.
const beganName = "began"

// clockSkew is by how much a system's clock may be behind ours.
const clockSkew = time.Minute

// began returns when this deployment swept for the first time, in whatever
// process that was. It is the zero time unless Config.HistoryByBackfill is
// set: then everything that changed belongs to the sweeps.
func (e *Engine) began(ctx context.Context) (time.Time, error) {
	if !e.cfg.HistoryByBackfill {
		return time.Time{}, nil
	}
	stored, err := e.cfg.Store.Cursor(ctx, beganName)
	if err == nil && stored == "" {
		now := Cursor(time.Now().Add(-clockSkew).UTC().Format(time.RFC3339Nano))
		if err = e.cfg.Store.SetCursor(ctx, beganName, "", now); errors.Is(err, ErrStale) {
			stored, err = e.cfg.Store.Cursor(ctx, beganName) // another process was first
		} else {
			stored = now
		}
	}
	if err != nil {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(stored))
}

// start returns where to read a feed for the first time.
func start(f Feed, began time.Time) Cursor {
	if s, ok := f.(Starter); ok && !began.IsZero() {
		return s.Start(began)
	}
	return ""
}

// history reports whether a change is from before the deployment, and so is
// left to a Backfill. One without a time is not.
func (c *Change) history(began time.Time) bool {
	return !c.OccurredAt.IsZero() && c.OccurredAt.Before(began)
}
