package hubspot

import (
	"github.com/urbanhub/crmsync/sync"
)

var _ sync.Moder = (*Adapter)(nil)

// Modes implements [sync.Moder]: the kinds of calls that wait because several
// in a row went unanswered or met a fault.
func (a *Adapter) Modes() []sync.Mode {
	var modes []sync.Mode
	for _, c := range a.client.breaker.Open() {
		modes = append(modes, sync.Mode{System: System, Name: "calls wait: " + c.Family, Why: c.Why, Since: c.Since})
	}
	return modes
}
