package sync

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// A lane whose worker dies is delivered again, and its pair's intent closed. The
// call of a host, as an Undo, is not: if it dies between the intent and the look
// that follows, nothing may ever hint at the pair again. So the pairs whose
// intents nobody closed are looked at.

// abandonedMost bounds how many pairs are looked at in one go, those first that
// have waited the longest.
const abandonedMost = 1000

// watchAbandoned looks for abandoned intents until ctx ends.
func (e *Engine) watchAbandoned(ctx context.Context) {
	for {
		if err := e.lookAtAbandoned(ctx); err != nil && ctx.Err() == nil {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "cannot look for intents that nobody closed yet", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(e.cfg.Lease):
		}
	}
}

// lookAtAbandoned enqueues a look at each pair whose intent expired a lease ago:
// by then it has been closed by whoever was given its lane. A pair that something
// keeps back is looked at once an hour.
func (e *Engine) lookAtAbandoned(ctx context.Context) error {
	now := time.Now()
	links, err := e.cfg.Store.Open(ctx, now.Add(-e.cfg.Lease), abandonedMost)
	if err != nil {
		return err
	}
	var looks []Item
	for i := range links {
		l := &links[i]
		ref := l.Left
		if ref.Zero() {
			ref = l.Right
		}
		if _, err := e.plannerOf(l.Flow); err != nil || ref.Zero() {
			continue // a fact's, which is delivered again
		}
		id := "abandoned:" + l.Intent.ID + ":" + strconv.FormatInt(now.Truncate(time.Hour).Unix(), 36)
		looks = append(looks, Change{ID: id, Ref: ref, Reason: ReasonVerify, Priority: Sweep})
	}
	return e.Enqueue(ctx, looks...)
}
