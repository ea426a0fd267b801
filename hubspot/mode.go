package hubspot

import (
	"cmp"
	"maps"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

var _ sync.Moder = (*Adapter)(nil)

// Modes implements [sync.Moder]: the kinds of calls that wait because several
// in a row went unanswered or met a fault; the quotas of which only a part is
// used because what the processes share cannot be reached; and the batches that
// go in parts because HubSpot refused several in a row for what some record of
// each holds.
func (a *Adapter) Modes() []sync.Mode {
	var modes []sync.Mode
	for _, c := range a.client.breaker.Open() {
		modes = append(modes, sync.Mode{System: System, Name: "calls wait: " + c.Family, Why: c.Why, Since: c.Since})
	}
	windows := a.client.quota.windows()
	for _, name := range slices.Sorted(maps.Keys(windows)) {
		if since, why := windows[name].Alone(); !since.IsZero() {
			modes = append(modes, sync.Mode{System: System, Name: "quota not shared: " + name, Why: why, Since: since})
		}
	}
	return append(modes, a.splits.modes(time.Now())...)
}

// windows returns the quotas by name.
func (q *quota) windows() map[string]*ratelimit.Window {
	all := maps.Clone(q.lanes)
	all["burst"] = q.burst
	return all
}

// When batches go in parts: after so many refusals in a row, until one is taken
// whole or there was none for a while.
const (
	splitsInARow = 3
	splitsFor    = 10 * time.Minute
)

// splits notes which batches were refused as a whole. The zero value is ready;
// methods may be called concurrently.
type splits struct {
	mu  stdsync.Mutex
	all map[string]*split // by operation and kind
}

// A split is a row of batches that were refused.
type split struct {
	row         int
	since, last time.Time
	why         string
}

// note takes down what became of a batch: whole, or why it was not taken so.
func (s *splits) note(op operation, kind sync.Kind, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, now := string(op)+" "+string(kind), time.Now()
	if why == nil {
		delete(s.all, name)
		return
	}
	if s.all == nil {
		s.all = map[string]*split{}
	}
	row := s.all[name]
	if row == nil || now.Sub(row.last) > splitsFor {
		row = &split{since: now}
		s.all[name] = row
	}
	row.row, row.last, row.why = row.row+1, now, why.Error()
}

func (s *splits) modes(now time.Time) []sync.Mode {
	s.mu.Lock()
	defer s.mu.Unlock()
	var modes []sync.Mode
	for name, row := range s.all {
		if row.row >= splitsInARow && now.Sub(row.last) <= splitsFor {
			modes = append(modes, sync.Mode{System: System, Name: "batches in parts: " + name, Why: row.why, Since: row.since})
		}
	}
	slices.SortFunc(modes, func(a, b sync.Mode) int { return cmp.Compare(a.Name, b.Name) })
	return modes
}
