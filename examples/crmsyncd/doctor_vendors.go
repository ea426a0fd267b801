package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/hubspot"
	"github.com/urbanhub/crmsync/mapping"
	"github.com/urbanhub/crmsync/sync"
)

// checkBacklog tells of what waits for a person.
func (d *doctor) checkBacklog(ctx context.Context) {
	stats, err := d.storage.queue.Stats(ctx, time.Now())
	switch {
	case err != nil:
		d.wrong("backlog", err, "")
	case stats.Dead > 0:
		d.warn("backlog", fmt.Sprintf("%d dead letters, %d messages wait", stats.Dead, stats.Waiting), "see what is wrong by crmsyncd dlq list, mend it, and crmsyncd dlq replay --all")
	default:
		d.ok("backlog", fmt.Sprintf("no dead letters, %d messages wait", stats.Waiting))
	}
}

// checkModes tells of what is suspended, by whatever process, and of what does
// not work as usual in this one.
func (d *doctor) checkModes(ctx context.Context) {
	for _, f := range d.set.Flows {
		thrown, err := d.switches(ctx, f)
		if err != nil {
			d.wrong("suspended", err, "")
			return
		}
		for _, s := range thrown {
			d.warn("suspended", fmt.Sprintf("%s, since %s: %s", suspended(f, s), s.At.Format(time.RFC3339), cmp.Or(s.Why, "nobody said why")),
				"see that the reason is gone, then crmsyncd "+resumeOf(f, s))
		}
	}
	for _, m := range d.engine.Modes() {
		if strings.HasPrefix(m.Name, "suspended: ") {
			continue // told above
		}
		text := strings.TrimSpace(string(m.System)+" "+m.Name) + ": " + m.Why
		if !m.Since.IsZero() {
			text += ", since " + m.Since.Format(time.RFC3339)
		}
		d.warn("mode", text, "it ends by itself when its cause does; docs/operations.md says what each mode means")
	}
}

// checkBird tries the access key, and compares the workspace with the mapping.
func (d *doctor) checkBird(ctx context.Context) {
	if _, err := d.bird.AttributeDefinitions(ctx); err != nil {
		d.wrong("bird access key", err, "")
		return
	}
	d.ok("bird access key", "the workspace answers")
	report, err := d.setupBird(ctx, bird.SetupOptions{DryRun: true, EnableChannels: true})
	if report == nil {
		d.wrong("bird set-up", err, "")
		return
	}
	var n tally
	for _, l := range report.Lines {
		switch check := "bird " + l.What; l.State {
		case bird.Exists:
			n.fine++
		case bird.WouldCreate, bird.WouldChange, bird.WouldRemove:
			n.missing = append(n.missing, l.Name)
		case bird.Warning:
			d.warn(check, l.Name, l.Note)
		case bird.ByHand:
			d.note(check, l.Name+" is set up by a person", l.Note)
		default:
			d.unsound(check, l.Name, l.Note, l.Err)
		}
	}
	d.conclude("bird set-up", "attributes, webhooks and channels", n)
}

// A tally counts what is as the mapping needs it.
type tally struct {
	fine    int
	missing []string
}

// conclude tells what the set-up would do.
func (d *doctor) conclude(check, things string, n tally) {
	if len(n.missing) == 0 {
		d.ok(check, fmt.Sprintf("%d %s are as needed", n.fine, things))
		return
	}
	d.fix(check, "missing or not as needed: "+strings.Join(n.missing, ", "), "run crmsyncd setup --yes")
}

// checkHubSpot tries the token, and compares the account with the mapping.
func (d *doctor) checkHubSpot(ctx context.Context) {
	if _, err := d.hubspot.Describe(ctx, hubspot.Contact); err != nil {
		d.wrong("hubspot token", err, "")
		return
	}
	d.ok("hubspot token", "the account answers")
	report, err := d.setupHubSpot(ctx, hubspot.SetupOptions{DryRun: true})
	if report == nil {
		d.wrong("hubspot set-up", err, "")
		return
	}
	if d.cfg.HubSpot.Portal != 0 && report.PortalID != 0 && report.PortalID != int64(d.cfg.HubSpot.Portal) {
		d.fix("hubspot portal", fmt.Sprintf("the token is of the account %d", report.PortalID), "correct hubspot.portal, or give the token of that account")
	}
	var n tally
	for _, l := range report.Lines {
		name := fmt.Sprintf("%s %s", l.Kind, l.Name)
		switch check := "hubspot " + l.What; l.State {
		case hubspot.Exists:
			n.fine++
		case hubspot.WouldCreate, hubspot.WouldChange:
			n.missing = append(n.missing, name)
		case hubspot.Excess:
			d.warn(check, "the token may do more than it needs: "+l.Name, l.Note)
		case hubspot.Unavailable:
			d.note(check, name+" is not offered by the account", l.Note)
		default:
			d.unsound(check, name, l.Note, l.Err)
		}
	}
	d.conclude("hubspot set-up", "properties, pipelines and events", n)
}

// unsound tells of a line of a report that is not as needed, or that could not
// be looked at.
func (d *doctor) unsound(check, name, note string, err error) {
	var e *sync.Error
	switch {
	case errors.As(err, &e) && (e.Action == sync.Retry || e.Action == sync.RetryAt):
		d.warn(check, name+" could not be looked at: "+err.Error(), "run crmsyncd doctor again in a moment")
	case e != nil:
		d.fix(check, name+": "+err.Error(), cmp.Or(e.Hint, note))
	default:
		d.fix(check, name, note)
	}
}

// fieldTypes are the types of a mapping that HubSpot's stand for.
var fieldTypes = map[string]mapping.Type{
	"string": mapping.TypeText, "number": mapping.TypeNumber, "bool": mapping.TypeBool,
	"enumeration": mapping.TypeEnum, "date": mapping.TypeDate, "datetime": mapping.TypeDateTime,
}

// checkMapping proves the mapping against the properties that HubSpot has,
// once it has all of them.
func (d *doctor) checkMapping(ctx context.Context) {
	if slices.ContainsFunc(d.findings, func(f finding) bool { return f.State == stateFix && strings.HasPrefix(f.Check, "hubspot") }) {
		d.note("mapping", "it is proved when HubSpot is as needed", "")
		return
	}
	for _, f := range d.set.Flows {
		var schemas [2]mapping.Schema
		for _, s := range []sync.Side{sync.Left, sync.Right} {
			if end := f.End(s); end.System == hubspot.System {
				properties, err := d.hubspot.Describe(ctx, end.Kind)
				if err != nil {
					d.wrong("mapping "+f.Name, err, "")
					continue
				}
				schemas[s] = describe(properties)
			}
		}
		if err := mapping.Check(f, schemas[sync.Left], schemas[sync.Right]); err != nil {
			d.fix("mapping "+f.Name, err.Error(), "change the mapping, or the properties in HubSpot")
			continue
		}
		d.ok("mapping "+f.Name, fmt.Sprintf("%d fields, proved", len(f.Fields)))
	}
}

// describe is an account's properties in the words of package mapping.
func describe(properties []hubspot.Property) mapping.Schema {
	schema := mapping.Schema{}
	for _, p := range properties {
		m := mapping.Property{Type: fieldTypes[p.Type], ReadOnly: p.ReadOnly}
		if p.FieldType == "checkbox" {
			m.Type = mapping.TypeMulti
		}
		for _, o := range p.Options {
			m.Options = append(m.Options, o.Value)
		}
		schema[p.Name] = m
	}
	return schema
}

// wrongClock is how far clocks may be apart. HubSpot's signatures are refused
// from 5 minutes on, and the order of edits suffers long before.
const wrongClock = 30 * time.Second

// checkClocks compares ours with the vendors', as their last answers told them.
func (d *doctor) checkClocks() {
	for name, skew := range map[string]time.Duration{"bird": d.bird.Skew(), "hubspot": d.hubspot.Skew()} {
		if skew > wrongClock {
			d.fix("clock", fmt.Sprintf("ours and %s's are up to %s apart", name, skew.Round(time.Second)), "have the machine's clock set by NTP")
			return
		}
	}
	d.ok("clock", "ours and the vendors' agree")
}
