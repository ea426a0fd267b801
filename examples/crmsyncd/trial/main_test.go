package main

import "testing"

// The trial raises no alert of its own: a field that comes back to what it was
// is held as one over which two programs quarrel.
func TestNobodyComesBackToAWish(t *testing.T) {
	for person := range 20 {
		seen := map[string]bool{}
		for round := range 1000 {
			w := wish(person, round)
			if seen[w] {
				t.Fatalf("person %d wishes for %q again in round %d", person, w, round)
			}
			seen[w] = true
		}
	}
}
