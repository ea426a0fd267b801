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
	if t.shared != nil { // a daemon only runs over tables that are ready
		return m.migrate(ctx, t, t.shared.cfg, t.shared.storage)
	}
	c, err := t.load()
	if err != nil {
		return err
	}
	s, err := openStorage(ctx, c, c.logger(t.err, quiet))
	if err != nil {
		return err
	}
	return errors.Join(m.migrate(ctx, t, c, s), s.close(ctx))
}

func (m *migrateCommand) migrate(ctx context.Context, t *terminal, c *config, s *storage) error {
	for _, migrate := range s.migrate {
		if m.DryRun {
			break
		}
		if err := migrate(ctx); err != nil {
			return err
		}
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	return t.print(map[string]string{"store": c.Store, "queue": c.Queue, "state": "ready"}, func(w io.Writer) {
		fmt.Fprintf(w, "store\t%s\tready\nqueue\t%s\tready\n", c.Store, c.Queue)
	})
}
