package sync

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// retainEvery is how often Run looks for dead letters that are too old.
const retainEvery = time.Hour

// DiscardDead deletes for good the dead letters that died before a moment, and
// returns how many. They hold what vendors told, personal data among it, so a
// retention in days is a duty in many places. The audit notes it first; what a
// letter was about is synced by its next change, or by a verification.
func (e *Engine) DiscardDead(ctx context.Context, before time.Time) (int, error) {
	ids, err := e.diedBefore(ctx, before)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	note := fmt.Sprintf("retention: %d dead letters that died before %s are discarded", len(ids), before.UTC().Format(time.RFC3339))
	if err := e.Note(ctx, Entry{Note: note}); err != nil {
		return 0, err
	}
	return e.cfg.Queue.Discard(ctx, time.Now(), ids...)
}

// diedBefore lists the letters that died before a moment; the queue tells the
// oldest first.
func (e *Engine) diedBefore(ctx context.Context, before time.Time) (ids []string, err error) {
	var filter DeadFilter
	for {
		letters, err := e.cfg.Queue.Dead(ctx, filter)
		if err != nil || len(letters) == 0 {
			return ids, err
		}
		for i := range letters {
			if !letters[i].DiedAt.Before(before) {
				return ids, nil
			}
			ids = append(ids, letters[i].Message.ID)
		}
		filter.After = ids[len(ids)-1]
	}
}

// retain discards dead letters that are older than the retention until ctx
// ends. Several processes may do so at once: each letter goes once.
func (e *Engine) retain(ctx context.Context) {
	for {
		if _, err := e.DiscardDead(ctx, time.Now().Add(-e.cfg.DeadRetention)); err != nil && ctx.Err() == nil {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "old dead letters are not discarded, it is tried again", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(retainEvery):
		}
	}
}
