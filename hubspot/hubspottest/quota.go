package hubspottest

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// quota counts requests: a rolling 10 s window per app, a rolling second of searches per account, a day per account.
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
type quota struct {
	clock                *Clock
	burst, daily, perSec int // negative means no limit

	mu       sync.Mutex
	apps     map[string]*window
	searches window
	day      time.Time
	used     int
}

const burstWindow = 10 * time.Second

func newQuota(clock *Clock, o Options) *quota {
	return &quota{clock: clock, burst: o.Burst, daily: o.Daily, perSec: o.SearchPerSecond, apps: map[string]*window{}}
}

// charge counts one request, sets the rate-limit headers (which search answers lack) and says whether it is one too many.
func (q *quota) charge(h http.Header, app string, search bool) (response, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.clock.Now()
	if day := now.Truncate(24 * time.Hour); !day.Equal(q.day) {
		q.day, q.used = day, 0
	}
	if q.daily >= 0 && q.used >= q.daily {
		return limited("daily", "DAILY", ""), true
	}
	if search {
		if !q.searches.take(now, time.Second, q.perSec) {
			return limited("secondly", "SECONDLY", "RATE_LIMITS"), true
		}
		q.used++
		return response{}, false
	}
	w := q.app(app)
	ok := w.take(now, burstWindow, q.burst)
	if ok {
		q.used++
	}
	q.setHeaders(h, w)
	return limited("ten_secondly_rolling", "TEN_SECONDLY_ROLLING", "RATE_LIMITS"), !ok
}

func (q *quota) app(id string) *window {
	if q.apps[id] == nil {
		q.apps[id] = &window{}
	}
	return q.apps[id]
}

func (q *quota) setHeaders(h http.Header, w *window) {
	if q.burst >= 0 {
		h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(q.burst))
		h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(max(q.burst-len(w.hits), 0)))
		h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", strconv.FormatInt(burstWindow.Milliseconds(), 10))
	}
	if q.daily >= 0 {
		h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(q.daily))
		h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(max(q.daily-q.used, 0)))
	}
}

func limited(limit, policy, category string) response {
	e := fail(http.StatusTooManyRequests, category, "You have reached your "+limit+" limit.")
	e.ErrorType, e.PolicyName = "RATE_LIMIT", policy
	return e.response()
}

// window holds the times of the requests it let through.
type window struct{ hits []time.Time }

// take lets a request through when fewer than limit passed in the span before now.
func (w *window) take(now time.Time, span time.Duration, limit int) bool {
	if limit < 0 {
		return true
	}
	old := 0
	for old < len(w.hits) && (now.Sub(w.hits[old]) >= span || w.hits[old].After(now)) { // after: the clock was set back
		old++
	}
	w.hits = append(w.hits[:0], w.hits[old:]...)
	if len(w.hits) >= limit {
		return false
	}
	w.hits = append(w.hits, now)
	return true
}
