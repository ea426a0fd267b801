package simtest

import (
	"slices"
	"testing"
)

// runsToShrink bounds how many runs are spent on making a failure small.
const runsToShrink = 250

// Shrink runs a seed that failed again and again, with fewer and fewer
// actions and faults, and returns the smallest run that still breaks the same
// invariant, with its trace, and the configuration that replays it.
func Shrink(t *testing.T, failed Result, cfg Config) (Result, Config) {
	t.Helper()
	if !failed.Failed() {
		return failed, cfg
	}
	s := shrinker{t: t, seed: failed.Seed, invariant: failed.Violations[0].Invariant, left: runsToShrink, cfg: cfg}
	s.cfg.Trace = false
	s.cfg.Only = slices.Concat([]Fault{}, failed.Faults)
	if s.cfg.Keep == nil {
		for i := range failed.Script {
			s.cfg.Keep = append(s.cfg.Keep, i)
		}
	}
	if !s.fails(s.cfg) {
		return failed, cfg // not the same without the faults that did nothing
	}
	for {
		before := len(s.cfg.Keep) + len(s.cfg.Only)
		s.cfg.Keep = minimise(s.cfg.Keep, func(keep []int) bool { c := s.cfg; c.Keep = keep; return s.fails(c) })
		s.cfg.Only = minimise(s.cfg.Only, func(only []Fault) bool { c := s.cfg; c.Only = only; return s.fails(c) })
		if len(s.cfg.Keep)+len(s.cfg.Only) == before || s.left <= 0 {
			break
		}
	}
	s.cfg.Trace = true
	return Simulate(t, failed.Seed, s.cfg), s.cfg
}

type shrinker struct {
	t         *testing.T
	seed      uint64
	invariant string
	left      int
	cfg       Config
}

// fails reports whether a smaller run breaks the same invariant.
func (s *shrinker) fails(cfg Config) bool {
	if s.left <= 0 {
		return false
	}
	s.left--
	r := Simulate(s.t, s.seed, cfg)
	return slices.ContainsFunc(r.Violations, func(v Violation) bool { return v.Invariant == s.invariant })
}

// minimise returns a part of the list that still fails and of which nothing
// more can be left out (delta debugging).
func minimise[T any](list []T, fails func([]T) bool) []T {
	for size := max(1, len(list)/2); len(list) > 0; {
		smaller := false
		for at := 0; at < len(list); {
			without := slices.Concat([]T{}, list[:at], list[min(at+size, len(list)):])
			if fails(without) {
				list, smaller = without, true
			} else {
				at += size
			}
		}
		if size == 1 && !smaller {
			break
		}
		size = max(1, size/2)
	}
	return list
}
