package sync

import (
	"context"
	"time"
)

// A Progress tells how far a run is: a [Engine.Backfill], [Engine.Verify],
// [Engine.Inventory], [Engine.Forecast] or [Engine.ApplyForecast]. The observer
// gets one as [EventProgress] after every stage or page.
type Progress struct {
	Run string
	// Done counts the records, or for a verification the pairs, of this call,
	// and Earlier those of calls that a Backfill or Inventory goes on after.
	Done, Earlier int
	// Total is how many there are, Earlier and Done among them; 0 if nobody
	// knows. Estimated says that it is what was last counted.
	Total     int
	Estimated bool
	// Failed counts the records that ended in the dead letters, Duplicates
	// those that are ambiguous, Conflicts those with a field in conflict, and
	// Waiting those of the last stage without an outcome yet. Only a Backfill
	// knows them.
	Failed, Duplicates, Conflicts, Waiting int
	// PerSecond is the rate of this call.
	PerSecond float64
	// Remaining is how long the rest takes at this rate, 0 if nobody knows.
	Remaining time.Duration
	// More is false when the run is at its end.
	More bool
}

// A meter measures a run and tells the observer of it.
type meter struct {
	engine *Engine
	flow   string
	start  time.Time
	Progress
}

func (e *Engine) meter(flow, run string) *meter {
	return &meter{engine: e, flow: flow, start: time.Now(), Progress: Progress{Run: run, More: true}}
}

// step tells that n more are done.
func (m *meter) step(n int, more bool) {
	took := time.Since(m.start)
	m.Done, m.More = m.Done+n, more
	m.PerSecond = float64(m.Done) / max(took.Seconds(), 0.001)
	m.Remaining = 0
	if left := m.Total - m.Earlier - m.Done; left > 0 && m.Done > 0 {
		m.Remaining = time.Duration(float64(left) / m.PerSecond * float64(time.Second))
	}
	told := m.Progress
	m.engine.observe(Event{Type: EventProgress, Flow: m.flow, Progress: &told, Duration: took})
}

// size finds out how many records of a kind there are: from the system if it
// can count them, else from the last inventory.
func (e *Engine) size(ctx context.Context, end *Endpoint) (n int, estimated bool, err error) {
	if counter, ok := e.cfg.Peers[end.System].Source.(Counter); ok {
		n, err := counter.Count(ctx, end.Kind)
		return n, false, err
	}
	last, err := e.inventoryOf(ctx, end.System)
	return last.Counts[end.Kind], true, err
}
