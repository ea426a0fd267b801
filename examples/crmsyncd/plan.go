package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

type planCommand struct {
	Flow    string   `arg:"" help:"The flow, such as contacts."`
	Records []string `arg:"" optional:"" help:"Records as system:kind:id, or contacts' emails; without any, those of --from."`
	From    string   `placeholder:"SYSTEM" help:"Whose records are listed: bird or hubspot."`
	Most    int      `default:"1000" placeholder:"N" help:"List this many records at the most (${default})."`
	Show    int      `default:"20" placeholder:"N" help:"Tell of this many records field by field (${default})."`
	Reveal  bool     `help:"Show values, which are personal data; the audit keeps who did."`
}

// Run tells what a sync would do to records, by the true planner against live
// reads, and does nothing. With --json it is what apply wants.
func (p *planCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		f, err := d.flow(p.Flow)
		if err != nil {
			return err
		}
		refs, err := p.refs(ctx, d, f)
		if err != nil {
			return err
		}
		if p.Reveal {
			if err := d.note(ctx, t, "reveal", fmt.Sprintf("a forecast of %d records", len(refs)), sync.Entry{Flow: f.Name}); err != nil {
				return err
			}
		}
		stop := t.watchRuns(d)
		forecast, err := d.engine.Forecast(ctx, f.Name, refs)
		stop()
		if err != nil {
			return err
		}
		return t.print(forecast, func(w io.Writer) {
			printForecast(w, &forecast)
			p.printItems(w, f, &forecast, d.cfg.Dashboard.Plain)
			p.printRefusals(w, &forecast)
		})
	})
}

// refs are the records named, or listed.
func (p *planCommand) refs(ctx context.Context, d *deployment, f *sync.Flow) ([]sync.Ref, error) {
	var refs []sync.Ref
	for _, text := range p.Records {
		ref, err := d.recordOf(ctx, f, text)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	if len(refs) > 0 {
		return refs, nil
	}
	from, err := side(f, p.From)
	if err != nil {
		return nil, usage("name records, or the side with --from: " + err.Error())
	}
	lister, ok := d.settled.Peers[f.End(from).System].Source.(sync.Lister)
	if !ok {
		return nil, usage("the records of that side cannot be listed: name them")
	}
	for cursor, more := sync.Cursor(""), true; more && len(refs) < p.Most; {
		page, err := lister.List(ctx, f.End(from).Kind, cursor)
		if err != nil {
			return nil, err
		}
		for _, rec := range page.Records {
			refs = append(refs, rec.Ref)
		}
		cursor, more = page.Next, page.More
	}
	return refs[:min(len(refs), p.Most)], nil
}

// printForecast tells the sums.
func printForecast(w io.Writer, f *sync.Forecast) {
	for _, sum := range []struct {
		what string
		n    int
	}{
		{"records", f.Records}, {"would be created", f.Creates}, {"would change", f.Updates}, {"of these kept out by rollout", f.KeptOut},
		{"unchanged", f.Unchanged}, {"of these put aside, a record being gone", f.Detaches}, {"refused", f.Refused}, {"of these ambiguous", f.Ambiguous},
		{"would fail", f.Failed}, {"values overwritten", f.Overwrites}, {"conflicts", f.Conflicts},
	} {
		if sum.n > 0 || !strings.HasPrefix(sum.what, "of these") {
			fmt.Fprintf(w, "%s\t%d\n", sum.what, sum.n)
		}
	}
	for _, system := range slices.Sorted(maps.Keys(f.Calls)) {
		if f.Calls[system] > 0 {
			fmt.Fprintf(w, "calls\t%s\tat least %d\n", system, f.Calls[system])
		}
	}
	if f.Takes > 0 {
		fmt.Fprintf(w, "takes\tat least %s\n", f.Takes.Round(time.Second))
	}
	for _, name := range slices.Sorted(maps.Keys(f.Fields)) {
		fmt.Fprintf(w, "field\t%s\t%d\n", name, f.Fields[name])
	}
	for _, name := range slices.Sorted(maps.Keys(f.Rules)) {
		fmt.Fprintf(w, "rule\t%s\t%d\n", name, f.Rules[name])
	}
}

// printItems tells what each record's fields are, left and right, and what they
// would be.
func (p *planCommand) printItems(w io.Writer, flow *sync.Flow, f *sync.Forecast, plain []string) {
	for _, item := range f.Items[:min(max(p.Show, 0), len(f.Items))] {
		fmt.Fprintf(w, "\n%s\n", item.Ref)
		for i := range item.Decisions {
			x := &item.Decisions[i]
			of := slices.IndexFunc(flow.Fields, func(f sync.Field) bool { return f.Name == x.Field })
			open := p.Reveal || slices.Contains(plain, x.Field) || of >= 0 && impersonal(&flow.Fields[of])
			show := func(v sync.Value) string { return cmp.Or(shown(v, open), "-") }
			fmt.Fprintf(w, "  %s\t%s | %s → %s\tby %s\n", x.Field, show(x.Before[sync.Left]), show(x.Before[sync.Right]), show(x.After), x.Rule)
		}
	}
	more(w, len(f.Items)-p.Show)
}

// printRefusals tells which records stay as they are, and why.
func (p *planCommand) printRefusals(w io.Writer, f *sync.Forecast) {
	for i, r := range f.Refusals[:min(max(p.Show, 0), len(f.Refusals))] {
		if i == 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "stays\t%s\tby %s\n", r.Ref, r.Rule)
	}
	more(w, len(f.Refusals)-p.Show)
}

// more tells of what is not shown.
func more(w io.Writer, n int) {
	if n > 0 {
		fmt.Fprintf(w, "and %d more, see --show and --json\n", n)
	}
}

type applyCommand struct{}

// AfterApply has the forecast read, here or by the process that forwards.
func (*applyCommand) AfterApply(t *terminal) error {
	t.reads = t.in
	return nil
}

// Run enqueues a look at the records of a forecast, which it reads from
// standard input, but not at those that have moved since.
func (*applyCommand) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		var forecast sync.Forecast
		if err := json.NewDecoder(t.in).Decode(&forecast); err != nil || forecast.Flow == "" {
			return usage("standard input is no forecast: crmsyncd plan FLOW --from SYSTEM --json > plan.json, then crmsyncd apply < plan.json")
		}
		if _, err := d.flow(forecast.Flow); err != nil {
			return err
		}
		if err := d.note(ctx, t, "apply", fmt.Sprintf("a forecast of %d records of %s", len(forecast.Items), forecast.Flow), sync.Entry{Flow: forecast.Flow}); err != nil {
			return err
		}
		stop := t.watchRuns(d)
		moved, err := d.engine.ApplyForecast(ctx, forecast)
		stop()
		if err != nil {
			return err
		}
		result := applied{Enqueued: len(forecast.Items) - len(moved), Moved: moved}
		if err := t.print(result, result.text); err != nil || len(moved) == 0 {
			return err
		}
		return found("some records have moved since: plan again")
	})
}

// applied is what apply did.
type applied struct {
	Enqueued int        `json:"enqueued"`
	Moved    []sync.Ref `json:"moved"`
}

func (a *applied) text(w io.Writer) {
	fmt.Fprintf(w, "enqueued\t%d\tthe daemon carries them out\n", a.Enqueued)
	for _, ref := range a.Moved {
		fmt.Fprintf(w, "moved\t%s\n", ref)
	}
}
