package hubspottest

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// quota counts an account's requests: a rolling 10 s window per app, a rolling second of searches, a day.
// https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
type quota struct {
	clock                       *Clock
	burst, oauth, daily, perSec int // negative means no limit
	location                    *time.Location
	retryAfter                  bool

	mu       sync.Mutex
	apps     map[int64]*window
	searches window
	day      time.Time
	used     int
	refused  map[string]int // by policy
}

const (
	burstWindow = 10 * time.Second

	policyDaily  = "DAILY"
	policyBurst  = "TEN_SECONDLY_ROLLING"
	policySearch = "SECONDLY"
)

func newQuota(clock *Clock, o Options) *quota {
	return &quota{
		clock: clock, burst: or(o.Burst, 100), oauth: or(o.Burst, 110), daily: o.Daily, perSec: o.SearchPerSecond,
		location: o.Location, retryAfter: o.RetryAfter, apps: map[int64]*window{}, refused: map[string]int{},
	}
}

// charge counts one request, sets the rate-limit headers (which search answers lack) and says whether it is one too many.
// The daily limit is that of private apps; OAuth apps have none and see no headers of it.
func (q *quota) charge(h http.Header, g grant, search bool) (response, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.today()
	private := g.use == useStatic
	w, burst := q.app(g.app), q.oauth
	if private {
		burst = q.burst
	}
	if !search {
		defer func() { q.setHeaders(h, w, burst, private) }()
	}
	switch {
	case private && q.daily >= 0 && q.used >= q.daily:
		return q.refuse(h, policyDaily, q.day.AddDate(0, 0, 1).Sub(now)), true
	case search && !q.searches.take(now, time.Second, q.perSec):
		return q.refuse(h, policySearch, q.searches.wait(now, time.Second)), true
	case !search && !w.take(now, burstWindow, burst):
		return q.refuse(h, policyBurst, w.wait(now, burstWindow)), true
	}
	if private {
		q.used++
	}
	return response{}, false
}

// today starts a new day at the account's midnight and returns the present.
func (q *quota) today() time.Time {
	now := q.clock.Now().In(q.location)
	if day := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, q.location); !day.Equal(q.day) {
		q.day, q.used = day, 0
	}
	return now
}

func (q *quota) app(id int64) *window {
	if q.apps[id] == nil {
		q.apps[id] = &window{}
	}
	return q.apps[id]
}

// use takes n requests of an app away, as another process with the same app does.
func (q *quota) use(app int64, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.today()
	q.used += n
	for range n {
		q.app(app).take(now, burstWindow, math.MaxInt)
	}
}

func (q *quota) setHeaders(h http.Header, w *window, burst int, daily bool) {
	if burst >= 0 {
		h.Set("X-HubSpot-RateLimit-Max", strconv.Itoa(burst))
		h.Set("X-HubSpot-RateLimit-Remaining", strconv.Itoa(max(burst-len(w.hits), 0)))
		h.Set("X-HubSpot-RateLimit-Interval-Milliseconds", strconv.FormatInt(burstWindow.Milliseconds(), 10))
	}
	if daily && q.daily >= 0 {
		h.Set("X-HubSpot-RateLimit-Daily", strconv.Itoa(q.daily))
		h.Set("X-HubSpot-RateLimit-Daily-Remaining", strconv.Itoa(max(q.daily-q.used, 0)))
	}
}

// refuse books a 429 and, where Options say so, tells how long to wait.
func (q *quota) refuse(h http.Header, policy string, wait time.Duration) response {
	q.refused[policy]++
	if q.retryAfter {
		setRetryAfter(h, wait)
	}
	return limited(policy)
}

func setRetryAfter(h http.Header, wait time.Duration) {
	h.Set("Retry-After", strconv.Itoa(max(int(math.Ceil(wait.Seconds())), 1)))
}

// limitNames are the policies as messages call them.
var limitNames = map[string]string{policyDaily: "daily", policyBurst: "ten_secondly_rolling", policySearch: "secondly"}

func limited(policy string) response {
	e := fail(http.StatusTooManyRequests, "RATE_LIMITS", "You have reached your "+limitNames[policy]+" limit.")
	e.ErrorType, e.PolicyName = "RATE_LIMIT", policy
	if policy == policyDaily { // the recorded body has no category
		e.Category = ""
	}
	return e.response()
}

// RateLimited counts the 429 answers of the account by policy: DAILY, TEN_SECONDLY_ROLLING, SECONDLY; "" counts all.
func (a *Account) RateLimited(policy string) int {
	a.quota.mu.Lock()
	defer a.quota.mu.Unlock()
	total := 0
	for p, n := range a.quota.refused {
		if policy == "" || p == policy {
			total += n
		}
	}
	return total
}

// UseQuota takes n requests from the day and from the 10 s window, as another process with the same app does.
func (a *Account) UseQuota(n int) { a.quota.use(a.AppID, n) }

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

// wait is how long until the oldest request leaves the window.
func (w *window) wait(now time.Time, span time.Duration) time.Duration {
	if len(w.hits) == 0 {
		return span
	}
	return span - now.Sub(w.hits[0])
}
