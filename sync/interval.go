package sync

import "time"

// An Interval bounds the moment at which something happened: after Earliest
// and not after Latest. A zero Earliest means no lower bound, a zero Latest no
// upper bound.
type Interval struct {
	Earliest time.Time `json:"earliest,omitzero"`
	Latest   time.Time `json:"latest,omitzero"`
}

// At returns the interval of an exactly known moment.
func At(t time.Time) Interval { return Interval{t, t} }

// Widen returns the interval extended by d on both ends.
func (i Interval) Widen(d time.Duration) Interval {
	if !i.Earliest.IsZero() {
		i.Earliest = i.Earliest.Add(-d)
	}
	if !i.Latest.IsZero() {
		i.Latest = i.Latest.Add(d)
	}
	return i
}

// Before reports whether i certainly lies before j.
func (i Interval) Before(j Interval) bool {
	return !i.Latest.IsZero() && !j.Earliest.IsZero() && i.Latest.Before(j.Earliest)
}

// last returns the interval of the later of two moments.
func last(i, j Interval) Interval {
	if j.Earliest.After(i.Earliest) {
		i.Earliest = j.Earliest
	}
	if i.Latest.IsZero() || j.Latest.IsZero() {
		i.Latest = time.Time{}
	} else if j.Latest.After(i.Latest) {
		i.Latest = j.Latest
	}
	return i
}
