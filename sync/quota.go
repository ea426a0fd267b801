package sync

import "time"

// A Quota is how many calls a system allows, and how many were made.
type Quota struct {
	System System
	// Name tells the quotas of one system apart, such as "day".
	Name string
	// Used of Limit calls were made in the present period, as far as is known
	// by everybody.
	Used, Limit int
	// From and Until bound a period, such as a day, at whose end the count
	// begins anew; both are zero for a quota of any span of some length.
	From, Until time.Time
}

// A Quoter is a [Source] that knows how its system's quotas stand. The call is
// cheap.
type Quoter interface {
	Quotas() []Quota
}

// Quotas returns what the systems tell of their quotas, by system.
func (e *Engine) Quotas() []Quota {
	var quotas []Quota
	for _, system := range e.systems() {
		if s, ok := e.cfg.Peers[system].Source.(Quoter); ok {
			for _, q := range s.Quotas() {
				q.System = system
				quotas = append(quotas, q)
			}
		}
	}
	return quotas
}
