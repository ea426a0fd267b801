package sync

import (
	"slices"
	"sync"
	"time"
)

// anHour counts deeds in each of the last 60 minutes.
type anHour [60]struct {
	minute int64
	n      int
}

func (h *anHour) sum(now time.Time) (n int) {
	oldest := now.Unix()/60 - 60
	for i := range h {
		if h[i].minute > oldest {
			n += h[i].n
		}
	}
	return n
}

func (h *anHour) add(now time.Time) {
	minute := now.Unix() / 60
	at := &h[minute%60]
	if at.minute != minute {
		at.minute, at.n = minute, 0
	}
	at.n++
}

// remove takes back what was added at a moment, unless that is forgotten.
func (h *anHour) remove(at time.Time) {
	minute := at.Unix() / 60
	if slot := &h[minute%60]; slot.minute == minute && slot.n > 0 {
		slot.n--
	}
}

// A guardedRun is a run under way with bounds of its own.
type guardedRun struct {
	load   *Load
	system System // whose records it walks
	deeds  map[deed]int
}

// guarded counts deeds. The zero value is ready; methods may be called
// concurrently.
type guarded struct {
	mu    sync.Mutex
	deeds map[string]map[deed]*anHour // by flow
	pairs map[string]int              // by flow, as last counted
	told  map[string]bool             // the flows that it stopped
	runs  []*guardedRun
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

// again has the next deed too many stop a flow that could not be stopped.
func (g *guarded) again(flow string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.told, flow)
}

// hourly completes the bounds of a flow.
func (g *guarded) hourly(limits Guard, flow string) Guard {
	g.mu.Lock()
	defer g.mu.Unlock()
	if limits.Detachments == 0 {
		limits.Detachments = max(20, g.pairs[flow]/50)
	}
	return limits
}

// count notes a deed unless it would be one too many: then it says so.
func (g *guarded) count(flow string, causes []string, d deed, limits Guard, now time.Time) (why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	hour := g.hours(flow)
	if limits.exceeded(d, hour[d].sum(now), hour[look].sum(now)) {
		return "more than " + limits.says(d) + " in an hour"
	}
	run := g.runOf(flow, causes)
	if run != nil && run.load.Guard.exceeded(d, run.deeds[d], run.deeds[look]) {
		return "more than " + run.load.Guard.says(d) + " in the run " + run.load.Name
	}
	hour[d].add(now)
	if run != nil {
		run.deeds[d]++
	}
	return ""
}

// takeBack takes a deed back that was counted at a moment and not done.
func (g *guarded) takeBack(flow string, causes []string, d deed, at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hours(flow)[d].remove(at)
	if run := g.runOf(flow, causes); run != nil && run.deeds[d] > 0 {
		run.deeds[d]--
	}
}

// hours returns the counts of a flow.
func (g *guarded) hours(flow string) map[deed]*anHour {
	if g.deeds == nil {
		g.deeds = map[string]map[deed]*anHour{}
	}
	if g.deeds[flow] == nil {
		hour := map[deed]*anHour{}
		for _, d := range []deed{detachment, creation, overwrite, conflict, duplicate, look} {
			hour[d] = &anHour{}
		}
		g.deeds[flow] = hour
	}
	return g.deeds[flow]
}

// runOf returns the run under way that one of the causes belongs to.
func (g *guarded) runOf(flow string, causes []string) *guardedRun {
	for _, run := range g.runs {
		if run.load.Flow == flow && run.load.led(causes, run.system) {
			return run
		}
	}
	return nil
}

// watch bounds a run until the returned function is called.
func (g *guarded) watch(b *Load, system System) (done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	run := &guardedRun{load: b, system: system, deeds: map[deed]int{}}
	g.runs = append(g.runs, run)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.runs = slices.DeleteFunc(g.runs, func(r *guardedRun) bool { return r == run })
	}
}

// forget sets a flow's counts to zero.
func (g *guarded) forget(flow string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.deeds, flow)
	delete(g.told, flow)
	for _, run := range g.runs {
		if run.load.Flow == flow {
			run.deeds = map[deed]int{}
		}
	}
}

// counted notes how many pairs a flow has.
func (g *guarded) counted(flow string, pairs int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pairs == nil {
		g.pairs = map[string]int{}
	}
	g.pairs[flow] = pairs
}
