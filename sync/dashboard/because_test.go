package dashboard

import (
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

func TestBecause(t *testing.T) {
	flow := &sync.Flow{Left: sync.Endpoint{System: "alpha"}, Right: sync.Endpoint{System: "beta"}}
	for want, d := range map[string]sync.Decision{
		"The value of beta went to alpha: only that side had changed.":                      {Outcome: sync.Wrote, Rule: "changed", Winner: sync.Right},
		"The value of alpha went to beta: both sides had changed, and the later edit wins.": {Outcome: sync.Wrote, Rule: "policy.last-write-wins"},
		"The value of beta went to alpha: both sides had changed, nobody can know which edit came later, and this side owns the field then.": {
			Outcome: sync.Wrote, Rule: "policy.last-write-wins", Winner: sync.Right, Ambiguous: true},
		"The values of both sides were joined: both lists had changed, and were joined.": {Outcome: sync.Wrote, Rule: "policy.union", Merged: true},
		"Nothing was written: both sides had the same value.":                            {Outcome: sync.Adopted, Rule: "equal"},
		"It waits for a person: both sides had changed, and a person decides.":           {Outcome: sync.Held, Rule: "policy.review"},
		"A condition keeps it from travelling: has no email.":                            {Outcome: sync.Filtered, Rule: "leave: has no email"},
		"It pauses: a system cannot hold it at present, score archived.":                 {Outcome: sync.Paused, Rule: "degraded: score archived"},
		"Nothing was written: by the rule new.one.":                                      {Outcome: sync.Adopted, Rule: "new.one"},
		"It is kept back: the flow is suspended by a switch.":                            {Outcome: sync.Gated, Rule: "switch"},
	} {
		if got := because(flow, &d); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
