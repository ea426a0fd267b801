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
// process that was. It is noted in any case, but it is the zero time unless
// Config.HistoryByBackfill is set: then everything that changed belongs to the
// sweeps.
func (e *Engine) began(ctx context.Context) (time.Time, error) {
	stored, err := e.cfg.Store.Cursor(ctx, beganName)
	if err == nil && stored == "" {
		stored, err = e.firstSweep(ctx)
	}
	if err != nil || !e.cfg.HistoryByBackfill {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(stored))
}

// firstSweep notes that the deployment begins to sweep. One that swept before
// anybody noted it began at the zero time.
func (e *Engine) firstSweep(ctx context.Context) (Cursor, error) {
	began := time.Now().Add(-clockSkew).UTC()
	for _, p := range e.pulls() {
		switch place, err := e.cfg.Store.Cursor(ctx, p.name); {
		case err != nil:
			return "", err
		case place != "":
			began = time.Time{}
		}
	}
	to := Cursor(began.Format(time.RFC3339Nano))
	if err := e.cfg.Store.SetCursor(ctx, beganName, "", to); errors.Is(err, ErrStale) {
		return e.cfg.Store.Cursor(ctx, beganName) // another process was first
	} else if err != nil {
		return "", err
	}
	return to, nil
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
