package sync

import (
	"fmt"
	"testing"
	"time"
)

// Whoever is overtaken tries again as often as after any other passing fault:
// that others get on with a pair is no conflict between its values.
func TestAnOvertakenLookIsNoConflict(t *testing.T) {
	b := Backoff{}.withDefaults()
	lane, now := Lane{}, time.Unix(1, 0)
	fail := func(err error) bool {
		s := b.settle(lane, err, now)
		lane.Attempts++
		lane.History = append(lane.History, s.cause)
		return s.bury
	}
	stale, conflict := fmt.Errorf("commit: %w", ErrStale), &Error{Op: "write", Action: Conflict}
	for range b.Attempts - b.Conflicts {
		if fail(stale) {
			t.Fatalf("buried after %d overtaken looks, want %d attempts", lane.Attempts, b.Attempts)
		}
	}
	for range b.Conflicts - 1 {
		if fail(conflict) {
			t.Fatalf("buried after %d attempts, want %d conflicts of values", lane.Attempts, b.Conflicts)
		}
	}
	if !fail(stale) {
		t.Errorf("not buried after %d attempts", lane.Attempts)
	}
}
