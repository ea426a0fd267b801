package main

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/urbanhub/crmsync/sync"
)

// explain prints why the deal that a sales person moved is in its stage.
func (s *story) explain(ctx context.Context) error {
	deal, _ := s.deal(favoured)
	why, err := s.engine.Explain(ctx, s.deals.Name, sync.Ref{System: s.deals.Right.System, Kind: s.deals.Right.Kind, ID: deal})
	if err != nil {
		return err
	}
	for i := range why.Fields {
		if f := &why.Fields[i]; f.Field == "stage" {
			s.say("explain", "why deal %s is at %s, as Engine.Explain tells it:", deal, f.Agreed)
			return s.table(f.Steps)
		}
	}
	return fmt.Errorf("explain: no story of the stage of deal %s", deal)
}

// table prints the latest steps of a field.
func (s *story) table(steps []sync.Step) error {
	t := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "\t\tin Bird\tin HubSpot\tagreed on\trule\ttold by")
	for _, step := range steps[max(len(steps)-8, 0):] {
		fmt.Fprintf(t, "\t%.2fs\t%s\t%s\t%s\t%s\t%s\n", step.At.Sub(s.start).Seconds(),
			cmp.Or(step.Before[sync.Left].String(), "-"), cmp.Or(step.Before[sync.Right].String(), "-"), step.After, step.Rule, teller(step.Causes))
	}
	return t.Flush()
}

// teller is the vendor's name of the event that led to a step.
func teller(causes []string) string {
	for _, cause := range causes {
		for part := range strings.SplitSeq(cause, ":") {
			if strings.Contains(part, ".") {
				return part
			}
		}
	}
	return strings.Join(causes, ", ")
}
