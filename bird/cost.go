package bird

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Cost implements [sync.Coster]: a call for each record, reads at
// Options.GETPerSecond and the others at Options.POSTPerSecond.
func (a *Adapter) Cost(w sync.Work) (calls int, takes time.Duration) {
	gets, posts := w.Reads, w.Matches+w.Creates+w.Updates
	return gets + posts, max(time.Second*time.Duration(gets)/time.Duration(a.opts.GETPerSecond),
		time.Second*time.Duration(posts)/time.Duration(a.opts.POSTPerSecond))
}

// Quotas implements [sync.Quoter]: "reads" and "writes", those of a second.
func (a *Adapter) Quotas() []sync.Quota {
	var all []sync.Quota
	for _, family := range []string{reads, writes} {
		u := a.limit(family).Usage()
		all = append(all, sync.Quota{System: System, Name: family, Used: u.Used + u.Others, Limit: u.Limit})
	}
	return all
}
