package hubspot

import (
	"errors"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// spared is the part of the day's calls that is left to what is more urgent
// than the priority: of a day that runs short live traffic has the last.
var spared = [sync.Priorities]float64{sync.Live: 0, sync.Facts: 0.01, sync.Sweep: 0.05, sync.Backfill: 0.1}

var errDaySpared = errors.New("what is left of the day's quota is kept for more urgent calls")

// day is the quota of calls that an account has each day, as last told. The
// day ends at midnight in the account's time zone. The zero value knows
// nothing and refuses nothing; methods may be called concurrently.
// Source: https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
type day struct {
	mu          stdsync.Mutex
	location    *time.Location // nil while not known
	limit, left int
	until       time.Time // from then on limit and left tell nothing
}

// locate tells the account's time zone.
func (d *day) locate(l *time.Location) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.location = l
}

// told learns from an answer's headers.
func (d *day) told(limit, left int, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if limit > 0 {
		d.limit, d.left, d.until = limit, left, d.next(now)
	}
}

// open reports whether calls of the priority may be made; if not, when again.
func (d *day) open(p sync.Priority, now time.Time) (time.Time, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.until) && float64(d.left) <= spared[p]*float64(d.limit) {
		return d.until.Add(jitter(time.Minute)), false
	}
	return time.Time{}, true
}

// end returns when calls are worth while again after the day's are used up.
func (d *day) end(now time.Time) time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.next(now).Add(jitter(waitTen))
}

// early is how far into a day what is heard may still be of the day before:
// clocks differ, and HubSpot's counters need not turn in a moment.
const early = 10 * time.Minute

// next returns until when what is heard now of the day's quota holds: to the
// next midnight of the account, or, just after one, for a minute. While its
// time zone is not known it is the next full hour: midnight is one almost
// everywhere.
func (d *day) next(now time.Time) time.Time {
	if d.location == nil {
		return now.Truncate(time.Hour).Add(time.Hour)
	}
	y, m, today := now.Add(-early).In(d.location).Date()
	midnight := time.Date(y, m, today+1, 0, 0, 0, 0, d.location)
	if soon := now.Add(time.Minute); midnight.Before(soon) {
		return soon
	}
	return midnight
}

// state returns what is known of the present day, zero if nothing.
func (d *day) state(now time.Time) (limit, left int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Before(d.until) {
		return d.limit, d.left
	}
	return 0, 0
}

// bounds returns when the present day began and ends, zero while the account's
// time zone is not known.
func (d *day) bounds(now time.Time) (from, until time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.location == nil {
		return from, until
	}
	y, m, today := now.In(d.location).Date()
	return time.Date(y, m, today, 0, 0, 0, 0, d.location), time.Date(y, m, today+1, 0, 0, 0, 0, d.location)
}
