package hubspot

import (
	"context"
	"maps"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// degraded holds the fields that the account cannot hold at present. The zero
// value holds none.
type degraded struct {
	mu    stdsync.Mutex
	rules map[sync.Kind]map[string]string
}

// set notes the rule that a field breaks, "" for none any more, and reports
// whether the field was well before or is well now: a change from one rule to
// another is no news.
func (d *degraded) set(kind sync.Kind, name, rule string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.rules[kind][name]
	switch {
	case rule == "":
		delete(d.rules[kind], name)
	case d.rules[kind] == nil:
		if d.rules == nil {
			d.rules = map[sync.Kind]map[string]string{}
		}
		d.rules[kind] = map[string]string{name: rule}
	default:
		d.rules[kind][name] = rule
	}
	return (was == "") != (rule == "")
}

// of returns the rules that the fields of a kind break, by name.
func (d *degraded) of(kind sync.Kind) map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.rules[kind])
}

// Degraded implements [sync.Degrader]: the properties that reads, writes or
// [Adapter.Watch] found missing or changed, until a read or Watch finds them
// right.
func (a *Adapter) Degraded(kind sync.Kind) map[string]string { return a.degraded.of(kind) }

// vouchedFor is how long the schema's word for a property holds.
const vouchedFor = 10 * time.Minute

// vouched holds until when a property that answers leave out is known to
// exist. The zero value holds none.
type vouched struct {
	mu    stdsync.Mutex
	until map[string]time.Time
}

// fresh reports whether the name needs no look.
func (v *vouched) fresh(name string, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return now.Before(v.until[name])
}

func (v *vouched) set(name string, until time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.until == nil {
		v.until = map[string]time.Time{}
	}
	v.until[name] = until
}

// attest tells a property without a value from one that the account no longer
// has. HubSpot passes over names that it does not know, so an archived property
// would look as if somebody had cleared it in every record. A name that no
// record of an answer shows is looked up in the schema, and one that shows
// again is well. Source:
// https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis
func (c *collection) attest(ctx context.Context, list []object) error {
	if len(list) == 0 {
		return nil
	}
	var absent []string
	now, broken := time.Now(), c.degraded.of(c.kind)
	for _, name := range c.properties {
		shown := name == sync.IDField || slices.ContainsFunc(list, func(o object) bool { _, ok := o.Properties[name]; return ok })
		switch rule := broken[name]; {
		case shown && (rule == ruleExists || rule == ruleArchived || rule == codeGone):
			c.mark(name, "")
		case !shown && rule == "" && !c.vouched.fresh(name, now):
			absent = append(absent, name)
		}
	}
	if len(absent) == 0 {
		return nil
	}
	return c.lookUp(ctx, absent, now)
}

// lookUp asks the schema for the names. Without leave to read the schema they
// are taken for properties without a value, as they were before.
func (c *collection) lookUp(ctx context.Context, names []string, now time.Time) error {
	have, err := c.client.definitions(ctx, c.kind, false)
	if err != nil && sync.ActionOf(err) != sync.Denied {
		return err
	}
	for _, name := range names {
		if _, known := have[name]; known || err != nil {
			c.vouched.set(name, now.Add(vouchedFor))
		} else {
			c.mark(name, ruleExists)
		}
	}
	return nil
}

// mark notes the rule that a field breaks, "" for none any more.
func (c *collection) mark(name, rule string) {
	if !c.degraded.set(c.kind, name, rule) {
		return
	}
	if rule == "" {
		c.client.log.Warn("hubspot: a property is back", "kind", c.kind, "property", name)
		return
	}
	c.client.log.Warn("hubspot: the account lacks a property; its field pauses", "kind", c.kind, "property", name)
}
