package bird

import (
	"github.com/urbanhub/crmsync/sync"
)

var _ sync.Moder = (*Adapter)(nil)

// Modes implements [sync.Moder]: the kinds of calls that wait because several
// in a row went unanswered or met a fault, and the quotas of which only a part
// is used because what the processes share cannot be reached.
func (a *Adapter) Modes() []sync.Mode {
	var modes []sync.Mode
	for _, c := range a.breaker.Open() {
		modes = append(modes, sync.Mode{System: System, Name: "calls wait: " + c.Family, Why: c.Why, Since: c.Since})
	}
	for _, family := range []string{reads, writes} {
		if since, why := a.limit(family).Alone(); !since.IsZero() {
			modes = append(modes, sync.Mode{System: System, Name: "quota not shared: " + family, Why: why, Since: since})
		}
	}
	return modes
}
