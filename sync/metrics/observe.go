package metrics

import (
	"errors"
	"strconv"

	"github.com/urbanhub/crmsync/sync"
)

// Observe is the [sync.Observer] to give to the engine.
func (c *Collector) Observe(e sync.Event) {
	if count := counts[e.Type]; count != nil {
		count(c, &e)
	}
	if c.next != nil {
		c.next(e)
	}
}

// counts says for each event what is counted.
var counts = map[sync.EventType]func(*Collector, *sync.Event){
	sync.EventEnqueued: func(c *Collector, e *sync.Event) { c.enqueued.Add(float64(e.Count)) },
	sync.EventTaken: func(c *Collector, e *sync.Event) {
		c.wait.WithLabelValues(e.Priority.String()).Observe(max(0, e.Lag.Seconds()))
	},
	sync.EventRead:  (*Collector).read,
	sync.EventWrote: (*Collector).wrote,
	sync.EventCreated: func(c *Collector, e *sync.Event) {
		c.created.WithLabelValues(e.Flow, string(e.Ref.System)).Inc()
	},
	sync.EventEcho:      func(c *Collector, e *sync.Event) { c.echoes.WithLabelValues(e.Flow).Inc() },
	sync.EventHeld:      func(c *Collector, e *sync.Event) { c.held.WithLabelValues(e.Flow).Inc() },
	sync.EventLost:      func(c *Collector, e *sync.Event) { c.lost.WithLabelValues(e.Flow).Inc() },
	sync.EventDecided:   (*Collector).decided,
	sync.EventSynced:    (*Collector).synced,
	sync.EventRecorded:  (*Collector).recorded,
	sync.EventRetried:   func(c *Collector, e *sync.Event) { c.attempts.WithLabelValues(e.Action.String()).Inc() },
	sync.EventBuried:    (*Collector).buried,
	sync.EventDegraded:  func(c *Collector, e *sync.Event) { c.pauses(e, 1) },
	sync.EventRecovered: func(c *Collector, e *sync.Event) { c.pauses(e, 0) },
	sync.EventTripped:   (*Collector).trip,
	sync.EventGap:       func(c *Collector, e *sync.Event) { c.gaps.WithLabelValues(string(e.Ref.System)).Inc() },
	sync.EventSwept:     func(c *Collector, e *sync.Event) { c.succeeded("sweep", string(e.Ref.System), e) },
	sync.EventProgress:  (*Collector).advanced,
	sync.EventVerified:  (*Collector).verified,
}

func (c *Collector) read(e *sync.Event) {
	if e.Elided {
		c.elided.WithLabelValues(string(e.Ref.System)).Inc()
		return
	}
	c.requests.WithLabelValues(string(e.Ref.System), "read").Observe(e.Duration.Seconds())
}

func (c *Collector) wrote(e *sync.Event) {
	c.requests.WithLabelValues(string(e.Ref.System), "write").Observe(e.Duration.Seconds())
	c.written.WithLabelValues(e.Flow, string(e.Ref.System)).Add(float64(e.Count))
}

func (c *Collector) decided(e *sync.Event) {
	d := e.Decision
	if d == nil || !d.Conflict {
		return
	}
	winner := d.Winner.String()
	if d.Merged {
		winner = "merged"
	}
	c.conflicts.WithLabelValues(e.Flow, d.Rule, winner, strconv.FormatBool(d.Ambiguous)).Inc()
}

// synced counts a change that is done. Only one that was written has a lag: an
// echo has nothing to be late with.
func (c *Collector) synced(e *sync.Event) {
	outcome := "unchanged"
	if e.Count > 0 {
		outcome = "applied"
		c.lag.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), string(e.Reason)).Observe(max(0, e.Lag.Seconds()))
	}
	c.terminal.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), outcome).Inc()
}

func (c *Collector) recorded(e *sync.Event) {
	c.lag.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), "fact").Observe(max(0, e.Lag.Seconds()))
	c.terminal.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), "applied").Inc()
}

func (c *Collector) buried(e *sync.Event) {
	c.attempts.WithLabelValues(e.Action.String()).Inc()
	c.terminal.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), "dead").Add(float64(e.Count))
}

func (c *Collector) pauses(e *sync.Event, is float64) {
	var err *sync.Error
	if errors.As(e.Err, &err) {
		c.degraded.WithLabelValues(string(e.Ref.System), string(e.Ref.Kind), err.Field).Set(is)
	}
}

func (c *Collector) trip(e *sync.Event) {
	rule, field := "oscillation", ""
	if err := (*sync.Error)(nil); errors.As(e.Err, &err) {
		rule = err.Rule
	} else if e.Decision != nil {
		field = e.Decision.Field
	}
	c.tripped.WithLabelValues(e.Flow, rule, field).Inc()
}

func (c *Collector) advanced(e *sync.Event) {
	if p := e.Progress; p != nil {
		c.progress.WithLabelValues(e.Flow, p.Run).Set(float64(p.Done))
	}
}

func (c *Collector) verified(e *sync.Event) {
	a := e.Agreement
	if a == nil {
		return
	}
	c.cells.WithLabelValues(a.Flow, "equal").Add(float64(a.Equal))
	c.cells.WithLabelValues(a.Flow, "mismatch").Add(float64(a.Compared - a.Equal))
	c.cells.WithLabelValues(a.Flow, "skipped").Add(float64(a.Skipped))
	c.agreement.WithLabelValues(a.Flow).Set(a.Ratio())
	c.succeeded("verify", a.Flow, e)
}

func (c *Collector) succeeded(job, of string, e *sync.Event) {
	c.success.WithLabelValues(job, of).Set(float64(e.At.UnixMilli()) / 1000)
}
