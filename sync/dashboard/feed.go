package dashboard

import (
	"maps"
	"slices"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// feedSize is how many events a feed keeps by default.
const feedSize = 2000

// A Feed remembers what an engine told its observer lately, without the values
// of any record. Its size is fixed. Methods may be called concurrently.
type Feed struct {
	mu      stdsync.Mutex
	ring    []sync.Event
	total   int // events kept since the beginning; the ring holds the last of them
	minutes [60]minute
	lags    []time.Duration // of the last synced changes
	synced  int
	reached map[sync.System]time.Time
	swept   map[sync.System]time.Time
	agreed  map[string]verified
	loads   map[string]sync.Progress
	changed chan struct{} // closed at the next event, nil when nobody waits
}

// A minute counts what happened in it.
type minute struct {
	at                                int64 // minutes since 1970
	enqueued, synced, retried, buried int
	slowest                           time.Duration
}

// verified is the result of a verification.
type verified struct {
	sync.Agreement
	at time.Time
}

// lagsKept is over how many changes the lag is measured.
const lagsKept = 1000

// NewFeed returns a feed that keeps the last size events, 2,000 for size 0.
func NewFeed(size int) *Feed {
	if size <= 0 {
		size = feedSize
	}
	return &Feed{ring: make([]sync.Event, size), lags: make([]time.Duration, lagsKept), reached: map[sync.System]time.Time{},
		swept: map[sync.System]time.Time{}, agreed: map[string]verified{}, loads: map[string]sync.Progress{}}
}

// Observe takes an event in: it is a [sync.Observer].
func (f *Feed) Observe(ev sync.Event) {
	if ev.Progress != nil && ev.Progress.Total == 1 {
		return // over at once, such as what the page of a record foresees
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.count(&ev)
	f.note(&ev)
	switch ev.Type {
	case sync.EventEnqueued, sync.EventTaken, sync.EventRead, sync.EventMatched:
		return // many, and none that a person would look for
	}
	if ev.Decision != nil {
		d := *ev.Decision
		d.Before, d.After = [2]sync.Value{}, sync.Value{}
		ev.Decision = &d
	}
	f.ring[f.total%len(f.ring)] = ev
	f.total++
	f.wake()
}

// count adds an event to its minute.
func (f *Feed) count(ev *sync.Event) {
	m := f.minute(ev.At)
	switch ev.Type {
	case sync.EventEnqueued:
		m.enqueued += ev.Count
	case sync.EventSynced:
		m.synced++
		m.slowest = max(m.slowest, ev.Lag)
		f.lags[f.synced%len(f.lags)] = max(ev.Lag, 0) // clocks differ
		f.synced++
	case sync.EventRetried:
		m.retried++
	case sync.EventBuried:
		m.buried += ev.Count
	}
}

// minute returns the minute of a moment, emptied if it held an older one.
func (f *Feed) minute(at time.Time) *minute {
	n := at.Unix() / 60
	m := &f.minutes[n%int64(len(f.minutes))]
	if m.at != n {
		*m = minute{at: n}
	}
	return m
}

// note keeps what is known of the systems, flows and loads.
func (f *Feed) note(ev *sync.Event) {
	switch ev.Type {
	case sync.EventRead, sync.EventWrote, sync.EventCreated:
		if !ev.Elided {
			f.reached[ev.Ref.System] = ev.At
		}
	case sync.EventSwept:
		f.swept[ev.Ref.System] = ev.At
		f.reached[ev.Ref.System] = ev.At
	case sync.EventVerified:
		if ev.Agreement != nil {
			f.agreed[ev.Flow] = verified{*ev.Agreement, ev.At}
		}
	case sync.EventProgress:
		if ev.Progress != nil {
			f.loads[ev.Progress.Run] = *ev.Progress
		}
	}
}

// wake tells those who wait that something happened.
func (f *Feed) wake() {
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// touch tells those who wait that something happened that is no event.
func (f *Feed) touch() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wake()
}

// wait returns a channel that is closed at the next event.
func (f *Feed) wait() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.changed
}

// latest returns up to limit events that match, the newest first. The engine is
// not kept waiting while it looks.
func (f *Feed) latest(limit int, match func(*sync.Event) bool) []sync.Event {
	f.mu.Lock()
	ring, total := slices.Clone(f.ring[:min(f.total, len(f.ring))]), f.total
	f.mu.Unlock()
	var out []sync.Event
	for i := total - 1; i >= total-len(ring) && len(out) < limit; i-- {
		if ev := &ring[i%len(ring)]; match(ev) {
			out = append(out, *ev)
		}
	}
	return out
}

// types lists the types of the events that are kept.
func (f *Feed) types() []sync.EventType {
	seen := map[sync.EventType]bool{}
	f.latest(1, func(ev *sync.Event) bool {
		seen[ev.Type] = true
		return false
	})
	return slices.Sorted(maps.Keys(seen))
}

// lag returns the p-th part of the last lags, false when there is none yet.
func (f *Feed) lag(p float64) (time.Duration, bool) {
	f.mu.Lock()
	lags := slices.Clone(f.lags[:min(f.synced, len(f.lags))])
	f.mu.Unlock()
	if len(lags) == 0 {
		return 0, false
	}
	slices.Sort(lags)
	return lags[min(int(p*float64(len(lags))), len(lags)-1)], true
}

// lastHour returns the last sixty minutes, the oldest first.
func (f *Feed) lastHour(now time.Time) []minute {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]minute, len(f.minutes))
	last := now.Unix() / 60
	for i := range out {
		n := last - int64(len(out)-1-i)
		if out[i] = f.minutes[n%int64(len(out))]; out[i].at != n {
			out[i] = minute{at: n}
		}
	}
	return out
}

// agreement returns the last verification of a flow.
func (f *Feed) agreement(flow string) (verified, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.agreed[flow]
	return v, ok
}

// load returns the progress of a backfill.
func (f *Feed) load(run string) (sync.Progress, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, ok := f.loads[run]
	return p, ok
}

// contact returns when a system was last reached and when it was swept.
func (f *Feed) contact(system sync.System) (reached, swept time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reached[system], f.swept[system]
}

// progressOf returns how far a run is.
func (f *Feed) progressOf(r *run) (sync.Progress, bool) {
	if r.progress == "" {
		return sync.Progress{}, false
	}
	return f.load(r.progress)
}
