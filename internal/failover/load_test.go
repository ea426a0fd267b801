//go:build unix

package failover

import (
	"context"
	"fmt"
	"slices"
	"strings"
	stdsync "sync"
	"time"
)

// perMinute is how many changes people make: one in ten is a fact that Bird
// tells, and the others are edits, in Bird and in HubSpot by turns.
const perMinute = 1000

// The fields that people edit, and where they shall show.
const (
	birdEdits, hubspotShows = "property_interest", "urbanhub_property_interest"
	hubspotEdits, birdShows = "property_preferences", "attributes.propertyInterest"
)

// A change is one that has to arrive on the other side.
type change struct {
	person
	value string
	made  time.Time
	shown time.Time // zero until then
	kind  int       // of the following
}

const (
	inBird    = iota // an edit
	inHubSpot        // an edit
	told             // a fact, of which a note tells
)

// A load makes changes at fixed moments, whatever becomes of them, and sees
// when each arrives. No field is edited twice, so that each has to.
type load struct {
	v    *town
	mu   stdsync.Mutex
	all  []*change
	open []*change // have not arrived
}

// run makes changes until ctx ends or everybody has made one.
func (l *load) run(ctx context.Context) error {
	began := time.Now()
	for n := range l.v.people {
		due := began.Add(time.Duration(n) * time.Minute / perMinute)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(due)):
		}
		if err := l.make(n); err != nil {
			return err
		}
	}
	return nil
}

// make lets a person do something.
func (l *load) make(n int) error {
	c := &change{person: l.v.people[n], value: fmt.Sprintf("change-%06d", n), made: time.Now(), kind: n % 2}
	if n%10 == 0 {
		c.kind = told
	}
	l.mu.Lock()
	l.all, l.open = append(l.all, c), append(l.open, c)
	l.mu.Unlock()
	switch c.kind {
	case told:
		l.v.bird.RunFlow(c.bird, "escalation.triggered", map[string]any{"reason": c.value})
	case inBird:
		return l.v.bird.Edit(c.bird, map[string]any{birdEdits: c.value})
	default:
		l.v.hubspot.Edit(c.hubspot, map[string]string{hubspotEdits: c.value})
	}
	return nil
}

// watch looks at both vendors, past the engine, until ctx ends.
func (l *load) watch(ctx context.Context) {
	for ctx.Err() == nil {
		notes := l.notes()
		l.mu.Lock()
		l.open = slices.DeleteFunc(l.open, func(c *change) bool {
			if !l.shows(c, notes) {
				return false
			}
			c.shown = time.Now()
			return true
		})
		l.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// notes counts the notes of each fact.
func (l *load) notes() map[string]int {
	of := map[string]int{}
	for _, props := range l.v.hubspot.Objects("notes") {
		_, after, _ := strings.Cut(props["hs_note_body"], "change-")
		of["change-"+after[:min(6, len(after))]]++
	}
	return of
}

// shows reports whether a change is on the other side.
func (l *load) shows(c *change, notes map[string]int) bool {
	switch c.kind {
	case told:
		return notes[c.value] > 0
	case inBird:
		props, _ := l.v.hubspot.Contact(c.hubspot)
		return props[hubspotShows] == c.value
	default:
		contact, _ := l.v.bird.Contact(c.bird)
		return contact.Field(birdShows) == c.value
	}
}

// waiting counts the changes made before a moment that have not arrived.
func (l *load) waiting(before time.Time) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.open {
		if c.made.Before(before) {
			n++
		}
	}
	return n
}

// arrived returns how many have arrived.
func (l *load) arrived() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.all) - len(l.open)
}

// lags returns how long the changes made in a span took, sorted.
func (l *load) lags(from, to time.Time) []time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var lags []time.Duration
	for _, c := range l.all {
		if !c.shown.IsZero() && !c.made.Before(from) && c.made.Before(to) {
			lags = append(lags, c.shown.Sub(c.made))
		}
	}
	slices.Sort(lags)
	return lags
}
