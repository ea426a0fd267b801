package alert

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// A Severity says how much an alert matters.
type Severity string

// The severities.
const (
	Critical Severity = "critical" // wake somebody
	Warning  Severity = "warning"  // look at it today
	Info     Severity = "info"     // good to know
)

// An Alert is one thing that a rule found.
type Alert struct {
	// Rule names the rule; its section of docs/operations.md has the same name.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Summary is the rule's sentence, Description tells of this case.
	Summary     string `json:"summary"`
	Description string `json:"description"`
	// Labels tell alerts of one rule apart: a flow, a system, a field.
	Labels map[string]string `json:"labels,omitempty"`
	// Since is when the condition began to hold, Ended when it ceased, zero
	// while it holds.
	Since time.Time `json:"since"`
	Ended time.Time `json:"ended,omitzero"`
	// Runbook is the address of what to do.
	Runbook string `json:"runbook,omitempty"`
}

// Key identifies the alert: its rule and labels. The firing, the reminder and
// the end of one alert have the same.
func (a *Alert) Key() string {
	parts := []string{a.Rule}
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		parts = append(parts, name+"="+a.Labels[name])
	}
	return strings.Join(parts, " ")
}

// A Case is one thing for which a rule's condition holds.
type Case struct {
	Labels      map[string]string
	Description string
}

// A Rule is a condition that people should know of.
type Rule struct {
	// Name is in CamelCase, such as SweepOverdue.
	Name     string
	Severity Severity
	// Summary is one sentence.
	Summary string
	// For is how long the condition must hold before the rule fires.
	For time.Duration
	// Check returns the cases for which it holds now. It must not block and
	// not keep s.
	Check func(s *State, now time.Time) []Case
}

// one is the case of a rule that is not about anything in particular.
func one(holds bool, description string) []Case {
	if !holds {
		return nil
	}
	return []Case{{Description: description}}
}
