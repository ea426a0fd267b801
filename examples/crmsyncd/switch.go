package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// A part is what of a flow a switch suspends.
type part struct {
	Flow  string `arg:"" help:"The flow, such as contacts."`
	Field string `help:"Only this field."`
	To    string `placeholder:"SYSTEM" help:"Only what is written to this system: bird or hubspot."`
}

// find is the switch of the part.
func (p *part) find(d *deployment) (*sync.Flow, sync.Switch, error) {
	f, err := d.flow(p.Flow)
	if err != nil {
		return nil, sync.Switch{}, err
	}
	s := sync.Switch{Flow: f.Name, Field: p.Field}
	if err := hasField(f, p.Field); err != nil {
		return nil, s, err
	}
	if p.To != "" {
		to, err := side(f, p.To)
		if err != nil {
			return nil, s, err
		}
		s.To = to.String()
	}
	return f, s, nil
}

type suspendCommand struct {
	part
	Why string `help:"The reason, for those who find it suspended and for the audit."`
}

// Run keeps a flow, or a part of it, from being written until resume.
func (c *suspendCommand) Run(ctx context.Context, t *terminal) error {
	why := limited(strings.TrimSpace(c.Why), 200)
	if why == "" {
		return usage("say why by --why, for those who find it suspended")
	}
	return t.with(ctx, func(d *deployment) error {
		f, s, err := c.find(d)
		if err != nil {
			return err
		}
		if err := d.note(ctx, t, "suspend", s.String()+": "+why, sync.Entry{Flow: f.Name}); err != nil {
			return err
		}
		s.Why = why
		if err := d.engine.Suspend(ctx, s); err != nil {
			return err
		}
		return t.print(map[string]any{"suspended": s}, func(w io.Writer) {
			fmt.Fprintf(w, "%s is suspended: what changes waits for crmsyncd %s\n", suspended(f, s), resumeOf(f, s))
		})
	})
}

type resumeCommand struct{ part }

// Run puts a switch back, and has what waited looked at.
func (c *resumeCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, s, err := c.find(d)
		if err != nil {
			return err
		}
		thrown, err := d.switches(ctx, f)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(thrown, func(o sync.Switch) bool { return o.Field == s.Field && o.To == s.To }) {
			return usage("that is not suspended; " + resumable(f, thrown))
		}
		if err := d.note(ctx, t, "resume", s.String(), sync.Entry{Flow: f.Name}); err != nil {
			return err
		}
		stop := t.watchRuns(d)
		err = d.engine.Resume(ctx, s)
		stop()
		if err != nil {
			return err
		}
		return t.print(map[string]any{"resumed": s}, func(w io.Writer) {
			fmt.Fprintf(w, "%s is no longer suspended; what differs is looked at\n", suspended(f, s))
		})
	})
}

// switches are those of a flow that are thrown.
func (d *deployment) switches(ctx context.Context, f *sync.Flow) ([]sync.Switch, error) {
	all, err := d.engine.Suspended(ctx)
	return slices.DeleteFunc(all, func(s sync.Switch) bool { return s.Flow != f.Name }), err
}

// resumable says how to resume what is suspended.
func resumable(f *sync.Flow, thrown []sync.Switch) string {
	if len(thrown) == 0 {
		return "nothing of " + f.Name + " is"
	}
	var ways []string
	for _, s := range thrown {
		ways = append(ways, resumeOf(f, s))
	}
	return "use one of: " + strings.Join(ways, "; ")
}

// resumeOf is the command line that resumes, without the program.
func resumeOf(f *sync.Flow, s sync.Switch) string {
	line := "resume " + f.Name
	if s.Field != "" {
		line += " --field " + s.Field
	}
	if to := systemOf(f, s); to != "" {
		line += " --to " + to
	}
	return line
}

// suspended names what a switch suspends.
func suspended(f *sync.Flow, s sync.Switch) string {
	name := cmp.Or(s.Field, "all") + " of " + f.Name
	if to := systemOf(f, s); to != "" {
		name += " to " + to
	}
	return name
}

// systemOf is the system to which a switch lets nothing be written, "" for both.
func systemOf(f *sync.Flow, s sync.Switch) string {
	for _, side := range []sync.Side{sync.Left, sync.Right} {
		if s.To == side.String() {
			return string(f.End(side).System)
		}
	}
	return ""
}
