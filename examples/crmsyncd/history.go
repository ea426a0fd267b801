package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/sync"
)

type historyCommand struct {
	Contacts []string `arg:"" optional:"" help:"Contacts as bird:contact:id; without any, all that are linked."`
	Since    moment   `help:"Only what happened since then: a time, or how long ago, such as 720h."`
	Name     string   `default:"history" help:"The run (${default}). One of the same name goes on where it stopped."`
}

const (
	// historyPage is how many links are read at once, and after how many the
	// place is kept; historyCalls how many contacts are asked about at once.
	historyPage, historyCalls = 100, 8
	// historyCrowd is how many facts may wait before no more are added: what
	// happens now does not stand in line behind what happened long ago.
	historyCrowd = 1000
)

// Run brings in what Bird's past conversations tell, as the facts that webhooks
// would have made: what one of them or an earlier run told is there already.
func (c *historyCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		if err := d.note(ctx, t, "history", "past conversations", sync.Entry{}); err != nil {
			return err
		}
		defer t.watchRuns(d)()
		h := &history{deployment: d, t: t, since: c.Since.Time, run: c.Name}
		err := c.walk(ctx, h)
		if err != nil {
			return err
		}
		result := map[string]int64{"contacts": h.contacts.Load(), "facts": h.facts.Load()}
		return t.print(result, func(w io.Writer) {
			fmt.Fprintf(w, "contacts\t%d\nfacts\t%d\tthe daemon carries them out; those that were known stay as they are\n", result["contacts"], result["facts"])
		})
	})
}

// walk goes through the contacts named, or through all that are linked.
func (c *historyCommand) walk(ctx context.Context, h *history) error {
	var named []sync.Ref
	for _, text := range c.Contacts {
		ref, err := parseRef(text)
		if err != nil {
			return err
		}
		named = append(named, ref)
	}
	if len(named) > 0 {
		return h.tell(ctx, named)
	}
	for _, f := range h.set.Flows {
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			if end := f.End(s); end.System == bird.System && end.Kind == bird.Contact {
				if err := h.linked(ctx, f, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// A history is a run through past conversations.
type history struct {
	*deployment
	t               *terminal
	since           time.Time
	run             string
	contacts, facts atomic.Int64
}

// linked goes through the contacts of a flow in the order of their links, and
// keeps its place.
func (h *history) linked(ctx context.Context, f *sync.Flow, s sync.Side) error {
	cursor := "crmsyncd:history:" + h.run + ":" + f.Name
	for {
		place, err := h.storage.store.Cursor(ctx, cursor)
		if err != nil {
			return err
		}
		links, err := h.storage.store.Links(ctx, f.Name, string(place), historyPage)
		if err != nil {
			return err
		}
		var refs []sync.Ref
		next := sync.Cursor("") // so that the next run begins anew
		for i := range links {
			if next = sync.Cursor(links[i].ID); links[i].State == sync.Active {
				refs = append(refs, links[i].End(s))
			}
		}
		if err := h.tell(ctx, refs); err != nil {
			return err
		}
		if err := h.storage.store.SetCursor(ctx, cursor, place, next); err != nil || len(links) == 0 {
			return err
		}
	}
}

// tell enqueues the facts of contacts that some activity records.
func (h *history) tell(ctx context.Context, refs []sync.Ref) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(historyCalls)
	for _, ref := range refs {
		group.Go(func() error {
			if err := h.room(ctx); err != nil {
				return err
			}
			facts, err := h.bird.History(ctx, ref, h.since)
			if err != nil && sync.ActionOf(err) != sync.NotFound { // who is gone has nothing to tell
				return err
			}
			var items []sync.Item
			for _, f := range facts {
				if slices.ContainsFunc(h.set.Activities, func(a *sync.Activity) bool { return a.Fact == f.Type }) {
					items = append(items, f)
				}
			}
			h.facts.Add(int64(len(items)))
			h.contacts.Add(1)
			return h.engine.Enqueue(ctx, items...)
		})
	}
	err := group.Wait()
	h.watch.observe(sync.Event{Type: sync.EventProgress, Progress: &sync.Progress{Run: h.run, Done: int(h.contacts.Load()), More: true}})
	return err
}

// room waits while many facts are ready to be worked on, and says now and then
// that it does.
func (h *history) room(ctx context.Context) error {
	told := time.Now()
	for {
		stats, err := h.storage.queue.Stats(ctx, time.Now())
		waiting := stats.ByPriority[sync.Facts] - stats.Sleeping
		if err != nil || waiting < historyCrowd {
			return err
		}
		if time.Since(told) > progressInterval && !h.t.json {
			told = time.Now()
			h.t.note("%d facts wait for the daemon to carry them out", waiting)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
