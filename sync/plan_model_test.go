package sync

import (
	"slices"
	"strings"
)

// The reference model plans in plain words: canonical texts only, no lenses,
// no raw forms, no shadows, times in whole seconds. Items of a list are
// joined by semicolons. It is written from the rules, not from the planner.

const never = -1 << 30 // a moment before everything

// modelSide is what the model knows about one side.
type modelSide struct {
	exists  bool
	blocked bool     // its leave condition refuses
	exact   bool     // it knows when its fields were set
	skew    int      // how far its clock may be off
	updated int      // its time of the last change of the record
	seen    int      // its time up to which every edit was settled
	values  []string // by field
	set     []int    // by group, its time of the last edit or write
}

type model struct {
	fields []Field
	groups [][]int // the fields that travel together
	first  Policy
	side   [2]modelSide
	agreed []*[2][]string // by group; nil when the sides never agreed
}

// A ruling is what shall happen to a group.
type ruling struct {
	outcome   Outcome // "" when there is nothing to decide
	from      Side    // whose values are taken, unless merged
	merged    []string
	conflict  bool
	ambiguous bool
}

// now returns the side's present values of a group.
func (m *model) now(s Side, g int) []string {
	var out []string
	for _, i := range m.groups[g] {
		out = append(out, m.side[s].values[i])
	}
	return out
}

func blank(values []string) bool { return strings.Join(values, "") == "" }

// rule says what shall happen to a group.
func (m *model) rule(g int) ruling {
	now := [2][]string{m.now(Left, g), m.now(Right, g)}
	edited := [2]bool{!blank(now[Left]), !blank(now[Right])}
	met := m.agreed[g] != nil
	if met {
		for s := range now {
			edited[s] = m.side[s].exists && !slices.Equal(now[s], m.agreed[g][s])
		}
	}
	both := edited[Left] && edited[Right]
	f := m.fields[m.groups[g][0]]
	blankSide, oneBlank := Left, blank(now[Left]) != blank(now[Right])
	if oneBlank && blank(now[Right]) {
		blankSide = Right
	}
	switch {
	case slices.Equal(now[Left], now[Right]):
		if edited[Left] || edited[Right] {
			return ruling{outcome: Adopted}
		}
		return ruling{}
	case f.Direction == ToRight:
		return m.oneWay(f, Left, met, now, edited)
	case f.Direction == ToLeft:
		return m.oneWay(f, Right, met, now, edited)
	case !m.side[Left].exists:
		return ruling{outcome: Wrote, from: Right}
	case !m.side[Right].exists:
		return ruling{outcome: Wrote, from: Left}
	case oneBlank && !met:
		return ruling{outcome: Wrote, from: blankSide.Other()}
	case !met:
		return m.meet(f, now)
	case oneBlank && f.KeepBlank && (edited[Left] || edited[Right]):
		return ruling{outcome: Wrote, from: blankSide.Other(), conflict: both}
	case both:
		return m.conflict(f, g, now)
	case edited[Left]:
		return ruling{outcome: Wrote, from: f.allowed(Left, now)}
	case edited[Right]:
		return ruling{outcome: Wrote, from: f.allowed(Right, now)}
	}
	return ruling{}
}

// allowed returns the side whose values stay after an edit by one: nobody but
// the owner of a monotonic field leads it back.
func (f Field) allowed(by Side, now [2][]string) Side {
	rank := func(s Side) int { return slices.Index(f.Policy.Order, now[s][0]) }
	if f.Policy.Kind == Monotonic && by != f.Policy.Owner && rank(by) >= 0 && rank(by) < rank(by.Other()) {
		return by.Other()
	}
	return by
}

// oneWay: the source rules whenever it moves; an edit on the target stays
// unless the source owns the field; a blank never replaces a value the first
// time, nor ever when blanks are to be kept out.
func (m *model) oneWay(f Field, source Side, met bool, now [2][]string, edited [2]bool) ruling {
	target := source.Other()
	start := !met || !m.side[target].exists
	if !m.side[source].exists || !start && !edited[source] && !edited[target] {
		return ruling{}
	}
	if blank(now[source]) && (start || f.KeepBlank) {
		return ruling{outcome: Kept, from: target}
	}
	if edited[source] || start {
		return ruling{outcome: Wrote, from: source, conflict: edited[source] && edited[target] && !blank(now[target])}
	}
	if f.Policy.Kind == Own && f.Policy.Owner == source {
		return ruling{outcome: Wrote, from: source}
	}
	return ruling{outcome: Kept, from: target}
}

// meet: two records with different values see each other for the first time.
func (m *model) meet(f Field, now [2][]string) ruling {
	r := ruling{outcome: Wrote, from: m.first.Owner, conflict: true}
	switch {
	case m.first.Kind == Review:
		r.outcome = Held
	case m.first.Kind == Union && f.Policy.Kind == Union:
		r.merged = merge(now, make([]string, len(now[Left])))
	}
	return r
}

// conflict: both sides were edited, to different values.
func (m *model) conflict(f Field, g int, now [2][]string) ruling {
	r := ruling{outcome: Wrote, from: f.Policy.Owner, conflict: true}
	rank := func(s Side) int { return slices.Index(f.Policy.Order, now[s][0]) }
	switch f.Policy.Kind {
	case PreferUnlessBlank:
		if blank(now[r.from]) {
			r.from = r.from.Other()
		}
	case Monotonic:
		r.ambiguous = rank(Left) < 0 || rank(Right) < 0 || rank(Left) == rank(Right)
		if !r.ambiguous && rank(Left) > rank(Right) {
			r.from = Left
		} else if !r.ambiguous {
			r.from = Right
		}
	case Union:
		r.merged = merge(now, m.agreed[g][Left])
	case Review:
		r.outcome = Held
	case LastWriteWins:
		loL, hiL := m.when(Left, g)
		loR, hiR := m.when(Right, g)
		switch {
		case hiL < loR:
			r.from = Right
		case hiR < loL:
			r.from = Left
		default:
			r.ambiguous = true
		}
	}
	return r
}

// when bounds the moment of a side's last edit of a group.
func (m *model) when(s Side, g int) (earliest, latest int) {
	e := &m.side[s]
	if e.exact {
		return e.set[g] - e.skew, e.set[g] + e.skew
	}
	return e.seen - e.skew, e.updated + e.skew
}

// merge keeps what was there and is still on both sides, and what is new.
func merge(now [2][]string, was []string) []string {
	out := make([]string, len(was))
	for i := range was {
		votes, old := map[string]int{}, map[string]bool{}
		for _, item := range split(was[i]) {
			old[item] = true
		}
		for s := range now {
			for _, item := range split(now[s][i]) {
				votes[item]++
			}
		}
		var keep []string
		for item, n := range votes {
			if !old[item] || n == 2 {
				keep = append(keep, item)
			}
		}
		slices.Sort(keep)
		out[i] = strings.Join(keep, ";")
	}
	return out
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ';' })
}

// pass rules on every group. The rulings that a leave condition stops become
// refusals; goal is what both sides hold once everything is written.
func (m *model) pass() (rulings []ruling, goal [2][]string) {
	for s := range goal {
		goal[s] = slices.Clone(m.side[s].values)
	}
	for g := range m.groups {
		r := m.rule(g)
		if r.outcome == Wrote {
			if m.stopped(g, r) {
				r.outcome = Filtered
			} else {
				for k, i := range m.groups[g] {
					goal[Left][i], goal[Right][i] = m.taken(g, r)[k], m.taken(g, r)[k]
				}
			}
		}
		rulings = append(rulings, r)
	}
	return rulings, goal
}

func (m *model) taken(g int, r ruling) []string {
	if r.merged != nil {
		return r.merged
	}
	return m.now(r.from, g)
}

// stopped reports whether a side that the values would leave refuses.
func (m *model) stopped(g int, r ruling) bool {
	for _, to := range []Side{Left, Right} {
		if m.side[to.Other()].blocked && !slices.Equal(m.now(to, g), m.taken(g, r)) {
			return true
		}
	}
	return false
}

// commit notes what the sides agreed on in a pass that started when each side
// had last been changed at the times given.
func (m *model) commit(rulings []ruling, goal [2][]string, updated [2]int) {
	done := true
	for g, r := range rulings {
		if r.outcome == Held || r.outcome == Filtered {
			done = false
			continue
		}
		m.agreed[g] = &[2][]string{}
		for _, i := range m.groups[g] {
			for s := range goal {
				m.agreed[g][s] = append(m.agreed[g][s], goal[s][i])
			}
		}
	}
	for s := range updated {
		if done {
			m.side[s].seen = max(m.side[s].seen, updated[s])
		}
	}
}
