package sync

import (
	"hash/fnv"
	"slices"
)

// A Rollout says to which pairs of a flow anything is written. Whatever it
// keeps out is still read, matched and compared, and its decisions are told to
// the observer with the outcome [Gated]: so a flow runs beside an older
// integration until people trust it. Facts about what it keeps out become no
// activities, also not later: until then the older one records them. An
// activity of another record is associated with it when it is looked at in a
// rollout that is open to it. The zero Rollout is open to all.
type Rollout struct {
	// Shadow writes nothing at all.
	Shadow bool
	// Percent, from 1 to 100, opens it to that part of the records, always
	// the same ones: raising it adds pairs and takes none away. 0 with an
	// Allow list opens it to those only, and without one to all.
	Percent int
	// Allow lists records, of either side, to which it is open in any case.
	Allow []Ref
}

// keepsOut returns the rule that keeps a pair out, "" if it is in. A pair is
// in when either end is: the end from which it was created stays in.
func (o *Rollout) keepsOut(ends ...Ref) string {
	switch {
	case o.Shadow:
		return "rollout.shadow"
	case o.Percent == 0 && len(o.Allow) == 0:
		return ""
	}
	for _, ref := range ends {
		if !ref.Zero() && (slices.Contains(o.Allow, ref) || lot(ref) < o.Percent) {
			return ""
		}
	}
	return "rollout.part"
}

// lot draws a record's place among a hundred, the same one for ever.
func lot(ref Ref) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(ref.String()))
	return int(h.Sum32() % 100)
}
