package hubspot

import (
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

func TestOfAShortDayLiveHasTheLast(t *testing.T) {
	noon := time.Date(2026, 11, 1, 12, 34, 0, 0, time.UTC)
	for _, tt := range []struct {
		left    int
		refused []sync.Priority
	}{
		{10_001, nil},
		{10_000, []sync.Priority{sync.Backfill}},
		{5_000, []sync.Priority{sync.Sweep, sync.Backfill}},
		{1_000, []sync.Priority{sync.Facts, sync.Sweep, sync.Backfill}},
		{1, []sync.Priority{sync.Facts, sync.Sweep, sync.Backfill}},
		{0, []sync.Priority{sync.Live, sync.Facts, sync.Sweep, sync.Backfill}},
	} {
		var d day
		d.told(100_000, tt.left, noon)
		var refused []sync.Priority
		for p := range sync.Priority(sync.Priorities) {
			if _, ok := d.open(p, noon); !ok {
				refused = append(refused, p)
			}
		}
		if len(refused) != len(tt.refused) || len(refused) > 0 && refused[0] != tt.refused[0] {
			t.Errorf("with %d calls left: refused %v, want %v", tt.left, refused, tt.refused)
		}
	}
}

func TestTheDayEndsAtTheAccountsMidnight(t *testing.T) {
	noon := time.Date(2026, 11, 1, 12, 34, 0, 0, time.UTC)
	bogota := time.FixedZone("Bogota", -5*3600)
	for name, tt := range map[string]struct {
		zone *time.Location
		want time.Time
	}{
		"unknown zone": {nil, time.Date(2026, 11, 1, 13, 0, 0, 0, time.UTC)},
		"known zone":   {bogota, time.Date(2026, 11, 2, 5, 0, 0, 0, time.UTC)},
	} {
		var d day
		if _, ok := d.open(sync.Backfill, noon); !ok {
			t.Errorf("%s: refused although nothing is known", name)
		}
		d.locate(tt.zone)
		d.told(1000, 0, noon)
		at, ok := d.open(sync.Live, noon)
		if ok || at.Before(tt.want) || at.After(tt.want.Add(2*time.Minute)) {
			t.Errorf("%s: open again at %v, %v; want %v", name, at, ok, tt.want)
		}
		if end := d.end(noon); end.Before(tt.want) || end.After(tt.want.Add(time.Minute)) {
			t.Errorf("%s: the day ends at %v, want %v", name, end, tt.want)
		}
		if _, ok := d.open(sync.Live, tt.want); !ok {
			t.Errorf("%s: refused on the next day", name)
		}
		if limit, left := d.state(tt.want); limit != 0 || left != 0 {
			t.Errorf("%s: yesterday's numbers are told: %d, %d", name, limit, left)
		}
	}
}

// The clocks do not agree to the second: what is heard of the day just after
// midnight may be of the one before, and must not close the whole new day.
func TestYesterdaysEndIsNotTodays(t *testing.T) {
	dawn := time.Date(2026, 11, 2, 0, 0, 20, 0, time.UTC)
	var d day
	d.locate(time.UTC)
	d.told(1000, 0, dawn)
	if at, ok := d.open(sync.Live, dawn.Add(2*time.Minute)); !ok {
		t.Errorf("closed until %v", at)
	}
	if end := d.end(dawn); !end.After(dawn) || end.After(dawn.Add(15*time.Minute)) {
		t.Errorf("a refusal at %v holds until %v", dawn, end)
	}
	noon := dawn.Add(12 * time.Hour)
	d.told(1000, 0, noon)
	if _, ok := d.open(sync.Live, noon); ok {
		t.Error("open although the day is used up")
	}
}
