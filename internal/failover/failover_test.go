//go:build unix

package failover

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/hubspot/hubspottest"
	"github.com/urbanhub/crmsync/sync"
)

// What an outage may cost on a machine that is busy with other work, too.
const (
	noticedWithin = time.Minute      // until the mode is on and the alert told
	answersWithin = 10 * time.Second // a receiver, to a vendor who hangs up after 5 s
	caughtWithin  = 3 * time.Minute  // until everything has arrived
)

// In an outage of a minute, which is measured on a machine that does nothing
// else, the mode is on and a receiver answers before the vendors hang up.
const (
	measured = time.Minute
	promptly = 5 * time.Second
)

// lead is how long all is well before an outage. People go on making changes
// until all is well again, at least until tail after half as long again.
const lead, tail = 3 * time.Second, 5 * time.Second

// A loss is what is taken away.
type loss struct {
	ground   func(*testing.T) *ground
	down, up func(*testing.T, *host)
	mode     string // that is on meanwhile, how its name begins
	alert    string // that fires, how its key begins
	refused  bool   // webhooks are
}

var losses = map[string]loss{
	"HubSpot": {
		ground: inMemory, mode: "calls wait: ", alert: "Fallback mode=calls wait: ",
		down: func(_ *testing.T, h *host) { h.town.hubspot.Faults().Add(hubspottest.ServerError(503)) },
		up:   func(_ *testing.T, h *host) { h.town.hubspot.Faults().Clear() },
	},
	"Bird": {
		ground: inMemory, mode: "calls wait: ", alert: "Fallback mode=calls wait: ",
		down: func(_ *testing.T, h *host) { h.town.bird.Faults().Add(birdtest.Fault{DropBefore: true}) },
		up:   func(_ *testing.T, h *host) { h.town.bird.Faults().Clear() },
	},
	"PostgreSQL": {
		ground: inPostgres, mode: "webhooks refused", alert: "QueueDown", refused: true,
		down: func(t *testing.T, h *host) { h.down(t) }, up: func(t *testing.T, h *host) { h.up(t) },
	},
	"Redis": {
		ground: inRedis, mode: "webhooks refused", alert: "QueueDown", refused: true,
		down: func(t *testing.T, h *host) { h.down(t) }, up: func(t *testing.T, h *host) { h.up(t) },
	},
	"PostgreSQL beside Redis": {
		ground: inBoth, mode: "work waits: store", alert: "Fallback mode=work waits: store",
		down: func(t *testing.T, h *host) { h.down(t) }, up: func(t *testing.T, h *host) { h.up(t) },
	},
}

// Whatever is taken away comes back without anybody's loss.
func TestFailover(t *testing.T) {
	for name, l := range losses {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := l.ground(t)
			d := &drill{T: t, loss: l, host: start(t, newTown(t, int((lead+*outage*3/2+tail)*perMinute/time.Minute)), g)}
			d.load.v = d.town
			d.play()
			d.judge()
			fmt.Printf("failover: %s: %s\n", name, d.report())
		})
	}
}

// A drill is one outage and what came of it.
type drill struct {
	*testing.T
	loss
	*host
	load
	fell, opened, back, caught time.Time
	answers                    map[int]int // of the receivers in the outage
	slowest                    time.Duration
	stood                      time.Duration // how long the machine kept this process from running in it
}

// play runs the load through an outage and until all has arrived.
func (d *drill) play() {
	d.Helper()
	working, stop := context.WithCancel(d.Context())
	watching, blind := context.WithCancel(d.Context())
	defer blind()
	var all errgroup.Group
	all.Go(func() error { d.watch(watching); return nil })
	all.Go(func() error { return d.load.run(working) })
	d.wait(lead)
	d.await("the engine has begun, which it does not without its store", caughtWithin, func() bool { return d.arrived() > 0 })
	d.suffer()
	d.await("all that was changed in the outage has arrived", caughtWithin, func() bool { return d.waiting(d.back) == 0 })
	d.caught = time.Now()
	d.wait(time.Second)
	stop()
	d.await("all has arrived", caughtWithin, func() bool { return d.waiting(time.Now()) == 0 })
	blind()
	if err := all.Wait(); err != nil {
		d.Error(err)
	}
	d.await("the alert is over", 3*time.Minute, func() bool { _, over := d.pager.told(d.alert, d.fell); return !over.IsZero() })
	if err := d.town.quiet(d.Context()); err != nil {
		d.Error(err)
	}
	d.await("rest", 3*time.Minute, d.idle)
}

// suffer takes something away for the time of an outage, and on a slow machine
// until that was noticed.
func (d *drill) suffer() {
	d.Helper()
	d.door.take()
	d.queue.burnt.Store(0)
	d.queue.raced.Store(0)
	d.fell = time.Now()
	d.loss.down(d.T, d.host)
	for time.Since(d.fell) < *outage || !d.noticed() && time.Since(d.fell) < *outage+noticedWithin {
		if d.opened.IsZero() && d.told(d.engine.Health(d.Context())) {
			d.opened = time.Now()
		}
		const nap = 20 * time.Millisecond
		before := time.Now()
		d.wait(nap)
		d.stood += max(0, time.Since(before)-nap)
	}
	d.answers, d.slowest = d.door.take()
	d.loss.up(d.T, d.host)
	d.back = time.Now()
}

// noticed reports whether the mode was on and the alert was told.
func (d *drill) noticed() bool {
	fired, _ := d.pager.told(d.alert, d.fell)
	return !d.opened.IsZero() && !fired.IsZero()
}

// told reports whether the mode is on, with its time and its cause.
func (d *drill) told(h sync.Health) bool {
	for _, m := range h.Modes {
		if strings.HasPrefix(m.Name, d.mode) && m.Why != "" && !m.Since.Before(d.fell) && !m.Since.After(time.Now()) {
			return true
		}
	}
	return false
}

// idle reports whether nothing is left to do.
func (d *drill) idle() bool {
	stats, err := d.queue.Stats(d.Context(), time.Now())
	return err == nil && stats.Waiting+stats.Leased == 0
}

func (d *drill) wait(t time.Duration) {
	d.Helper()
	select {
	case <-d.Context().Done():
		d.Fatal(d.Context().Err())
	case <-time.After(t):
	}
}

// await waits until something is so, and fails after a while.
func (d *drill) await(what string, most time.Duration, so func() bool) {
	d.Helper()
	began := time.Now()
	for !so() {
		d.wait(20 * time.Millisecond)
		if time.Since(began) > most {
			stats, err := d.queue.Stats(d.Context(), time.Now())
			d.Fatalf("not within %s: %s; %d changes wait, queue %+v, %v; modes %+v; alerts %v; attempts %s; the engine said last:\n%s",
				most, what, d.waiting(time.Now()), stats, err, d.engine.Modes(), &d.pager, d.queue.why(), &d.said)
		}
	}
}
