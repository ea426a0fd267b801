package sync

import "time"

// A Shadow is what one side held when both sides were last known to agree.
// Each side has its own, because each reformats what it is given.
type Shadow struct {
	// Fields holds the raw values by the side's own names. Unlike in a record,
	// a null value and a missing name differ: null is what was agreed on,
	// while a name that is missing was never agreed on at all.
	Fields Fields `json:"fields"`
	// UpdatedAt is the side's own time of the state in which the fields were
	// last seen like this: an edit seen later happened after it.
	UpdatedAt time.Time `json:"updated_at,omitzero"`
}

// A Base is the pair of shadows of a linked pair. The zero Base means that
// the pair never agreed on anything.
type Base struct {
	Left  Shadow `json:"left"`
	Right Shadow `json:"right"`
	// Unsettled is set while an edit waits that no signal may tell of again:
	// it was held, filtered or refused, or a creation is half done. Until it
	// is settled no signal is taken for an echo. The planner ignores it.
	Unsettled bool `json:"unsettled,omitempty"`
	// Unfinished holds the raw fields, left first, of writes of which nobody
	// knows whether they took effect, and Intent the ID of theirs. The planner
	// ignores them.
	Unfinished [2]Fields `json:"unfinished,omitzero"`
	Intent     string    `json:"intent,omitempty"`
	// Fired counts, by the name of a [Trigger], the transitions that it has
	// fired for. The planner ignores it.
	Fired map[string]int `json:"fired,omitempty"`
}

// Zero reports whether there is no base yet.
func (b *Base) Zero() bool { return b.Left.Fields == nil && b.Right.Fields == nil }

func (b *Base) side(s Side) *Shadow {
	if s == Left {
		return &b.Left
	}
	return &b.Right
}
