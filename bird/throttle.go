package bird

import (
	"math/rand/v2"
	stdsync "sync"
	"time"

	"github.com/urbanhub/crmsync/internal/httpx"
)

// throttle decides how long to be silent after 429 answers. The zero value is
// ready; methods may be called concurrently.
type throttle struct {
	mu    stdsync.Mutex
	row   int // pauses since a call last passed
	until time.Time
}

// backOff returns when to call again after a 429: when Bird says so, else at a
// random moment in a span that doubles with every further pause ("full
// jitter"). Calls that were under way together share one pause.
func (t *throttle) backOff(res *httpx.Response, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at, told := res.RetryAfter(now)
	switch {
	case told && at.After(t.until):
		t.until = at
	case !told && !now.Before(t.until):
		span := time.Second << min(t.row, 5)
		t.row++
		t.until = now.Add(time.Duration(rand.Int64N(int64(span))))
	}
	return t.until
}

// wait returns how long the present pause still lasts.
func (t *throttle) wait(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.until.Sub(now)
}

// passed notes that a call was not throttled.
func (t *throttle) passed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.row = 0
}
