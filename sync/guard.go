package sync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// A Guard bounds what a flow may do in an hour before a person looks at it. A
// flow that would exceed a bound is suspended as a whole by a [Switch] that
// says why, and the observer is told; [Engine.Resume] lets it go on, with its
// counts at zero.
type Guard struct {
	// Detachments is how many pairs may lose an end; 20 by default, or 2 % of
	// the pairs that the last [Engine.Verify] counted if that is more. A mass
	// of deletions is more often an accident than meant.
	Detachments int
	// Creations and Overwrites bound the records created, and the values
	// overwritten that were not blank; 0 does not.
	Creations, Overwrites int
}

// A deed is what a guard counts.
type deed string

const (
	detachment deed = "detachments"
	creation   deed = "creations"
	overwrite  deed = "overwrites"
)

// guarded counts deeds. The zero value is ready; methods may be called
// concurrently. Each process counts its own.
type guarded struct {
	mu    sync.Mutex
	deeds map[string]map[deed][]time.Time // by flow
	pairs map[string]int                  // by flow, as last verified
	told  map[string]bool                 // the flows that it stopped
}

// first reports whether a flow is stopped for the first time since it was
// last let go on.
func (g *guarded) first(flow string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.told[flow] {
		return false
	}
	if g.told == nil {
		g.told = map[string]bool{}
	}
	g.told[flow] = true
	return true
}

// most returns how many deeds a flow is allowed in an hour, 0 for any number.
func (g *guarded) most(limits Guard, flow string, d deed) int {
	switch d {
	case creation:
		return limits.Creations
	case overwrite:
		return limits.Overwrites
	}
	if limits.Detachments != 0 {
		return limits.Detachments
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(20, g.pairs[flow]/50)
}

// count notes a deed unless it would be one too many in an hour.
func (g *guarded) count(flow string, d deed, most int, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.deeds == nil {
		g.deeds = map[string]map[deed][]time.Time{}
	}
	if g.deeds[flow] == nil {
		g.deeds[flow] = map[deed][]time.Time{}
	}
	list := g.deeds[flow][d]
	for len(list) > 0 && now.Sub(list[0]) >= time.Hour {
		list = list[1:]
	}
	if len(list) >= most {
		return false
	}
	g.deeds[flow][d] = append(list, now)
	return true
}

// forget sets a flow's counts to zero.
func (g *guarded) forget(flow string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.deeds, flow)
	delete(g.told, flow)
}

// verified notes how many pairs a flow has.
func (g *guarded) verified(flow string, pairs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pairs == nil {
		g.pairs = map[string]int{}
	}
	g.pairs[flow] = pairs
}

// allow counts a deed of the flow. One too many suspends the flow and has the
// look wait.
func (r *reconciliation) allow(ctx context.Context, d deed) error {
	e := r.engine
	most := e.guarded.most(e.cfg.Guard, r.flow.Name, d)
	if most == 0 || e.guarded.count(r.flow.Name, d, most, time.Now()) {
		return nil
	}
	err := &Error{Op: "guard", Action: RetryAt, Ref: r.ref, Rule: "guard." + string(d), RetryAt: time.Now().Add(guardWait),
		Hint: "find out why, then resume the flow", Err: fmt.Errorf("flow %s: more than %d %s in an hour", r.flow.Name, most, d)}
	if !e.guarded.first(r.flow.Name) {
		return err
	}
	e.cfg.Logger.LogAttrs(ctx, slog.LevelError, "a guard suspends a flow", slog.Any("error", err))
	e.observe(Event{Type: EventTripped, Flow: r.flow.Name, Ref: r.ref, Err: err})
	return errors.Join(err, e.Suspend(ctx, Switch{Flow: r.flow.Name, Why: "guard: " + err.Err.Error()}))
}

// guardWait is how long a record waits that a guard stopped.
const guardWait = 5 * time.Minute

// allowWrites counts what a plan creates and overwrites.
func (r *reconciliation) allowWrites(ctx context.Context, plan *Plan) error {
	for _, s := range []Side{Left, Right} {
		if plan.Writes[s] != nil && !r.views[s].Exists {
			if err := r.allow(ctx, creation); err != nil {
				return err
			}
		}
	}
	for i := range plan.Decisions {
		if _, lost := plan.Decisions[i].Lost(); lost {
			if err := r.allow(ctx, overwrite); err != nil {
				return err
			}
		}
	}
	return nil
}
