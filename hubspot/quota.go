package hubspot

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
	"github.com/urbanhub/crmsync/internal/ratelimit"
	"github.com/urbanhub/crmsync/sync"
)

// patience is the longest that a call waits inside the adapter for a quota or
// a lock. Whoever must wait longer is told until when.
const patience = 5 * time.Second

// falterWait is the pause after a first passing fault; it doubles up to 32
// times that.
const falterWait = 50 * time.Millisecond

// The least time between batches of one operation that are not full: at any
// rate, because the day has a quota too, and else the time in which the burst
// quota allows so many calls, of what it allows without coming to a halt: some
// less than the four that reads and writes of two processes make, as there is
// not always one to make. So records wait where they fill a batch up, not in
// the quota's line, but for the longest pace.
const (
	pace         = 150 * time.Millisecond
	longestPace  = time.Second
	lastingCalls = 3.6
)

// lanes are the operations that HubSpot counts apart from all others, and how
// many calls a second the adapter makes of them, four fifths of what it may;
// searches go by an option. Source:
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
var lanes = map[operation]struct {
	name      string
	perSecond int
}{
	opSearch:             {"search", 0},
	opSendEvents:         {"events", 1000},
	opSendEventsGuide:    {"events", 1000},
	opJournalEarliest:    {"journal", 80},
	opJournalLatest:      {"journal", 80},
	opJournalNext:        {"journal", 80},
	opJournalSubscribe:   {"subscriptions", 40},
	opJournalSubscribed:  {"subscriptions", 40},
	opJournalUnsubscribe: {"subscriptions", 40},
}

// quota is what an account allows of calls.
type quota struct {
	burst  *ratelimit.Window // all calls that have no lane
	lanes  map[string]*ratelimit.Window
	day    day
	faults atomic.Int64 // passing faults in a row
	counts counts
	log    *slog.Logger
}

func newQuota(o Options) *quota {
	window := func(name string, limit int, per time.Duration) *ratelimit.Window {
		return ratelimit.New(ratelimit.Config{Limit: limit, Per: per, InFlight: o.Concurrency,
			Permits: o.Permits, Name: "hubspot:" + o.Account + ":" + name, Logger: o.Logger})
	}
	q := &quota{burst: window("burst", o.RatePer10s, 10*time.Second), lanes: map[string]*ratelimit.Window{}, log: o.Logger}
	for _, l := range lanes {
		q.lanes[l.name] = window(l.name, or(l.perSecond, o.SearchPerSecond), time.Second)
	}
	return q
}

// falter holds all calls back for a moment after a passing fault, longer with
// each in a row, so that an outage is asked after by one batch and not by
// every record's retry.
func (q *quota) falter() {
	n := min(q.faults.Add(1), 6)
	q.pause(time.Now().Add(falterWait << (n - 1)))
}

// pause holds all calls back.
func (q *quota) pause(until time.Time) {
	q.burst.Pause(until)
	for _, w := range q.lanes {
		w.Pause(until)
	}
}

// ramp lets the calls of a kind begin again slowly after an outage.
func (q *quota) ramp(family string) {
	if w := q.lanes[family]; w != nil {
		w.Ramp()
		return
	}
	q.burst.Ramp()
}

// works ends a row of faults.
func (q *quota) works() { q.faults.Store(0) }

// pace is how much time batches take to fill up at present.
func (q *quota) pace() time.Duration {
	seconds := lastingCalls / q.burst.Lasting() // infinite if nothing is left
	return max(pace, time.Duration(min(seconds, longestPace.Seconds())*float64(time.Second)))
}

// leave holds the place of one call, which the first call of that quota takes.
type leave struct {
	window *ratelimit.Window
	place  atomic.Pointer[ratelimit.Place]
}

type leaveKey struct{}

// leave waits for the quota of one call ahead of the call, so that a batch can
// fill up in the meantime.
func (q *quota) leave(op operation) func(context.Context) (context.Context, func(), error) {
	return func(ctx context.Context) (context.Context, func(), error) {
		place, err := q.wait(ctx, op)
		if err != nil {
			return nil, nil, err
		}
		l := &leave{window: q.window(op)}
		l.place.Store(place)
		return context.WithValue(ctx, leaveKey{}, l), l.giveBack, nil
	}
}

func (l *leave) giveBack() {
	if place := l.place.Swap(nil); place != nil {
		place.Return()
	}
}

// admit returns the place of one call, to be released after it.
func (q *quota) admit(ctx context.Context, op operation) (*ratelimit.Place, error) {
	if l, ok := ctx.Value(leaveKey{}).(*leave); ok && l.window == q.window(op) {
		if place := l.place.Swap(nil); place != nil {
			return place, nil
		}
	}
	return q.wait(ctx, op)
}

// wait waits for a place; who must wait longer than the patience is told.
func (q *quota) wait(ctx context.Context, op operation) (*ratelimit.Place, error) {
	late := func(at time.Time, err error) error {
		return &sync.Error{Op: op.String(), Action: sync.RetryAt, Rule: "quota", RetryAt: at, Err: err}
	}
	if at, ok := q.day.open(sync.PriorityOf(ctx), time.Now()); !ok {
		return nil, late(at, errDaySpared)
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	place, err := q.window(op).Wait(waiting)
	long, tooLong := errors.AsType[*ratelimit.TooLongError](err)
	switch {
	case tooLong:
		return nil, late(long.Until, err)
	case err != nil && ctx.Err() == nil:
		return nil, late(time.Now(), err)
	case err != nil:
		return nil, ctx.Err()
	}
	return place, nil
}

// window returns the quota that an operation draws on.
func (q *quota) window(op operation) *ratelimit.Window {
	if w := q.lanes[lanes[op].name]; w != nil {
		return w
	}
	return q.burst
}

// learn takes note of an answer's headers; res is nil if none came. Source:
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
func (q *quota) learn(place *ratelimit.Place, res *httpx.Response) {
	q.counts.add(res)
	if res == nil {
		return
	}
	number := func(name string) int {
		n, err := strconv.Atoi(res.Header.Get("X-HubSpot-RateLimit-" + name))
		if err != nil || n < 0 || n > 1_000_000_000 {
			return -1
		}
		return n
	}
	limit, left, interval := number("Max"), number("Remaining"), number("Interval-Milliseconds")
	if limit > 0 && left >= 0 && interval >= 100 && interval <= 3_600_000 {
		place.Told(limit, left, time.Duration(interval)*time.Millisecond)
	}
	if limit, left := number("Daily"), number("Daily-Remaining"); limit > 0 && left >= 0 {
		q.day.told(limit, left, time.Now())
	}
}

// refused keeps back the calls that would meet the same refusal: of a quota
// those that draw on it, of an account that is being moved or has used up its
// day all. A lock concerns one record only.
func (q *quota) refused(op operation, place *ratelimit.Place, e *sync.Error) {
	api, ok := errors.AsType[*APIError](e)
	if !ok || api.Status == http.StatusLocked {
		return
	}
	if api.daily() {
		e.RetryAt = q.day.end(time.Now())
	}
	q.log.Warn("hubspot: calls are held back", "operation", string(op), "status", api.Status, "policy", api.Policy, "until", e.RetryAt)
	switch {
	case api.rateLimited() && !api.daily():
		place.Refused()
		q.window(op).Pause(e.RetryAt)
	default:
		q.pause(e.RetryAt)
	}
}

// daily reports whether the day's quota is used up.
func (e *APIError) daily() bool {
	return e.rateLimited() && strings.Contains(strings.ToUpper(e.Policy+" "+e.message), "DAILY")
}
