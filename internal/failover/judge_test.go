//go:build unix

package failover

import (
	"fmt"
	"net/http"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// judge says what the outage has cost that it must not.
func (d *drill) judge() {
	d.Helper()
	if d.opened.IsZero() {
		d.Errorf("the mode %q was not on within %s", d.mode, d.back.Sub(d.fell))
	}
	if opened := d.opened.Sub(d.fell); *outage >= measured && (opened > promptly || d.slowest > promptly) {
		d.Errorf("the mode was on after %s, the slowest webhook answered after %s", opened, d.slowest)
	}
	d.judgeReceivers()
	if burnt, buried := d.queue.burnt.Load(), d.queue.buried.Load(); burnt+buried > 0 {
		d.Errorf("%d attempts were used up and %d messages given up: %s", burnt, buried, d.queue.why())
	}
	if fired, _ := d.pager.told(d.alert, d.fell); fired.IsZero() || fired.After(d.back) {
		d.Errorf("the alert %q was told at %s, the outage was from %s to %s", d.alert, fired, d.fell, d.back)
	}
	if h := d.engine.Health(d.Context()); !h.Ready || d.told(h) {
		d.Errorf("afterwards: %+v", h)
	}
	d.judgeSides()
}

// judgeReceivers looks at what the vendors were answered in the outage.
func (d *drill) judgeReceivers() {
	d.Helper()
	for status, n := range d.answers {
		taken := status/100 == 2
		if !taken && status != http.StatusServiceUnavailable || !taken && !d.refused {
			d.Errorf("%d webhooks were answered %d", n, status)
		}
	}
	if refused := d.answers[http.StatusServiceUnavailable]; d.refused && refused == 0 {
		d.Errorf("no webhook was refused: %v", d.answers)
	}
	if d.slowest > answersWithin+d.stood {
		d.Errorf("a webhook was answered after %s; the machine kept the process from running for %s", d.slowest, d.stood)
	}
	if n := d.town.lost(); n > 0 {
		d.Errorf("the vendors gave %d webhooks up", n)
	}
}

// judgeSides compares what people entered with both sides, at rest.
func (d *drill) judgeSides() {
	d.Helper()
	notes := d.notes()
	for _, c := range d.all {
		switch {
		case c.kind == told && notes[c.value] != 1:
			d.Errorf("%d notes tell %s", notes[c.value], c.value)
		case !d.shows(c, notes):
			d.Errorf("%s of %s is not on the other side any more", c.value, c.bird)
		}
	}
	if here, there := len(d.town.bird.Contacts()), len(d.town.hubspot.Contacts()); here != len(d.town.people) || there != here {
		d.Errorf("of %d people there are %d contacts in Bird and %d in HubSpot", len(d.town.people), here, there)
	}
	a, err := d.engine.Verify(d.Context(), d.set.Flows[0].Name)
	if err != nil || a.Missing > 0 || a.Skipped > 0 || a.Equal != a.Compared || a.Compared == 0 {
		d.Errorf("at rest: %+v, %v", a, err)
	}
	letters, err := d.queue.Dead(d.Context(), sync.DeadFilter{})
	if err != nil || len(letters) > 0 {
		d.Errorf("%d dead letters, %v", len(letters), err)
	}
}

// report says it in figures.
func (d *drill) report() string {
	fired, over := d.pager.told(d.alert, d.fell)
	lags := d.lags(d.fell, d.back)
	return fmt.Sprintf("down %s at %d changes a minute; mode %q after %s; webhooks %v, the slowest %s; %d attempts used up (and %d by races); alert after %s, over %s after the end; "+
		"caught up %s after it (median change %s late, the last %s); %d of %d changes lost",
		round(d.back.Sub(d.fell)), perMinute, d.mode, round(d.opened.Sub(d.fell)), d.answers, round(d.slowest), d.queue.burnt.Load(), d.queue.raced.Load(),
		round(fired.Sub(d.fell)), round(over.Sub(d.back)), round(d.caught.Sub(d.back)), round(lags[len(lags)/2]), round(lags[len(lags)-1]),
		d.waiting(time.Now()), len(d.all))
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
