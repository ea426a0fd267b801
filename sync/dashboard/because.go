package dashboard

import (
	"fmt"
	"strings"

	"github.com/urbanhub/crmsync/sync"
)

// rules say in words why a decision was made.
var rules = map[string]string{
	"changed":                    "only that side had changed",
	"equal":                      "both sides had the same value",
	"create":                     "the other record was being created",
	"one-way":                    "the field travels in this direction only",
	"one-way restore":            "the field travels in this direction only, and its source owns it",
	"one-way target edited":      "the field travels in the other direction only: an edit here stays until the source changes",
	"blank never overwrites":     "a blank never overwrites a value in this field",
	"firstsync.one-sided":        "when the records first met only one side had a value",
	"firstsync.owner":            "when the records first met the values differed, and this side owns them then",
	"firstsync.review":           "when the records first met the values differed, and a person decides",
	"firstsync.union":            "when the records first met the lists were joined",
	"policy.last-write-wins":     "both sides had changed, and the later edit wins",
	"policy.owner":               "both sides had changed, and this side owns the field",
	"policy.monotonic":           "the value stands later in the field's order",
	"policy.prefer-unless-blank": "both sides had changed, and this side is preferred unless it is blank",
	"rollout.shadow":             "the flow is in shadow mode and writes nothing",
	"rollout.part":               "the flow is open to a part of the records only",
	"policy.review":              "both sides had changed, and a person decides",
	"policy.union":               "both lists had changed, and were joined",
	"switch":                     "the flow is suspended by a switch",
	"not restored":               "it was edited again since, or may not be written",
	"breaker.oscillation":        "the value went back and forth too often: something else sets it back",
}

// because says why a field has its value, without the value.
func because(flow *sync.Flow, d *sync.Decision) string {
	winner, other := flow.End(d.Winner).System, flow.End(d.Winner.Other()).System
	rule := inWords(d)
	switch {
	case d.Outcome == sync.Wrote && d.Merged:
		return fmt.Sprintf("The values of both sides were joined: %s.", rule)
	case d.Outcome == sync.Wrote:
		return fmt.Sprintf("The value of %s went to %s: %s.", winner, other, rule)
	case d.Outcome == sync.Adopted:
		return fmt.Sprintf("Nothing was written: %s.", rule)
	}
	return fmt.Sprintf("%s: %s.", outcomes[d.Outcome], rule)
}

// inWords says in words why a decision was made.
func inWords(d *sync.Decision) string {
	if rule, ok := strings.CutPrefix(d.Rule, "lost-update: "); ok {
		then := *d
		then.Rule = rule
		return "an edit was overwritten unseen and found later; " + inWords(&then)
	}
	if d.Ambiguous {
		return "both sides had changed, nobody can know which edit came later, and this side owns the field then"
	}
	if words, ok := rules[d.Rule]; ok {
		return words
	}
	if why, ok := strings.CutPrefix(d.Rule, "leave: "); ok {
		return why // in the words of the flow's condition
	}
	if what, ok := strings.CutPrefix(d.Rule, "degraded: "); ok {
		return "a system cannot hold it at present, " + what
	}
	return "by the rule " + d.Rule
}

// outcomes say what became of a field that was left as it is.
var outcomes = map[sync.Outcome]string{
	sync.Kept:     "The sides may differ",
	sync.Held:     "It waits for a person",
	sync.Filtered: "A condition keeps it from travelling",
	sync.Paused:   "It pauses",
	sync.Gated:    "It is kept back",
}
