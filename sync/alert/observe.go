package alert

import (
	"errors"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// oscillationRule is the rule of a field that flips.
const oscillationRule = "oscillation"

// Observe is the [sync.Observer] to give to the engine.
func (m *Manager) Observe(e sync.Event) {
	now := e.At
	if now.IsZero() {
		now = time.Now()
	}
	m.note(&e, now)
	if m.o.Next != nil {
		m.o.Next(e)
	}
}

// note takes an event into the state.
func (m *Manager) note(e *sync.Event, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := &m.state
	switch e.Type {
	case sync.EventSynced:
		s.Ended.add(now, 1)
		if e.Priority == sync.Live && e.Count > 0 {
			s.Live.add(now, 1)
			if e.Lag > m.o.Lag {
				s.Slow.add(now, 1)
			}
		}
	case sync.EventRecorded:
		s.Ended.add(now, 1)
	case sync.EventBuried:
		s.Ended.add(now, float64(e.Count))
		s.Dead.add(now, float64(e.Count))
	case sync.EventSwept:
		s.Swept[e.Ref.System] = now
	case sync.EventVerified:
		s.Agreement[e.Agreement.Flow] = e.Agreement.Ratio()
	case sync.EventDegraded, sync.EventRecovered:
		m.degrade(e)
	case sync.EventTripped:
		s.Tripped[tripOf(e)] = now
	}
}

func (m *Manager) degrade(e *sync.Event) {
	var err *sync.Error
	if !errors.As(e.Err, &err) {
		return
	}
	field := Field{e.Ref.System, e.Ref.Kind, err.Field}
	if e.Type == sync.EventDegraded {
		m.state.Degraded[field] = err.Rule
	} else {
		delete(m.state.Degraded, field)
	}
}

// tripOf names what tripped. The labels of fields are those of the flows: few,
// whatever the records hold.
func tripOf(e *sync.Event) Trip {
	if err := (*sync.Error)(nil); errors.As(e.Err, &err) {
		return Trip{Flow: e.Flow, Rule: err.Rule}
	}
	trip := Trip{Flow: e.Flow, Rule: oscillationRule}
	if e.Decision != nil {
		trip.Field = e.Decision.Field
	}
	return trip
}
