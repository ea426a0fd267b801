package sync

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
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
	stored, err := e.beginning.known(func() (Cursor, error) {
		stored, err := e.cfg.Store.Cursor(ctx, beganName)
		if err == nil && stored == "" {
			return e.firstSweep(ctx)
		}
		return stored, err
	})
	if err != nil || !e.cfg.HistoryByBackfill {
		return time.Time{}, err
	}
	return time.Parse(time.RFC3339Nano, string(stored))
}

// A beginning is a moment that is noted once and never changes. All feeds of
// a process ask for it at its start, of which one does.
type beginning struct {
	noted  atomic.Pointer[Cursor]
	asking singleflight.Group
}

func (b *beginning) known(load func() (Cursor, error)) (Cursor, error) {
	if noted := b.noted.Load(); noted != nil {
		return *noted, nil
	}
	out, err, _ := b.asking.Do("", func() (any, error) {
		noted, err := load()
		if err == nil && noted != "" {
			b.noted.Store(&noted)
		}
		return noted, err
	})
	return out.(Cursor), err
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
