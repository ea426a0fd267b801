package bird

import (
	"fmt"
	"testing"
	"time"
)

// state is a contact as it was n seconds after the epoch.
func state(id string, n int64) *contact {
	return &contact{ID: id, UpdatedAt: moment{time.Unix(n, 0)}}
}

// TestSnapshotsNeverGoBack plays the orders in which answers may arrive.
func TestSnapshotsNeverGoBack(t *testing.T) {
	at := func(n int64) time.Time { return time.Unix(n, 0) }
	for name, tt := range map[string]struct {
		play func(*snapshots[*contact])
		want int64 // UpdatedAt, -1 for nothing
	}{
		"read, then write":                {func(s *snapshots[*contact]) { s.remember(state("c", 1), at(1)); s.remember(state("c", 2), at(2)) }, 2},
		"read sent before, answered late": {func(s *snapshots[*contact]) { s.remember(state("c", 2), at(2)); s.remember(state("c", 1), at(1)) }, 2},
		"read overtaken by a write":       {func(s *snapshots[*contact]) { s.remember(state("c", 2), at(2)); s.remember(state("c", 1), at(3)) }, 2},
		"read sent before a lost write":   {func(s *snapshots[*contact]) { s.forget("c", at(2)); s.remember(state("c", 1), at(1)) }, -1},
		"read sent after a lost write":    {func(s *snapshots[*contact]) { s.forget("c", at(2)); s.remember(state("c", 1), at(3)) }, 1},
		"forgotten":                       {func(s *snapshots[*contact]) { s.remember(state("c", 1), at(1)); s.forget("c", at(1)) }, -1},
	} {
		a := &Adapter{}
		tt.play(&a.seen)
		got := int64(-1)
		if r, ok := a.Snapshot(ref("c"), time.Time{}); ok {
			got = r.UpdatedAt.Unix()
		}
		if got != tt.want {
			t.Errorf("%s: got %d, want %d", name, got, tt.want)
		}
	}
}

func TestSnapshotsAreBounded(t *testing.T) {
	a := &Adapter{}
	for n := range 5 * snapshotLimit {
		a.seen.remember(state(fmt.Sprint("c", n), 1), time.Unix(1, 0))
	}
	if held := len(a.seen.young) + len(a.seen.old); held > 2*snapshotLimit {
		t.Errorf("%d snapshots held", held)
	}
	if _, ok := a.Snapshot(ref(fmt.Sprint("c", 5*snapshotLimit-1)), time.Time{}); !ok {
		t.Error("the latest is gone")
	}
}
