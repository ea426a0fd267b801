package main

import (
	"strings"
	"testing"
)

// The audit names the letters, but not without end.
func TestLettersNamed(t *testing.T) {
	many := strings.Split(strings.Repeat("x ", 25), " ")[:25]
	for want, ids := range map[string][]string{
		"1 dead letter: a":     {"a"},
		"2 dead letters: a, b": {"a", "b"},
		"25 dead letters: " + strings.Repeat("x, ", 20) + "and 5 more": many,
		"1 dead letter: " + strings.Repeat("y", 200) + "…":             {strings.Repeat("y", 300)},
	} {
		if got := lettersNamed(ids); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
