package queue

import "github.com/urbanhub/crmsync/sync"

// A Share is the percentage of the lanes handed out that each priority is
// sure of while it has lanes ready. What one does not use goes to the most
// urgent that has work.
type Share [sync.Priorities]int

// DefaultShare reserves 60 for live, 20 for facts, 10 for sweeps and 10 for
// backfills.
var DefaultShare = Share{60, 20, 10, 10}

// A scheduler chooses the priority of the next lane.
type scheduler struct {
	share  Share
	credit [sync.Priorities]int
}

// next returns the priority to serve, given which have lanes ready. A
// priority earns its share with each lane that is handed out while it waits,
// and is served before all others once it is owed a whole one.
func (s *scheduler) next(ready func(sync.Priority) bool) (sync.Priority, bool) {
	const whole = 100
	var first, owed = sync.Priority(sync.Priorities), sync.Priority(sync.Priorities)
	for p := range sync.Priority(sync.Priorities) {
		if !ready(p) {
			s.credit[p] = 0
			continue
		}
		s.credit[p] += s.share[p]
		if first == sync.Priorities {
			first = p
		}
		if owed == sync.Priorities && s.credit[p] >= whole {
			owed = p
		}
	}
	if first == sync.Priorities {
		return 0, false
	}
	if owed != sync.Priorities {
		first = owed
	}
	s.credit[first] = max(0, s.credit[first]-whole)
	return first, true
}
