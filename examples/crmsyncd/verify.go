package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urbanhub/crmsync/sync"
)

type verifyCommand struct {
	Flow    string  `arg:"" optional:"" help:"The flow; all of them unless given."`
	Percent float64 `help:"Compare this part of the pairs, always the same ones."`
	Most    int     `placeholder:"N" help:"Compare this many pairs at the most."`
	Audit   bool    `help:"Also read the whole audit and look for entries that were tampered with."`
}

// differencesShown bounds what people are shown; JSON has up to 1,000.
const differencesShown = 20

// Run reads pairs afresh on both sides and compares them. What differs is
// looked at again by the daemon.
func (v *verifyCommand) Run(ctx context.Context, t *terminal) error {
	if !(v.Percent >= 0 && v.Percent <= 100) || v.Most < 0 {
		return usage("--percent is a number up to 100, --most one above 0; leave both out for all pairs")
	}
	return t.with(ctx, func(d *deployment) error {
		flows, err := d.flows(v.Flow)
		if err != nil {
			return err
		}
		stop := t.watchRuns(d)
		var out verified
		for _, f := range flows {
			a, err := d.engine.VerifySample(ctx, f.Name, sync.Sample{Percent: v.Percent, Most: v.Most})
			if err != nil {
				stop()
				return err
			}
			out.Flows = append(out.Flows, a)
			thrown, err := d.switches(ctx, f)
			if err != nil {
				stop()
				return err
			}
			out.Suspended = append(out.Suspended, thrown...)
		}
		stop()
		if v.Audit {
			report, err := d.engine.VerifyAudit(ctx)
			if err != nil {
				return err
			}
			out.Audit = &report
		}
		if err := t.print(out, out.text); err != nil {
			return err
		}
		return out.judge(d.cfg.Alerts.Objectives.Agreement)
	})
}

// verified is what a verification found.
type verified struct {
	Flows     []sync.Agreement  `json:"flows"`
	Suspended []sync.Switch     `json:"suspended,omitempty"` // what differs there is skipped
	Audit     *sync.AuditReport `json:"audit,omitempty"`
}

func (v *verified) text(w io.Writer) {
	fmt.Fprintln(w, "flow\tpairs\tmissing\tcompared\tequal\tskipped\tagreement")
	for _, a := range v.Flows {
		fmt.Fprintf(w, "%s\t%d of %d\t%d\t%d\t%d\t%d\t%s\n", a.Flow, a.Pairs, a.Population, a.Missing, a.Compared, a.Equal, a.Skipped, agreement(&a))
	}
	for _, a := range v.Flows {
		for _, x := range a.Differences[:min(len(a.Differences), differencesShown)] {
			fmt.Fprintf(w, "differs\t%s\t%s\t%s\n", x.Field, x.Left, x.Right)
		}
		for _, x := range a.KeptOut[:min(len(a.KeptOut), differencesShown)] {
			fmt.Fprintf(w, "kept out\t%s\t%s\t%s\n", x.Field, x.Left, x.Right)
		}
	}
	for _, s := range v.Suspended {
		fmt.Fprintf(w, "suspended\t%s: %s\n", s, oneLine(s.Why))
	}
	if v.Audit != nil {
		fmt.Fprintf(w, "audit\t%d entries of %d links\t%d faults\n", v.Audit.Entries, v.Audit.Links, len(v.Audit.Faults))
	}
}

// agreement is the share of the fields that are equal, if any was compared.
func agreement(a *sync.Agreement) string {
	if a.Compared == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f %%", 100*a.Ratio())
}

// judge tells what a person should look at.
func (v *verified) judge(objective float64) error {
	if v.Audit != nil && len(v.Audit.Faults) > 0 {
		return found("the audit was tampered with")
	}
	for _, a := range v.Flows {
		if a.Ratio() < objective || a.Missing > 0 {
			return found("the agreement of " + a.Flow + " is below the objective, or records are missing; what differs is being looked at, so verify again in a while")
		}
	}
	if len(v.Suspended) > 0 {
		return found(v.Suspended[0].Flow + " is suspended, and what differs there was skipped; crmsyncd doctor says why and how to resume it")
	}
	return nil
}
