package ratelimit

import (
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Weights are the shares of the priorities while all of them wait. A share
// that is not used goes to the others.
type Weights [sync.Priorities]float64

// DefaultWeights serve people's work first and bulk work steadily.
var DefaultWeights = Weights{sync.Live: 70, sync.Facts: 15, sync.Sweep: 10, sync.Backfill: 5}

// waiter is one caller that waits for its place.
type waiter struct {
	priority sync.Priority
	since    time.Time
	place    *Place // set when it is given
	wake     chan errand
}

// errand is what a waiter is woken for.
type errand int

const (
	goOn         errand = iota // its place is there
	fetchPermits               // it is to fetch permits for all
	errands      = iota        // as many may wait for it at the same time
)

// line is where the waiters stand: in order within a priority, by stride
// scheduling among the priorities. Each priority has a pass that moves on by
// the inverse of its weight whenever it is served; the lowest pass is next.
type line struct {
	weights Weights
	queues  [sync.Priorities][]*waiter
	pass    [sync.Priorities]float64
	moment  float64 // the pass served last
}

func (l *line) push(w *waiter) {
	p := w.priority
	if len(l.queues[p]) == 0 {
		l.pass[p] = max(l.pass[p], l.moment) // absence earns nothing
	}
	l.queues[p] = append(l.queues[p], w)
}

// head returns who is served next, nil if nobody waits.
func (l *line) head() *waiter {
	var best *waiter
	for p, q := range l.queues {
		if len(q) > 0 && (best == nil || l.pass[p] < l.pass[best.priority]) {
			best = q[0]
		}
	}
	return best
}

// serve takes the head from the line.
func (l *line) serve() {
	p := l.head().priority
	l.queues[p] = l.queues[p][1:]
	l.moment = l.pass[p]
	l.pass[p] += 1 / l.weights[p]
}

// leave takes out a waiter that waits no more.
func (l *line) leave(w *waiter) {
	l.queues[w.priority] = slices.DeleteFunc(l.queues[w.priority], func(o *waiter) bool { return o == w })
}

// urgent returns how many wait with other than bulk work.
func (l *line) urgent() int { return len(l.queues[sync.Live]) + len(l.queues[sync.Facts]) }

// next returns how many are to be served soon: while anything urgent waits, of
// bulk work only the one whose turn it may be.
func (l *line) next() int {
	if n := l.urgent(); n > 0 {
		return min(n+1, l.len())
	}
	return l.len()
}

func (l *line) len() int {
	n := 0
	for _, q := range l.queues {
		n += len(q)
	}
	return n
}
