package alert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// Objectives are the limits that the rules of [Rules] watch.
type Objectives struct {
	// Lag is how late a live change may be, 5 s by default.
	Lag time.Duration
	// Backlog is how old a waiting message may be, 30 s by default.
	Backlog time.Duration
	// Failures is the share of changes and facts that may end in the dead
	// letters, 0.01 by default.
	Failures float64
	// Agreement is the least share of equal fields, 0.99 by default.
	Agreement float64
	// Sweep is how long ago the last sweep of a system may be, 5 minutes by
	// default.
	Sweep time.Duration
}

func (o Objectives) withDefaults() Objectives {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.Lag, 5*time.Second)
	set(&o.Backlog, 30*time.Second)
	set(&o.Sweep, 5*time.Minute)
	if o.Failures == 0 {
		o.Failures = 0.01
	}
	if o.Agreement == 0 {
		o.Agreement = 0.99
	}
	return o
}

// Rules returns the usual rules.
func Rules(o Objectives) []Rule {
	o = o.withDefaults()
	return []Rule{
		{"LagHigh", Warning, "Live changes reach the other side late.", 2 * time.Minute, o.lag},
		{"BacklogAgeHigh", Critical, "Messages wait in the queue for too long.", 2 * time.Minute, o.backlog},
		{"Stalled", Critical, "Messages wait and nothing is done.", 10 * time.Minute, stalled},
		{"QueueDown", Critical, "The queue does not answer; receivers refuse webhooks.", 30 * time.Second, queueDown},
		{"DeadLettersGrowing", Warning, "Messages were given up and wait for a person.", 0, deadLetters},
		{"FailureRateHigh", Warning, "Too many changes end in the dead letters.", 0, o.failures},
		{"AgreementLow", Warning, "The last verification found the systems apart.", 0, o.agreement},
		{"SweepOverdue", Warning, "A system was not swept for too long; lost webhooks go unnoticed.", 0, o.sweep},
		{"SchemaDegraded", Warning, "A field pauses: its system cannot hold it.", 0, degraded},
		{"GuardTripped", Critical, "A guard stopped a flow.", 0, guarded},
		{"Oscillation", Warning, "A field flips to and fro and is held.", 0, oscillating},
		{"Fallback", Warning, "The engine works in a fallback mode.", time.Minute, fallbacks},
		{"QuotaForecast", Warning, "A vendor's quota will not last.", 10 * time.Minute, quotas},
	}
}

// few is the least number of changes of which shares say something.
const few = 20

func (o Objectives) lag(s *State, now time.Time) []Case {
	slow, all := s.Slow.Within(now, 5*time.Minute), s.Live.Within(now, 5*time.Minute)
	return one(all >= few && slow > 0.01*all,
		fmt.Sprintf("%.0f of %.0f live changes in 5 minutes took longer than %s", slow, all, o.Lag))
}

func (o Objectives) backlog(s *State, now time.Time) []Case {
	// What sleeps until a retry is the business of another rule.
	if s.QueueErr != nil || s.Queue.OldestAt.IsZero() || s.Queue.Waiting == s.Queue.Sleeping {
		return nil
	}
	age := now.Sub(s.Queue.OldestAt)
	return one(age > o.Backlog, fmt.Sprintf("the oldest of %d messages has waited for %s", s.Queue.Waiting, age.Round(time.Second)))
}

func stalled(s *State, now time.Time) []Case {
	ready := s.Queue.Waiting - s.Queue.Sleeping
	return one(s.QueueErr == nil && ready > 0 && s.Ended.Within(now, 10*time.Minute) == 0,
		fmt.Sprintf("%d messages are ready, and none came to its end in 10 minutes", ready))
}

func queueDown(s *State, now time.Time) []Case {
	return one(s.QueueErr != nil, "no answer for "+now.Sub(s.QueueDown).Round(time.Second).String())
}

func deadLetters(s *State, now time.Time) []Case {
	n := s.Dead.Within(now, time.Hour)
	return one(n > 0 && s.Queue.Dead > 0, fmt.Sprintf("%.0f in the last hour, %d in all", n, s.Queue.Dead))
}

func (o Objectives) failures(s *State, now time.Time) []Case {
	dead, all := s.Dead.Within(now, time.Hour), s.Ended.Within(now, time.Hour)
	return one(all >= few && dead > o.Failures*all, fmt.Sprintf("%.0f of %.0f in the last hour", dead, all))
}

func (o Objectives) agreement(s *State, _ time.Time) (cases []Case) {
	for flow, ratio := range s.Agreement {
		if ratio < o.Agreement {
			cases = append(cases, Case{map[string]string{"flow": flow}, fmt.Sprintf("%.2f %% of the fields of flow %s are equal", 100*ratio, flow)})
		}
	}
	return cases
}

func (o Objectives) sweep(s *State, now time.Time) (cases []Case) {
	for system, at := range s.Swept {
		if at.IsZero() {
			at = s.Started
		}
		if late := now.Sub(at); late > o.Sweep {
			cases = append(cases, Case{map[string]string{"system": string(system)}, fmt.Sprintf("%s was last swept %s ago", system, late.Round(time.Second))})
		}
	}
	return cases
}

func degraded(s *State, _ time.Time) (cases []Case) {
	for f, rule := range s.Degraded {
		cases = append(cases, Case{map[string]string{"system": string(f.System), "kind": string(f.Kind), "field": f.Name}, rule})
	}
	return cases
}

// lately is how long a stop is an alert at least; that of a guard is one until
// somebody resumes the flow.
const lately = time.Hour

func tripped(s *State, now time.Time, oscillation bool) (cases []Case) {
	for trip, at := range s.Tripped {
		if (now.Sub(at) < lately || suspended(s, trip)) && (trip.Rule == oscillationRule) == oscillation {
			labels := map[string]string{"flow": trip.Flow, "rule": trip.Rule}
			if trip.Field != "" {
				labels["field"] = trip.Field
			}
			cases = append(cases, Case{labels, "last at " + at.UTC().Format(time.RFC3339)})
		}
	}
	return cases
}

// suspended reports whether a flow that a guard stopped is still so, by the
// modes of [sync.Engine.Modes].
func suspended(s *State, trip Trip) bool {
	mode := "suspended: " + sync.Switch{Flow: trip.Flow}.String()
	return trip.Rule != oscillationRule && slices.ContainsFunc(s.Modes, func(m sync.Mode) bool {
		return m.System == "" && m.Name == mode && strings.HasPrefix(m.Why, "guard: ")
	})
}

func guarded(s *State, now time.Time) []Case     { return tripped(s, now, false) }
func oscillating(s *State, now time.Time) []Case { return tripped(s, now, true) }

func fallbacks(s *State, _ time.Time) (cases []Case) {
	for _, m := range s.Modes {
		labels := map[string]string{"mode": m.Name}
		if m.System != "" {
			labels["system"] = string(m.System)
		}
		cases = append(cases, Case{labels, m.Why})
	}
	return cases
}

// quotas holds for a quota that ends before its period does if it goes on like
// this.
func quotas(s *State, now time.Time) (cases []Case) {
	for _, q := range s.Quotas {
		gone, all := now.Sub(q.From), q.Until.Sub(q.From)
		if q.Limit <= 0 || q.From.IsZero() || gone <= 0 || all <= 0 || gone < all/20 {
			continue
		}
		if forecast := float64(q.Used) * float64(all) / float64(gone); forecast > float64(q.Limit) {
			cases = append(cases, Case{map[string]string{"system": string(q.System), "quota": q.Name},
				fmt.Sprintf("%d of %d calls used, %.0f by %s at this rate", q.Used, q.Limit, forecast, q.Until.UTC().Format(time.RFC3339))})
		}
	}
	return cases
}
