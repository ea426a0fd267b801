package sync

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func span(earliest, latest int) Interval { return Interval{at(earliest), at(latest)} }

func TestIntervalBefore(t *testing.T) {
	unbounded := Interval{}
	for _, tc := range []struct {
		name string
		i, j Interval
		want bool
	}{
		{"apart", span(1, 2), span(3, 4), true},
		{"reversed", span(3, 4), span(1, 2), false},
		{"touching", span(1, 2), span(2, 3), false},
		{"overlapping", span(1, 3), span(2, 4), false},
		{"moments", At(at(1)), At(at(2)), true},
		{"same moment", At(at(1)), At(at(1)), false},
		{"no upper bound", Interval{Earliest: at(1)}, span(2, 3), false},
		{"no lower bound", span(1, 2), Interval{Latest: at(9)}, false},
		{"only the bounds that matter", Interval{Latest: at(1)}, Interval{Earliest: at(2)}, true},
		{"unbounded", unbounded, unbounded, false},
	} {
		if got := tc.i.Before(tc.j); got != tc.want {
			t.Errorf("%s: %t, want %t", tc.name, got, tc.want)
		}
	}
}

func TestIntervalWiden(t *testing.T) {
	if diff := cmp.Diff(span(1, 9), span(3, 7).Widen(2*time.Second)); diff != "" {
		t.Errorf("bounded (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Interval{}, Interval{}.Widen(time.Hour)); diff != "" {
		t.Errorf("unbounded (-want +got):\n%s", diff)
	}
}

// TestIntervalLast draws two moments within two intervals: the later moment
// lies within the last of the two, and Before never contradicts them.
func TestIntervalLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (Interval, time.Time) {
			moment := at(rapid.IntRange(1, 10).Draw(t, name))
			i := Interval{
				Earliest: moment.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "below")) * time.Second),
				Latest:   moment.Add(time.Duration(rapid.IntRange(0, 5).Draw(t, "above")) * time.Second),
			}
			if rapid.IntRange(0, 4).Draw(t, "no lower bound") == 0 {
				i.Earliest = time.Time{}
			}
			if rapid.IntRange(0, 4).Draw(t, "no upper bound") == 0 {
				i.Latest = time.Time{}
			}
			return i, moment
		}
		i, a := draw("a")
		j, b := draw("b")
		if i.Before(j) && !a.Before(b) {
			t.Fatalf("%v is before %v, but %v is not before %v", i, j, a, b)
		}
		later := a
		if b.After(a) {
			later = b
		}
		got := last(i, j)
		if got.Earliest.After(later) || !got.Latest.IsZero() && got.Latest.Before(later) {
			t.Fatalf("the last of %v and %v is %v, without %v", i, j, got, later)
		}
	})
}
