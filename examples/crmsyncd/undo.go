package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/alecthomas/kong"

	"github.com/urbanhub/crmsync/sync"
)

type undoCommand struct {
	Flow   string `arg:"" help:"The flow, such as contacts."`
	Record string `help:"Only this record, as system:kind:id."`
	Field  string `help:"Only this field."`
	Load   string `name:"run" help:"Only what the backfill of this name led to."`
	Since  moment `help:"Only decisions since then: a time, or how long ago, such as 2h."`
	Until  moment `help:"Only decisions before then."`
	Yes    bool   `help:"Do it; without this it only tells what it would do."`
	Reveal bool   `help:"Show values, which are personal data."`
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

// Run takes writes back, but not what people changed since.
func (u *undoCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, err := d.flow(u.Flow)
		if err != nil {
			return err
		}
		what := sync.Undo{Flow: f.Name, Field: u.Field, Run: u.Load, Since: u.Since.Time, Until: u.Until.Time, DryRun: !u.Yes}
		if u.Record != "" {
			if what.Ref, err = parseRef(u.Record); err != nil {
				return err
			}
		}
		if u.Yes || u.Reveal {
			n := sync.Entry{Flow: f.Name}
			if !what.Ref.Zero() {
				n = about(f, what.Ref)
			}
			if err := d.note(ctx, t, "undo", cmp.Or(u.Load, u.Field, "writes"), n); err != nil {
				return err
			}
		}
		undone, err := d.engine.Undo(ctx, what)
		if err != nil {
			return err
		}
		return u.print(t, undone)
	})
}

// An undoing is what people are shown of one field.
type undoing struct {
	Record string `json:"record"`
	Field  string `json:"field"`
	From   string `json:"from"`
	To     string `json:"to"`
	Kept   string `json:"kept,omitempty"`
}

func (u *undoCommand) print(t *terminal, undone []sync.Undone) error {
	out := []undoing{}
	for _, x := range undone {
		out = append(out, undoing{x.Ref.String(), x.Field, shown(x.From, u.Reveal), shown(x.To, u.Reveal), x.Kept})
	}
	return t.print(map[string]any{"undone": out, "done": u.Yes}, func(w io.Writer) {
		for _, x := range out {
			fmt.Fprintf(w, "%s\t%s\t%s → %s\t%s\n", x.Record, x.Field, cmp.Or(x.From, "-"), cmp.Or(x.To, "-"), x.Kept)
		}
		if !u.Yes {
			fmt.Fprintf(w, "\n%d fields. Nothing was changed. Do it by the same with --yes\n", len(out))
		}
	})
}
