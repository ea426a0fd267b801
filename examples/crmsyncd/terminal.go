package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
)

// A terminal is where a command works: it prints results to out, and all that
// is not a result to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	live     bool // err is a screen, on which a line can be drawn again
	json     bool
	config   string
	environ  []string
	actor    string      // who calls, for the audit
	reads    io.Reader   // what the command reads, if anything
	shared   *deployment // inside the daemon: its own
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// An exit is an error with an exit code of its own.
type exit struct {
	code int
	text string
}

func (e exit) Error() string { return e.text }

func usage(text string) error { return exit{exitUsage, text} }

// found says that a command worked, and what a person should look at.
func found(text string) error { return exit{exitFound, text} }

// fail tells of an error and returns the exit code.
func (t *terminal) fail(err error) int {
	if err == nil {
		return exitDone
	}
	code := exitFailed
	var e exit
	var wrong problems
	switch {
	case errors.As(err, &e):
		code = e.code
	case errors.As(err, &wrong):
		code = exitConfig
	}
	if t.json {
		_ = json.NewEncoder(t.err).Encode(struct {
			Error    string   `json:"error"`
			Exit     int      `json:"exit"`
			Problems problems `json:"problems,omitempty"`
		}{err.Error(), code, wrong}) // a broken pipe is nobody's to hear of
	} else {
		t.note("%s", err)
	}
	return code
}

// note tells something that is no result.
func (t *terminal) note(format string, args ...any) {
	fmt.Fprintf(t.err, "crmsyncd: "+format+"\n", args...)
}

// print writes a result, as JSON if that was asked for.
func (t *terminal) print(result any, text func(w io.Writer)) error {
	if t.json {
		enc := json.NewEncoder(t.out)
		enc.SetIndent("", "  ")
		return enc.Encode(result)
	}
	w := tabwriter.NewWriter(t.out, 0, 4, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// load reads the configuration.
func (t *terminal) load() (*config, error) { return loadConfig(t.config, t.environ) }

// with composes the deployment for a command and closes it afterwards. Inside
// the daemon it is the daemon's own; elsewhere it wants what the daemon keeps.
func (t *terminal) with(ctx context.Context, command func(d *deployment) error) error {
	if t.shared != nil {
		return command(t.shared)
	}
	c, err := t.load()
	if err == nil {
		err = c.elsewhere()
	}
	if err != nil {
		return err
	}
	return t.over(ctx, c, command)
}

// withNew is with for a command that may come before the first start: it makes
// SQLite's file where there is none.
func (t *terminal) withNew(ctx context.Context, command func(d *deployment) error) error {
	if t.shared != nil {
		return command(t.shared)
	}
	c, err := t.load()
	if err != nil {
		return err
	}
	return t.over(ctx, c, command)
}

func (t *terminal) over(ctx context.Context, c *config, command func(d *deployment) error) error {
	d, err := newDeployment(ctx, c, c.logger(t.err, quiet))
	if err != nil {
		return err
	}
	if err = d.storage.ready(ctx); err == nil {
		err = command(d)
	}
	return errors.Join(err, d.close(ctx))
}
