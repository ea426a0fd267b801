package alert

import (
	"slices"
	"time"
)

// A Silence keeps alerts from being told.
type Silence struct {
	// Rule is the rule's name, "" for all.
	Rule string
	// Labels are those an alert must have, among others.
	Labels map[string]string
	Until  time.Time
	// By and Why are who asked for it and for what reason.
	By, Why string
}

func (s *Silence) covers(a *Alert, now time.Time) bool {
	if !s.Until.After(now) || s.Rule != "" && s.Rule != a.Rule {
		return false
	}
	for name, value := range s.Labels {
		if a.Labels[name] != value {
			return false
		}
	}
	return true
}

// Silence keeps alerts from being told for a while. One that lasts longer is
// told then.
func (m *Manager) Silence(s Silence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silences = append(m.silences, s)
}

// Silences returns those that hold at now.
func (m *Manager) Silences(now time.Time) []Silence {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.silences = slices.DeleteFunc(m.silences, func(s Silence) bool { return !s.Until.After(now) })
	return slices.Clone(m.silences)
}
