package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/urbanhub/crmsync/sync"
)

type undoCommand struct {
	Flow       string `arg:"" help:"The flow, such as contacts."`
	Record     string `help:"Only this record, as system:kind:id, or a contact's email."`
	Field      string `help:"Only this field."`
	Load       string `name:"run" help:"Only what the backfill of this name led to."`
	Since      moment `help:"Only decisions since then: a time, or how long ago, such as 2h."`
	Until      moment `help:"Only decisions before then."`
	Everything bool   `help:"All writes since the first day: what --yes wants where nothing else limits it."`
	Yes        bool   `help:"Do it; without this it only tells what it would do."`
	Reveal     bool   `help:"Show values, which are personal data; the audit keeps who did."`
}

// A moment is a time, or how long ago it was.
type moment struct{ time.Time }

// Decode implements kong.MapperValue.
func (m *moment) Decode(ctx *kong.DecodeContext) error {
	var text string
	if err := ctx.Scan.PopValueInto("moment", &text); err != nil {
		return err
	}
	if ago, err := time.ParseDuration(text); err == nil {
		m.Time = time.Now().Add(-ago)
		return nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return fmt.Errorf("write a time such as 2026-11-23T14:00:00Z, or how long ago, such as 2h")
	}
	m.Time = t
	return nil
}

// Run takes writes back, but not what people changed since. What was done
// before it failed is told, too.
func (u *undoCommand) Run(ctx context.Context, t *terminal) error {
	if err := u.check(); err != nil {
		return err
	}
	return t.with(ctx, func(d *deployment) error {
		f, err := d.flow(u.Flow)
		if err != nil {
			return err
		}
		if err := hasField(f, u.Field); err != nil {
			return err
		}
		what := sync.Undo{Flow: f.Name, Field: u.Field, Run: u.Load, Since: u.Since.Time, Until: u.Until.Time, DryRun: !u.Yes}
		if u.Record != "" {
			if what.Ref, err = d.recordOf(ctx, f, u.Record); err != nil {
				return err
			}
		}
		if err := u.note(ctx, t, d, f, what.Ref); err != nil {
			return err
		}
		undone, err := d.engine.Undo(ctx, what)
		if err != nil && len(undone) == 0 {
			return err
		}
		return errors.Join(u.print(t, undone, err == nil), err)
	})
}

// check refuses a time that never was, and to take everything back for who did
// not say so.
func (u *undoCommand) check() error {
	limits := u.limits()
	switch {
	case !u.Since.IsZero() && !u.Until.IsZero() && !u.Since.Before(u.Until.Time):
		return usage("--since has to be before --until: from 2h ago until 1h ago is --since 2h --until 1h")
	case u.Everything && len(limits) > 0:
		return usage("say --everything, or what limits it, not both")
	case u.Yes && !u.Everything && len(limits) == 0:
		return usage("this would take back every write since the first day: limit it by --record, --field, --run, --since or --until, or say --everything")
	}
	return nil
}

// limits says what it is limited to, for the audit.
func (u *undoCommand) limits() []string {
	var out []string
	for _, x := range []struct {
		what string
		set  bool
	}{
		{"a record", u.Record != ""}, {"field " + limited(u.Field, 100), u.Field != ""}, {"run " + limited(u.Load, 100), u.Load != ""},
		{"since " + u.Since.UTC().Format(time.RFC3339), !u.Since.IsZero()}, {"until " + u.Until.UTC().Format(time.RFC3339), !u.Until.IsZero()},
	} {
		if x.set {
			out = append(out, x.what)
		}
	}
	return out
}

// note has the audit keep what is undone, and whose values are shown.
func (u *undoCommand) note(ctx context.Context, t *terminal, d *deployment, f *sync.Flow, ref sync.Ref) error {
	n := sync.Entry{Flow: f.Name}
	if !ref.Zero() {
		n = about(f, ref)
	}
	what := cmp.Or(strings.Join(u.limits(), ", "), "everything")
	if u.Yes {
		if err := d.note(ctx, t, "undo", what, n); err != nil {
			return err
		}
	}
	if u.Reveal {
		return d.note(ctx, t, "reveal", "an undo: "+what, n)
	}
	return nil
}

// An undoing is what people are shown of one field.
type undoing struct {
	Record string `json:"record"`
	Field  string `json:"field"`
	From   string `json:"from"`
	To     string `json:"to"`
	Kept   string `json:"kept,omitempty"`
}

// print tells what was undone, all that was to be or the part before it failed.
func (u *undoCommand) print(t *terminal, undone []sync.Undone, complete bool) error {
	out := []undoing{}
	for _, x := range undone {
		out = append(out, undoing{x.Ref.String(), x.Field, shown(x.From, u.Reveal), shown(x.To, u.Reveal), x.Kept})
	}
	return t.print(map[string]any{"undone": out, "done": u.Yes, "complete": complete}, func(w io.Writer) {
		for _, x := range out {
			fmt.Fprintf(w, "%s\t%s\t%s → %s\t%s\n", x.Record, x.Field, cmp.Or(x.From, "-"), cmp.Or(x.To, "-"), x.Kept)
		}
		switch {
		case !complete && !u.Yes:
			fmt.Fprintf(w, "\n%d fields, and then it failed: of the rest nothing is known. Nothing was changed\n", len(out))
		case !complete:
			fmt.Fprintf(w, "\n%d fields, and then it failed: the same again goes on with the rest\n", len(out))
		case len(out) == 0:
			fmt.Fprintln(w, "There is nothing to take back.")
		case !u.Yes:
			fmt.Fprintf(w, "\n%d fields. Nothing was changed. Do it by the same with %s\n", len(out), u.consent())
		}
	})
}

// consent is what has to be said for it to be done.
func (u *undoCommand) consent() string {
	if len(u.limits()) == 0 && !u.Everything {
		return "--everything --yes"
	}
	return "--yes"
}
