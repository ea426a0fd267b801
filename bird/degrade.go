package bird

import (
	"maps"
	stdsync "sync"

	"github.com/urbanhub/crmsync/sync"
)

// degraded holds the fields that the workspace cannot hold at present. The
// zero value holds none.
type degraded struct {
	mu    stdsync.Mutex
	rules map[string]string
}

// set notes the rule that a field breaks, "" for none any more, and reports
// whether the field was well before or is well now: a change from one rule to
// another is no news.
func (d *degraded) set(name, rule string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	was := d.rules[name]
	if rule == "" {
		delete(d.rules, name)
		return was != ""
	}
	if d.rules == nil {
		d.rules = map[string]string{}
	}
	d.rules[name] = rule
	return was == ""
}

// Degraded implements [sync.Degrader]: the attributes of contacts, by the
// names of Options.Fields, that [Adapter.Watch] found missing, archived or
// changed, until it finds them right.
func (a *Adapter) Degraded(kind sync.Kind) map[string]string {
	a.degraded.mu.Lock()
	defer a.degraded.mu.Unlock()
	if kind != Contact {
		return nil
	}
	return maps.Clone(a.degraded.rules)
}

// degrade notes the rule that an attribute breaks, under every name by which
// it is read.
func (a *Adapter) degrade(key, rule string) bool {
	news, named := false, false
	for name, p := range a.places {
		if p.key == key && (p.kind == attributePlace || p.kind == namePlace) {
			named = true
			news = a.degraded.set(name, rule) || news
		}
	}
	if !named {
		return a.degraded.set(key, rule)
	}
	return news
}
