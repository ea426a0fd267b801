package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

type explainCommand struct {
	Record string `arg:"" help:"A record as system:kind:id, or a contact's email."`
	Field  string `help:"Only this field."`
	Reveal bool   `help:"Show values, which are personal data; the audit keeps who did."`
}

// Run tells why each field has its value.
func (c *explainCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, ref, err := d.record(ctx, c.Record)
		if err != nil {
			return err
		}
		if err := hasField(f, c.Field); err != nil {
			return err
		}
		why, err := d.engine.Explain(ctx, f.Name, ref)
		if err != nil {
			return err
		}
		if c.Reveal {
			if err := d.note(ctx, t, "reveal", "the values of a record", about(f, ref)); err != nil {
				return err
			}
		}
		e := c.explain(f, &why, d.cfg.Dashboard.Plain)
		return t.print(e, e.text)
	})
}

// An explained pair is what people are shown of it.
type explained struct {
	Flow   string  `json:"flow"`
	Left   string  `json:"left"`
	Right  string  `json:"right"`
	State  string  `json:"state"`
	By     string  `json:"linked_by"`
	Fields []story `json:"fields"`
	Events []event `json:"events"`
}

type story struct {
	Field  string `json:"field"`
	Agreed string `json:"agreed"`
	Steps  []step `json:"steps"`
}

type step struct {
	At        time.Time `json:"at"`
	Outcome   string    `json:"outcome"`
	Rule      string    `json:"rule"`
	Left      string    `json:"left"`
	Right     string    `json:"right"`
	After     string    `json:"after"`
	Ambiguous bool      `json:"ambiguous,omitempty"`
	Written   bool      `json:"written"`
	Causes    []string  `json:"causes"`
}

type event struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Note string    `json:"note,omitempty"`
}

func (c *explainCommand) explain(flow *sync.Flow, why *sync.Explanation, plain []string) explained {
	e := explained{Flow: why.Flow, Left: why.Link.Left.String(), Right: why.Link.Right.String(), State: string(why.Link.State), By: why.Link.Evidence}
	for i := range why.Fields {
		f := &why.Fields[i]
		if c.Field != "" && c.Field != f.Field {
			continue
		}
		open := c.Reveal || slices.Contains(plain, f.Field) || impersonal(&flow.Fields[i])
		show := func(v sync.Value) string { return shown(v, open) }
		s := story{Field: f.Field, Agreed: show(f.Agreed)}
		for _, x := range f.Steps {
			s.Steps = append(s.Steps, step{At: x.At, Outcome: string(x.Outcome), Rule: x.Rule, Left: show(x.Before[sync.Left]), Right: show(x.Before[sync.Right]),
				After: show(x.After), Ambiguous: x.Ambiguous, Written: x.Written, Causes: x.Causes})
		}
		e.Fields = append(e.Fields, s)
	}
	for i := range why.Events {
		e.Events = append(e.Events, event{why.Events[i].At, string(why.Events[i].Kind), why.Events[i].Note})
	}
	return e
}

// impersonal reports whether a field holds no personal data by its nature: a
// record's id, or a stage.
func impersonal(f *sync.Field) bool {
	return f.Policy.Kind == sync.Monotonic || slices.Equal(f.Left.Names(), []string{sync.IDField}) || slices.Equal(f.Right.Names(), []string{sync.IDField})
}

// shown is a value, or what kind of one it is.
func shown(v sync.Value, plain bool) string {
	switch {
	case v.Blank():
		return ""
	case plain:
		return v.String()
	}
	return v.Shape()
}

func (e *explained) text(w io.Writer) {
	fmt.Fprintf(w, "%s\t%s = %s\t%s, linked by %s\n", e.Flow, e.Left, e.Right, e.State, cmp.Or(e.By, "nothing"))
	for _, x := range e.Events {
		fmt.Fprintf(w, "  %s\t%s\t%s\n", x.At.Format(time.RFC3339), x.What, oneLine(x.Note))
	}
	for _, f := range e.Fields {
		fmt.Fprintf(w, "\n%s\tagreed on: %s\n", f.Field, cmp.Or(f.Agreed, "-"))
		for _, s := range f.Steps {
			rule := s.Rule
			if s.Ambiguous {
				rule += " (nobody can know the order)"
			}
			fmt.Fprintf(w, "  %s\t%s by %s\t%s | %s → %s\t%s\n", s.At.Format(time.RFC3339), s.Outcome, rule,
				cmp.Or(s.Left, "-"), cmp.Or(s.Right, "-"), cmp.Or(s.After, "-"), strings.Join(s.Causes, ", "))
		}
	}
}
