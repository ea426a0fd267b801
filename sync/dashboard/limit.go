package dashboard

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	stdsync "sync"
	"time"
)

// perMinute is how often one person may do something in a minute, and at once:
// more than anybody does by hand, and little to whoever has taken a session
// over. What is not here has no limit of its own.
var perMinute = map[Action]float64{
	SyncNow: 60, Reveal: 60, Resolve: 60, Undo: 30,
	Replay: 30, Discard: 30, Erase: 10, Export: 6,
	Measure: 30, Load: 10, Suspend: 30, Test: 6,
}

// limits count what people did, each by action and actor. The zero value is
// ready; methods may be called concurrently.
type limits struct {
	mu  stdsync.Mutex
	all map[[2]string]*allowance
}

// An allowance is how often something may be done yet.
type allowance struct {
	left float64
	at   time.Time // when that was right
}

// take uses up one of the actor's allowance for an action, or returns after how
// long there is one.
func (l *limits) take(a Action, actor string, now time.Time) (wait time.Duration) {
	most := perMinute[a]
	if most == 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := [2]string{string(a), actor}
	own := l.all[key]
	if own == nil {
		l.forget(now)
		own = &allowance{most, now}
		l.all[key] = own
	}
	own.left = min(own.left+most*now.Sub(own.at).Minutes(), most)
	own.at = now
	if own.left < 1 {
		return time.Duration((1 - own.left) / most * float64(time.Minute))
	}
	own.left--
	return 0
}

// forget drops the allowances that are whole again, so that their number is
// that of the people of a minute.
func (l *limits) forget(now time.Time) {
	if l.all == nil {
		l.all = map[[2]string]*allowance{}
	}
	for key, own := range l.all {
		if now.Sub(own.at) >= time.Minute {
			delete(l.all, key)
		}
	}
}

// paced is an error when somebody does something too often; what only looks
// never is.
func (d *Dashboard) paced(w http.ResponseWriter, r *http.Request, a Action) error {
	if r.Method != http.MethodPost {
		return nil
	}
	wait := d.limits.take(a, d.opts.Actor(r), time.Now())
	if wait == 0 {
		return nil
	}
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	return &refusal{http.StatusTooManyRequests, fmt.Sprintf("that is more often than %.0f times a minute; wait a moment", perMinute[a])}
}
