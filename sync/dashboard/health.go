package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// healthPage shows what the sync stands on.
type healthPage struct {
	Stats    sync.QueueStats
	Waiting  []priorityLine
	Systems  []systemLine
	Modes    []sync.Mode
	Switches []sync.Switch
	Settings [][2]string
}

type priorityLine struct {
	Priority sync.Priority
	Waiting  int
}

// A systemLine is how a system was last seen by this process.
type systemLine struct {
	System         sync.System
	Reached, Swept time.Time
	Trouble        string // the last failure of the last hour
	TroubleAt      time.Time
	Feeds          int
}

func (d *Dashboard) health(w http.ResponseWriter, r *http.Request) error {
	p := healthPage{Modes: d.opts.Engine.Modes(), Settings: d.settings()}
	var err error
	if p.Stats, err = d.opts.Config.Queue.Stats(r.Context(), time.Now()); err != nil {
		return err
	}
	if p.Switches, err = d.opts.Engine.Suspended(r.Context()); err != nil {
		return err
	}
	for i, n := range p.Stats.ByPriority {
		p.Waiting = append(p.Waiting, priorityLine{sync.Priority(i), n})
	}
	for _, system := range d.systems() {
		p.Systems = append(p.Systems, d.seen(system))
	}
	return d.show(w, r, "health", "Health", p)
}

// seen tells how a system was last seen.
func (d *Dashboard) seen(system sync.System) systemLine {
	line := systemLine{System: system, Feeds: 1 + len(d.opts.Config.Peers[system].Feeds)}
	line.Reached, line.Swept = d.opts.Feed.contact(system)
	for _, ev := range d.opts.Feed.latest(1, func(ev *sync.Event) bool {
		return ev.Type == sync.EventRetried && ev.Action != sync.RetryAt && troubleOf(ev) == system
	}) {
		line.Trouble, line.TroubleAt = ev.Err.Error(), ev.At
	}
	return line
}

// troubleOf returns the system that an event's error is about.
func troubleOf(ev *sync.Event) sync.System {
	var e *sync.Error
	if errors.As(ev.Err, &e) {
		return e.Ref.System
	}
	return ""
}

// settings lists what the engine was made with. It holds no secret.
func (d *Dashboard) settings() [][2]string {
	c := &d.opts.Config
	sweeps := fmt.Sprint(c.SweepInterval)
	switch {
	case c.SweepInterval < 0:
		sweeps = "never"
	case c.SweepInterval == 0:
		sweeps = "default"
	}
	orDefault := func(set bool, v any) string {
		if !set {
			return "default"
		}
		return fmt.Sprint(v)
	}
	return [][2]string{
		{"Store", fmt.Sprintf("%T", c.Store)}, {"Queue", fmt.Sprintf("%T", c.Queue)},
		{"Concurrency", orDefault(c.Concurrency != 0, c.Concurrency)}, {"Lease", orDefault(c.Lease != 0, c.Lease)},
		{"Sweep interval", sweeps}, {"Snapshot age", orDefault(c.SnapshotAge != 0, c.SnapshotAge)},
		{"Attempts", orDefault(c.Backoff.Attempts != 0, c.Backoff.Attempts)}, {"Longest wait", orDefault(c.Backoff.Max != 0, c.Backoff.Max)},
		{"Activities", fmt.Sprint(len(c.Activities))}, {"Triggers", fmt.Sprint(len(c.Triggers))},
		{"Dashboard up since", d.began.UTC().Format(time.RFC3339)}, {"Go", runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH},
	}
}

// switchNamed returns the switch that a form names.
func switchNamed(r *http.Request) sync.Switch {
	return sync.Switch{Flow: r.FormValue("flow"), Field: r.FormValue("field"), To: r.FormValue("to"), Why: limited(r.FormValue("why"), 200)}
}

// suspend throws a switch.
func (d *Dashboard) suspend(w http.ResponseWriter, r *http.Request) error {
	s := switchNamed(r)
	if err := d.act(r, Suspend, "suspend "+s.String(), sync.Entry{Flow: s.Flow}); err != nil {
		return err
	}
	if err := d.opts.Engine.Suspend(r.Context(), s); err != nil {
		return err
	}
	return d.done(w, r, "suspended", "/health")
}

// resume puts a switch back. That verifies the flow, which may take long.
func (d *Dashboard) resume(w http.ResponseWriter, r *http.Request) error {
	s := switchNamed(r)
	return d.start(w, r, Suspend, job{kind: "resume", scope: s.String(), flow: s.Flow, progress: "verify " + s.Flow,
		do: func(ctx context.Context) (any, error) {
			return "what waited is being caught up with", d.opts.Engine.Resume(ctx, s)
		}})
}
