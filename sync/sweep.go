package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// A pull is one feed of one system with the name of its cursor.
type pull struct {
	system System
	name   string
	feed   Feed
	every  time.Duration
}

// sweepOf returns the pull of a system's own stream.
func (e *Engine) sweepOf(system System) pull {
	return pull{system, "sweep:" + string(system), e.cfg.Peers[system].Source, e.cfg.SweepInterval}
}

// pulls lists every stream of the flows' systems, each system's own first.
func (e *Engine) pulls() []pull {
	var out []pull
	for _, system := range e.systems() {
		out = append(out, e.sweepOf(system))
		for _, p := range e.cfg.Peers[system].Feeds {
			every := p.Every
			setDefault(&every, e.cfg.SweepInterval)
			out = append(out, pull{system, "feed:" + string(system) + ":" + p.Name, p.Feed, every})
		}
	}
	return out
}

// pullEvery asks a feed at once and then at its interval, until ctx ends.
func (e *Engine) pullEvery(ctx context.Context, p pull) {
	for {
		_, err := e.pull(ctx, p)
		if ctx.Err() == nil {
			e.feeds[p.name].note(err)
		}
		if err != nil && ctx.Err() == nil {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "sweep failed, it goes on where it stopped",
				slog.String("feed", p.name), slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(p.every):
		}
	}
}

// Sweep asks a system for the changes since the last sweep and enqueues them:
// the catch-up for webhooks that never came. It returns how many changes the
// system reported; those that are known already are dropped by the queue.
func (e *Engine) Sweep(ctx context.Context, system System) (int, error) {
	if !slices.Contains(e.systems(), system) {
		return 0, &Error{Op: "sweep", Action: Invalid, Rule: "system.known", Hint: fmt.Sprintf("name one of the systems %v", e.systems()),
			Err: fmt.Errorf("no flow has a system %q", system)}
	}
	return e.pull(ctx, e.sweepOf(system))
}

// pull asks a feed for everything since its cursor.
func (e *Engine) pull(ctx context.Context, p pull) (int, error) {
	ctx = WithPriority(ctx, Sweep)
	start, total := time.Now(), 0
	began, err := e.began(ctx)
	if err != nil {
		return 0, err
	}
	for more := true; more; {
		var n int
		var again bool
		err := e.safely(ctx, func() (err error) { n, again, err = e.page(ctx, p, began); return err })
		total, more = total+n, again
		if errors.Is(err, ErrStale) {
			break // another process pulls this feed
		}
		if err != nil {
			return total, err
		}
	}
	e.observe(Event{Type: EventSwept, Ref: Ref{System: p.system}, Count: total, Duration: time.Since(start)})
	return total, nil
}

// page takes in one page of a feed: its changes first, then its cursor, so
// that a crash between the two only repeats it.
func (e *Engine) page(ctx context.Context, p pull, began time.Time) (n int, more bool, err error) {
	cursor, err := e.cfg.Store.Cursor(ctx, p.name)
	if err != nil {
		return 0, false, err
	}
	from := cursor
	if from == "" {
		from = start(p.feed, began)
	}
	page, err := p.feed.Changes(ctx, from)
	if err != nil {
		return 0, false, err
	}
	if page.Gap {
		if err := e.restart(ctx, p); err != nil {
			return 0, false, err
		}
	}
	if err := e.enqueueChanges(ctx, page.Changes, began); err != nil {
		return 0, false, err
	}
	return len(page.Changes), page.More, e.cfg.Store.SetCursor(ctx, p.name, cursor, page.Next)
}

// restart has a system swept from the beginning, because a feed cannot tell
// what changed. The feed's own place is stored afterwards, so a crash in
// between only repeats the restart.
func (e *Engine) restart(ctx context.Context, p pull) error {
	e.cfg.Logger.LogAttrs(ctx, slog.LevelWarn, "a feed lost its place, the whole system is swept", slog.String("feed", p.name))
	e.observe(Event{Type: EventGap, Ref: Ref{System: p.system}})
	sweep := e.sweepOf(p.system)
	if sweep.name == p.name {
		return nil // it begins again by itself
	}
	cursor, err := e.cfg.Store.Cursor(ctx, sweep.name)
	if err != nil || cursor == "" {
		return err
	}
	return e.cfg.Store.SetCursor(ctx, sweep.name, cursor, "")
}

// enqueueChanges enqueues the changes, but those from before the deployment
// began, of records that some flow knows.
func (e *Engine) enqueueChanges(ctx context.Context, changes []Change, began time.Time) error {
	items := make([]Item, 0, len(changes))
	for _, c := range changes {
		if e.knows(c.Ref) && !c.history(began) {
			items = append(items, c)
		}
	}
	return e.Enqueue(ctx, items...)
}
