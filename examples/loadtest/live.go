package main

import (
	"context"
	"fmt"
	"slices"
	stdsync "sync"
	"time"
)

// The fields that the live load edits, and where they shall show.
const (
	birdEdits, hubspotShows = "property_interest", "urbanhub_property_interest"
	hubspotEdits, birdShows = "property_preferences", "attributes.propertyInterest"
)

// A pair is a contact on both sides.
type pair struct{ bird, hubspot string }

// A side is where an edit was made.
type side bool

const (
	fromBird    side = true
	fromHubSpot side = false
)

// An edit is on its way to the other side.
type edit struct {
	pair
	value string
	at    time.Time
	side  side
}

// live edits records at a fixed rate, whatever the sync does with them, and
// notes when each edit shows on the other side.
type live struct {
	v                       *vendors
	mu                      stdsync.Mutex
	open                    map[string]*edit // by the pair and the side
	took                    map[side][]time.Duration
	made, shown, superseded int
}

func newLive(v *vendors) *live {
	return &live{v: v, open: map[string]*edit{}, took: map[side][]time.Duration{}}
}

// run edits the pairs in turn until the time is over. Edits are due at fixed
// moments; one that is made late counts from when it was due.
func (l *live) run(ctx context.Context, pairs []pair, perMinute int, d time.Duration) error {
	every := time.Minute / time.Duration(perMinute)
	start := time.Now()
	for n := 0; ; n++ {
		due := start.Add(time.Duration(n) * every)
		if due.Sub(start) >= d {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
		}
		if err := l.edit(pairs[n/2%len(pairs)], n, due); err != nil {
			return err
		}
	}
}

// edit changes one record, in Bird and in HubSpot by turns.
func (l *live) edit(p pair, n int, due time.Time) error {
	e := &edit{pair: p, value: fmt.Sprint("home ", n), at: due, side: side(n%2 == 0)}
	l.mu.Lock()
	key := fmt.Sprint(p.bird, e.side)
	if late := l.open[key]; late != nil { // and would have taken at least this long
		l.took[e.side] = append(l.took[e.side], due.Sub(late.at))
		l.superseded++
	}
	l.open[key] = e
	l.made++
	l.mu.Unlock()
	if e.side == fromBird {
		return l.v.bird.Edit(p.bird, map[string]any{birdEdits: e.value})
	}
	l.v.hubspot.Edit(p.hubspot, map[string]string{hubspotEdits: e.value})
	return nil
}

// watch looks at both simulators, past the sync, until ctx ends.
func (l *live) watch(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(2 * time.Millisecond)
		l.mu.Lock()
		waiting := make(map[string]*edit, len(l.open))
		for key, e := range l.open {
			waiting[key] = e
		}
		l.mu.Unlock()
		for key, e := range waiting {
			if l.shows(e) {
				l.arrived(key, e)
			}
		}
	}
}

func (l *live) shows(e *edit) bool {
	if e.side == fromBird {
		props, _ := l.v.hubspot.Contact(e.hubspot)
		return props[hubspotShows] == e.value
	}
	contact, _ := l.v.bird.Contact(e.bird)
	return fmt.Sprint(contact.Field(birdShows)) == e.value
}

func (l *live) arrived(key string, e *edit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[key] == e {
		l.took[e.side] = append(l.took[e.side], time.Since(e.at))
		delete(l.open, key)
		l.shown++
	}
}

// waiting returns how many edits do not show yet.
func (l *live) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// count returns how many edits showed so far.
func (l *live) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown
}

// lost returns how many edits neither showed nor show now, at rest. Nobody
// watches any more.
func (l *live) lost() int {
	n := 0
	for _, e := range l.open {
		if !l.shows(e) {
			n++
		}
	}
	return n
}

// lags returns percentiles of what edits of these sides took. Those that do not
// show yet count with what they have waited.
func (l *live) lags(of ...side) lags {
	l.mu.Lock()
	defer l.mu.Unlock()
	var took []time.Duration
	for _, s := range of {
		took = append(took, l.took[s]...)
	}
	for _, e := range l.open {
		if slices.Contains(of, e.side) {
			took = append(took, time.Since(e.at))
		}
	}
	slices.Sort(took)
	at := func(p float64) float64 {
		if len(took) == 0 {
			return 0
		}
		return float64(took[min(int(p*float64(len(took))), len(took)-1)].Microseconds()) / 1000
	}
	return lags{at(0.50), at(0.95), at(0.99)}
}
