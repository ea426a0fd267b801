package alert

import (
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// State is what rules look at. A manager shows it to one rule at a time.
type State struct {
	// Queue are the queue's figures, QueueErr why there are none.
	Queue    sync.QueueStats
	QueueErr error
	// QueueDown is since when the queue does not answer.
	QueueDown time.Time
	// Slow and Live count live changes that were applied: those later than
	// the objective, and all.
	Slow, Live Counter
	// Ended counts changes and facts that came to an end, Dead those of them
	// that became dead letters.
	Ended, Dead Counter
	// Swept is when each system was last swept, Started when the manager
	// began to look.
	Swept   map[sync.System]time.Time
	Started time.Time
	// Agreement is that of each flow's last verification.
	Agreement map[string]float64
	// Degraded are the fields that pause, with the rule that says why.
	Degraded map[Field]string
	// Tripped is when a guard or the breaker of a field last stopped
	// something, by flow and rule.
	Tripped map[Trip]time.Time
	// Modes are the fallbacks that are on.
	Modes []sync.Mode
	// Quotas are the vendors' quotas.
	Quotas []sync.Quota
}

// A Field is a field of a kind of records.
type Field struct {
	System sync.System
	Kind   sync.Kind
	Name   string
}

// A Trip names what stopped something: a guard, or the breaker of a field,
// which is named by the flow's label for it.
type Trip struct{ Flow, Rule, Field string }

// A Counter counts things in time.
type Counter struct {
	slots map[int64]float64 // by slot of time
}

// The counters remember keep in slots of a resolution.
const (
	resolution = 10 * time.Second
	keep       = time.Hour
)

func (c *Counter) add(now time.Time, n float64) {
	if c.slots == nil {
		c.slots = map[int64]float64{}
	}
	slot := now.UnixNano() / int64(resolution)
	c.slots[slot] += n
	for at := range c.slots {
		if at < slot-int64(keep/resolution) {
			delete(c.slots, at)
		}
	}
}

// Within returns the count of the last d, an hour at most.
func (c *Counter) Within(now time.Time, d time.Duration) (n float64) {
	from, upto := now.Add(-d).UnixNano()/int64(resolution), now.UnixNano()/int64(resolution)
	for at, count := range c.slots {
		if at > from && at <= upto {
			n += count
		}
	}
	return n
}
