package sync

// An Outcome says what was decided about a field.
type Outcome string

// The outcomes.
const (
	Wrote    Outcome = "write"  // the winner's value goes to the other side
	Adopted  Outcome = "adopt"  // both sides already agree
	Kept     Outcome = "keep"   // they differ and may: an edit on a one-way field's target, a blank
	Held     Outcome = "hold"   // they differ and wait for a person
	Filtered Outcome = "filter" // a condition keeps the value from leaving
	Paused   Outcome = "pause"  // a system cannot hold the value at present
	Gated    Outcome = "gate"   // a switch, the rollout or a breaker keeps it back
)

// A Decision is what the planner decided about one field, and why.
type Decision struct {
	Field   string
	Outcome Outcome
	// Rule names what decided: "changed", "policy.owner", "firstsync.owner" …
	Rule string
	// Winner is the side whose value was taken; merged values have none.
	Winner Side
	Merged bool
	// Conflict is set when both sides had changed to different values, or
	// met for the first time with different values.
	Conflict bool
	// Ambiguous is set when the order of the edits cannot be known.
	Ambiguous bool
	// Before holds both sides' canonical values, left first, and After the
	// value that was agreed on.
	Before [2]Value
	After  Value
	// Times are the intervals in which the edits happened, when compared.
	Times [2]Interval
}

// Lost returns the canonical value that the decision overwrites, if any.
func (d *Decision) Lost() (Value, bool) {
	if d.Outcome != Wrote {
		return Value{}, false
	}
	for _, v := range d.Before {
		if !v.Blank() && v != d.After {
			return v, true
		}
	}
	return Value{}, false
}

// to reports whether the decision gives a side another's value.
func (d *Decision) to(s Side) bool { return d.Merged || d.Winner != s }

// The rules by which a value goes to where none was, and nothing had been
// agreed on.
const (
	ruleCreate   = "create"
	ruleOneSided = "firstsync.one-sided"
)

// founds reports whether nothing had been agreed on before the decision.
func (d *Decision) founds() bool { return d.Rule == ruleCreate || d.Rule == ruleOneSided }
