package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

type doctorCommand struct {
	TestAlerts bool `help:"Send a test to everybody who is told of alerts."`
}

// A finding is the outcome of one check.
type finding struct {
	State string `json:"state"` // ok, note, warn or fix
	Check string `json:"check"`
	Text  string `json:"text"`
	Do    string `json:"do,omitempty"`
}

const (
	stateOK   = "ok"
	stateNote = "note" // nobody can tell from here; a person knows
	stateWarn = "warn" // it works, and will not for ever
	stateFix  = "fix"  // it does not work
)

// A doctor collects findings.
type doctor struct {
	*deployment
	findings []finding
}

func (d *doctor) ok(check, text string)       { d.add(stateOK, check, text, "") }
func (d *doctor) note(check, text, do string) { d.add(stateNote, check, text, do) }
func (d *doctor) warn(check, text, do string) { d.add(stateWarn, check, text, do) }
func (d *doctor) fix(check, text, do string)  { d.add(stateFix, check, text, do) }

func (d *doctor) add(state, check, text, do string) {
	d.findings = append(d.findings, finding{state, check, text, do})
}

// wrong notes an error with its hint.
func (d *doctor) wrong(check string, err error, do string) {
	var e *sync.Error
	if errors.As(err, &e) && e.Hint != "" && do == "" {
		do = e.Hint
	}
	d.fix(check, err.Error(), do)
}

// Run goes through the checks. What one of them finds keeps none of the others
// from being made, but a configuration that is wrong.
func (c *doctorCommand) Run(ctx context.Context, t *terminal) error {
	d := &doctor{}
	err := c.examine(ctx, t, d)
	if err != nil {
		return err
	}
	err = t.print(map[string]any{"findings": d.findings, "healthy": !d.sick()}, func(w io.Writer) {
		for _, f := range d.findings {
			fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Check, oneLine(f.Text))
			if f.Do != "" {
				fmt.Fprintf(w, "\t\t→ %s\n", oneLine(f.Do))
			}
		}
	})
	if err == nil && d.sick() {
		err = found("something is to be fixed, see above")
	}
	return err
}

func (d *doctor) sick() bool {
	return slices.ContainsFunc(d.findings, func(f finding) bool { return f.State == stateFix })
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// examine makes the checks, inside the daemon over what it has open.
func (c *doctorCommand) examine(ctx context.Context, t *terminal, d *doctor) error {
	if t.shared != nil {
		d.deployment = t.shared
		d.ok("configuration", "that of the daemon, which runs")
		d.strangers(t.shared.cfg)
		d.checkStorage(ctx)
		c.checkRest(ctx, d)
		return nil
	}
	cfg, err := t.load()
	if err != nil {
		return err
	}
	d.ok("configuration", t.config+" and the environment")
	d.strangers(cfg)
	if err := d.open(ctx, cfg, cfg.logger(t.err, quiet)); err != nil {
		return err
	}
	c.checkRest(ctx, d)
	_ = d.close(ctx) // what it misses was told by the checks
	return nil
}

// open composes the deployment, over memory if its storage cannot be opened or
// is not there yet, so that the rest can be checked.
func (d *doctor) open(ctx context.Context, cfg *config, log *slog.Logger) (err error) {
	trial := *cfg
	trial.Store, trial.Queue = "memory", "memory"
	if missing := cfg.elsewhere(); missing != nil {
		d.note("store", missing.Error(), "")
		d.deployment, err = newDeployment(ctx, &trial, log)
		return err
	}
	if d.deployment, err = newDeployment(ctx, cfg, log); err == nil {
		d.checkStorage(ctx)
		return nil
	}
	if wrong := (problems)(nil); errors.As(err, &wrong) {
		return err
	}
	d.wrong("storage", err, "")
	d.deployment, err = newDeployment(ctx, &trial, log)
	return err
}

func (c *doctorCommand) checkRest(ctx context.Context, d *doctor) {
	d.checkBird(ctx)
	d.checkHubSpot(ctx)
	d.checkMapping(ctx)
	d.checkClocks()
	d.checkReach(ctx)
	d.checkAlerts(ctx, c.TestAlerts)
	d.checkTraces(ctx)
}

// strangers warns of variables that nothing reads.
func (d *doctor) strangers(cfg *config) {
	for _, name := range cfg.strangers {
		d.warn("environment", name+" is not read by anything", "compare its name with crmsyncd.yaml, which shows every setting")
	}
}

// checkStorage looks at the store, the queue and what lies in it.
func (d *doctor) checkStorage(ctx context.Context) {
	sound := true
	for _, name := range []string{"store", "queue"} {
		engine := map[string]string{"store": d.cfg.Store, "queue": d.cfg.Queue}[name]
		warnings, err := d.storage.inspect[name](ctx)
		if err != nil {
			d.wrong(name, err, "run crmsyncd migrate; if it fails, too, look whether "+engine+" is up and may be written to")
			sound = false
			continue
		}
		for _, w := range warnings {
			d.warn(name, w, "")
		}
		d.ok(name, engine+", as this release needs it")
	}
	if sound {
		d.checkBacklog(ctx)
		d.checkModes(ctx)
	}
}
