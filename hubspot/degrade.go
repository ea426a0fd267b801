package hubspot

import (
	"maps"
	stdsync "sync"

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

// Degraded implements [sync.Degrader]: the properties that writes or
// [Adapter.Watch] found missing or changed, until Watch finds them right.
func (a *Adapter) Degraded(kind sync.Kind) map[string]string { return a.degraded.of(kind) }
