package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

type eraseCommand struct {
	Record string `arg:"" help:"A record of the person as system:kind:id, or the person's email."`
	Yes    bool   `help:"Do it: nothing brings the data back."`
}

// Run removes a person's data in both systems and here, as privacy laws ask.
func (c *eraseCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, ref, err := d.record(ctx, c.Record)
		if err != nil {
			return err
		}
		link, err := d.storage.store.Link(ctx, f.Name, ref)
		if errors.Is(err, sync.ErrNotFound) {
			link, err = sync.Link{Left: ref}, nil // it was never linked
		}
		if err != nil {
			return err
		}
		if !c.Yes {
			return found(fmt.Sprintf("this would erase %s, what is known of them here and their dead letters, for good: say --yes", records(link.Left, link.Right)))
		}
		if err := d.note(ctx, t, "erase", "a person", sync.Entry{Flow: f.Name}); err != nil {
			return err
		}
		receipt, err := d.erase(ctx, f.Name, ref)
		if errors.Is(err, sync.ErrNotFound) {
			return usage("there is no such record, and nothing is known of it")
		}
		if err != nil {
			return err
		}
		return t.print(receipt, func(w io.Writer) {
			fmt.Fprintf(w, "receipt\t%s\t%s\nerased\t%s\n", receipt.ID, receipt.At.Format("2006-01-02 15:04:05 MST"),
				records(append([]sync.Ref{receipt.Left, receipt.Right}, receipt.Merged...)...))
			if !receipt.QueuedSince.IsZero() {
				fmt.Fprintln(w, "facts about them that still wait in the queue are dropped when their turn comes")
			}
		})
	})
}

// records names the records that there are.
func records(refs ...sync.Ref) string {
	var names []string
	for _, ref := range refs {
		if !ref.Zero() {
			names = append(names, ref.String())
		}
	}
	return strings.Join(names, " and ")
}

const (
	erasing = time.Minute // how long an erasure is tried
	between = 200 * time.Millisecond
)

// erase repeats the call while the pair is being written to.
func (d *deployment) erase(ctx context.Context, flow string, ref sync.Ref) (sync.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, erasing)
	defer cancel()
	for {
		receipt, err := d.engine.Erase(ctx, flow, ref)
		if action := sync.ActionOf(err); err == nil || action != sync.Conflict && action != sync.RetryAt {
			return receipt, err
		}
		select {
		case <-ctx.Done():
			return receipt, err
		case <-time.After(between):
		}
	}
}
