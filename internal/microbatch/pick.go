package microbatch

import (
	"slices"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// promotion is the wait that makes an entry one priority more urgent, so that
// none waits for ever.
const promotion = 2 * time.Second

// fire starts the batches that are due and sets the timer for the next one.
// The lock is held.
func (b *Batcher[In, Out]) fire() {
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	at := b.moment()
	for b.startDue(at) {
	}
	if b.closed && len(b.waiting)+len(b.active) == 0 {
		b.idle.Do(func() { close(b.ended) })
	}
	// What was due at that moment yet was not picked waits for a key in flight,
	// and the end of that batch fires again.
	next := time.Duration(-1)
	for p := range sync.Priority(sync.Priorities) {
		if wait, ok := b.untilDue(p, at); ok && wait > 0 && (next < 0 || wait < next) {
			next = wait
		}
	}
	if next > 0 {
		b.timer = time.AfterFunc(next, b.tick)
	}
}

// A moment is by what all of one fire is decided: what is not due when batches
// are started still is not when the timer is set, or nothing comes back to it.
type moment struct {
	now  time.Time
	pace time.Duration
}

func (b *Batcher[In, Out]) moment() moment {
	at := moment{now: time.Now()}
	if b.cfg.Pace != nil && len(b.waiting) > 0 {
		at.pace = b.cfg.Pace()
	}
	return at
}

func (b *Batcher[In, Out]) tick() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fire()
}

// startDue starts one batch if one is due.
func (b *Batcher[In, Out]) startDue(at moment) bool {
	for p := range sync.Priority(sync.Priorities) {
		if wait, ok := b.untilDue(p, at); ok && wait <= 0 {
			entries := b.pick(nil)
			if len(entries) > 0 {
				b.start(entries)
			}
			return len(entries) > 0
		}
	}
	return false
}

// untilDue returns how long the entries of a priority still wait for company.
// It is false if there are none or none may start.
func (b *Batcher[In, Out]) untilDue(p sync.Priority, at moment) (time.Duration, bool) {
	if len(b.waiting) == 0 || !b.mayStart(p) {
		return 0, false
	}
	i := slices.IndexFunc(b.waiting, func(e *entry[In, Out]) bool { return e.priority == p })
	if i < 0 {
		return 0, false
	}
	if b.closed || len(b.waiting) >= b.cfg.Max {
		return 0, true
	}
	wait := b.cfg.Linger
	if slices.ContainsFunc(b.active, func(bt *batch[In, Out]) bool { return bt.priority <= p }) {
		wait = b.cfg.Patience
	}
	due := b.waiting[i].since.Add(wait)
	if at.pace > 0 {
		for _, started := range b.started[:p+1] {
			if next := started.Add(at.pace); next.After(due) {
				due = next
			}
		}
	}
	return due.Sub(at.now), true
}

// mayStart reports whether a batch of the priority may start now. While one as
// urgent waits for leave what comes joins that. Bulk work leaves the last
// place in flight to what may come.
func (b *Batcher[In, Out]) mayStart(p sync.Priority) bool {
	most := b.cfg.InFlight
	if p >= sync.Sweep && most > 1 {
		most--
	}
	return len(b.active) < most &&
		!slices.ContainsFunc(b.active, func(bt *batch[In, Out]) bool { return bt.admitting && bt.priority <= p })
}

// pick returns what goes along with the entries picked before, up to a full
// batch: the most urgent first and in order, passing over keys that are in
// flight or picked and dropping entries that nobody wants any more.
func (b *Batcher[In, Out]) pick(before []*entry[In, Out]) []*entry[In, Out] {
	var picked []*entry[In, Out]
	held := map[string]bool{}
	for _, e := range before {
		held[e.key] = true
	}
	now, room := time.Now(), b.cfg.Max-len(before)
	for level := range sync.Priority(sync.Priorities) {
		b.waiting = slices.DeleteFunc(b.waiting, func(e *entry[In, Out]) bool {
			switch {
			case len(picked) == room || e.urgency(now) != level:
				return false
			case !wanted(e):
			case b.cfg.Key != nil && (b.busy[e.key] || held[e.key]):
				return false
			default:
				held[e.key] = true
				picked = append(picked, e)
			}
			b.forget(e)
			return true
		})
	}
	if !b.cfg.Fold && b.cfg.Key != nil {
		for k := range held {
			b.busy[k] = true
		}
	}
	return picked
}

// urgency is the entry's priority, raised by its wait.
func (e *entry[In, Out]) urgency(now time.Time) sync.Priority {
	return e.priority - min(sync.Priority(now.Sub(e.since)/promotion), e.priority)
}

// forget takes an entry from those that later items find by its key.
func (b *Batcher[In, Out]) forget(e *entry[In, Out]) {
	e.before = nil
	if b.latest[e.key] == e {
		delete(b.latest, e.key)
	}
}
