package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urbanhub/crmsync/sync"
)

type backfillCommand struct {
	Flow   string `arg:"" help:"The flow, such as contacts."`
	From   string `required:"" placeholder:"SYSTEM" help:"Whose records are walked: bird or hubspot."`
	Name   string `help:"The run. One of the same name goes on where it stopped."`
	Stages []int  `placeholder:"N,…" help:"After how many records to look at the outcome: 10,100,1000; the last repeats."`
	Most   int    `placeholder:"N" help:"Suspend the flow if more records would be created."`
}

// Run walks through all records of one side once. It stops by itself when it
// goes badly, and goes on when it is called again.
func (b *backfillCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, err := d.flow(b.Flow)
		if err != nil {
			return err
		}
		from, err := side(f, b.From)
		if err != nil {
			return err
		}
		if err := d.note(ctx, t, "load", f.Name+" from "+b.From, sync.Entry{Flow: f.Name}); err != nil {
			return err
		}
		defer t.watchRuns(d)()
		p, err := d.engine.Backfill(ctx, sync.Load{Name: b.Name, Flow: f.Name, From: from, Stages: b.Stages, Guard: sync.Guard{Creations: b.Most}})
		if err != nil {
			return err
		}
		err = t.print(p, func(w io.Writer) {
			fmt.Fprintf(w, "looked at\t%d\nfailed\t%d\nambiguous\t%d\nin conflict\t%d\n", p.Done+p.Earlier, p.Failed, p.Duplicates, p.Conflicts)
		})
		if err == nil && p.Failed+p.Duplicates > 0 {
			err = found("some records wait for a person; see crmsyncd dlq list and the dashboard's conflicts")
		}
		return err
	})
}
