package main

import (
	"context"
	"errors"
	"fmt"
	"io"
)

type migrateCommand struct {
	DryRun bool `help:"Only tell whether the tables are as this release needs them."`
}

// Run brings the tables up to date. Redis and memory have none; SQLite's are
// made when the file is opened.
func (m *migrateCommand) Run(ctx context.Context, t *terminal) error {
	c, err := t.load()
	if err != nil {
		return err
	}
	s, err := openStorage(ctx, c, c.logger(t.err, quiet))
	if err != nil {
		return err
	}
	if !m.DryRun {
		for _, migrate := range s.migrate {
			err = errors.Join(err, migrate(ctx))
		}
	}
	if err == nil {
		err = s.ready(ctx)
	}
	if err == nil {
		err = t.print(map[string]string{"store": c.Store, "queue": c.Queue, "state": "ready"}, func(w io.Writer) {
			fmt.Fprintf(w, "store\t%s\tready\nqueue\t%s\tready\n", c.Store, c.Queue)
		})
	}
	return errors.Join(err, s.close(ctx))
}
