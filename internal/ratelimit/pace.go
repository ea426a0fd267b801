package ratelimit

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// burst is how many calls may start at once after a lull.
func (w *Window) burst() float64 { return max(float64(w.limit)/5, 1) }

// reserve is how many tokens a call of the priority must leave: while nothing
// urgent waits, bulk work leaves half a burst to what may come.
func (w *Window) reserve(p sync.Priority) float64 {
	if p < sync.Sweep || w.line.urgent() > 0 {
		return 0
	}
	return min(w.burst()/2, w.burst()-1)
}

// next returns when a call that leaves the reserve may start: at once, unless
// the time is in the future. It is not known while only an answer can tell.
// The lock is held.
func (w *Window) next(now time.Time, reserve float64) (at time.Time, known bool) {
	rate := w.accrue(now)
	capacity := w.capacity(now)
	switch used := w.used(); {
	case w.until.After(now):
		return w.until, true
	case w.cfg.InFlight > 0 && w.open >= w.cfg.InFlight:
		return time.Time{}, false
	case used >= w.limit:
		return w.vacancy(w.limit)
	case used >= capacity:
		at, known = w.vacancy(capacity)
		if look := w.started.Add(w.per / lookEvery); !known || look.Before(at) {
			at = look
		}
		return at, true
	}
	if short := 1 + reserve - w.tokens; short > 1e-6 {
		return now.Add(time.Duration(short / rate * float64(time.Second))), true
	}
	return now, true
}

// lookEvery is how often in a window a call is made although others seem to
// use the whole quota: only an answer tells when they stop.
const lookEvery = 10

// used is how many places are not free, as far as the server may see.
func (w *Window) used() int { return w.open + len(w.ends) }

// vacancy returns when one place of so many falls free.
func (w *Window) vacancy(places int) (time.Time, bool) {
	if n := w.used() - places; n < len(w.ends) {
		return w.ends[n], true
	}
	return time.Time{}, false
}

// accrue brings places and tokens up to date and returns the present pace, in
// calls a second.
func (w *Window) accrue(now time.Time) float64 {
	n := 0
	for n < len(w.ends) && !w.ends[n].After(now) {
		n++
	}
	w.ends = w.ends[n:]
	rate := w.pace(now)
	w.tokens = min(w.tokens+rate*now.Sub(w.paced).Seconds(), w.burst())
	w.paced = now
	return rate
}

// pace is the fastest even pace that never comes to a halt because all places
// are taken: after a burst the rest of the window is spread out.
func (w *Window) pace(now time.Time) float64 {
	capacity := w.capacity(now)
	free := capacity - w.used()
	rate := float64(capacity) / w.per.Seconds()
	for i, end := range w.ends {
		rate = min(rate, float64(max(free+i, 0))/end.Sub(now).Seconds())
	}
	return rate
}

// capacity is how many places this process may use at present.
func (w *Window) capacity(now time.Time) int {
	c := float64(w.limit-w.news.others) - w.margin()
	if w.shared.failing {
		c = min(c, float64(w.limit)*w.cfg.Alone)
	}
	return int(max(c*w.factor(now), 0))
}
