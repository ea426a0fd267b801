package sync

import (
	"slices"
	"time"
)

// Work is what a run does to records of one kind.
type Work struct {
	Kind Kind
	// Reads counts records that are read by their ids, Matches those that are
	// looked for by identity, Creates and Updates those that are written.
	Reads, Matches, Creates, Updates int
}

// A Coster is a [Source] that knows what work costs its system.
type Coster interface {
	// Cost returns how many calls so much work takes at least, with full
	// batches, and how long, at the rate that the system allows at present if
	// it does nothing else. The call is cheap.
	Cost(w Work) (calls int, takes time.Duration)
}

// adds counts the work that it takes to apply a plan: the pair is read twice,
// when the forecast is compared and when it is looked at, and then written to.
func (r *reconciliation) adds(work *[2]Work, plan *Plan) {
	far := r.near.Other()
	work[r.near].Reads += 2
	if r.link.End(far).Zero() {
		work[far].Matches += 2
	} else {
		work[far].Reads += 2
	}
	for _, s := range []Side{Left, Right} {
		switch {
		case r.views[s].Exists && (plan.Writes[s] != nil || r.takesID(s)):
			work[s].Updates++
		case !r.views[s].Exists:
			work[s].Creates++
		}
	}
}

// takesID reports whether a record of a side is told the id of the counterpart
// that is created for it.
func (r *reconciliation) takesID(s Side) bool {
	return !r.views[s.Other()].Exists && slices.ContainsFunc(r.flow.Fields, func(f Field) bool {
		return f.Direction.allows(s) && slices.Contains(f.lens(s.Other()).Names(), IDField)
	})
}

// cost asks the systems of a flow what work costs. They work side by side.
func (e *Engine) cost(flow *Flow, work [2]Work) (calls map[System]int, takes time.Duration) {
	for _, s := range []Side{Left, Right} {
		end := flow.End(s)
		coster, ok := e.cfg.Peers[end.System].Source.(Coster)
		if !ok {
			continue
		}
		work[s].Kind = end.Kind
		n, d := coster.Cost(work[s])
		if calls == nil {
			calls = map[System]int{}
		}
		calls[end.System] += n
		takes = max(takes, d)
	}
	return calls, takes
}
