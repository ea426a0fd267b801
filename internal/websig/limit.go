package websig

import (
	"cmp"
	"net/http"
	stdsync "sync"
	"time"
)

// The bounds of a [Limit] that says nothing.
const (
	defaultAtOnce    = 128
	defaultPerSecond = 1000
)

// A Limit bounds what a receiver takes on. A flood then costs this process
// neither its memory nor its time: what exceeds the bounds is refused before
// its body is read, and a vendor sends it again. A body that is not there in 4
// seconds gives its place back, unless a middleware's writer hides the
// connection (see [http.ResponseController]).
type Limit struct {
	// AtOnce is how many requests are worked on at the same time, 128 if 0.
	AtOnce int
	// PerSecond is how many requests a second are let in on average, 1,000 if
	// 0; as many may come at once after a pause.
	PerSecond float64
}

// sending bounds how long a sender takes for its body. Before that nobody knows
// who it is, and it has a place already; a vendor waits some 5 seconds for the
// answer.
const sending = 4 * time.Second

// Handler returns next within the bounds. Whatever exceeds them is answered 503
// with Retry-After. The function tell, if not nil, is called as by [Hush.Note].
func (l Limit) Handler(next http.Handler, tell func(requests int)) http.Handler {
	if tell == nil {
		tell = func(int) {}
	}
	d := &door{next: next, tell: tell, rate: cmp.Or(max(l.PerSecond, 0), defaultPerSecond),
		slots: make(chan struct{}, cmp.Or(max(l.AtOnce, 0), defaultAtOnce))}
	d.tokens = max(d.rate, 1)
	return d
}

// door is the handler that Limit.Handler returns.
type door struct {
	next  http.Handler
	tell  func(requests int)
	hush  Hush
	rate  float64
	slots chan struct{}

	mu     stdsync.Mutex
	tokens float64
	at     time.Time // when tokens was right
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength != 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(sending)) // until ReadBody has it all; a recorder has none
	}
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		d.refuse(w)
		return
	}
	if !d.pay(time.Now()) {
		d.refuse(w)
		return
	}
	d.next.ServeHTTP(w, r)
}

// pay takes a token, if there is one.
func (d *door) pay(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.at.IsZero() {
		d.tokens = min(d.tokens+d.rate*now.Sub(d.at).Seconds(), max(d.rate, 1))
	}
	d.at = now
	if d.tokens < 1 {
		return false
	}
	d.tokens--
	return true
}

func (d *door) refuse(w http.ResponseWriter) {
	d.hush.Note("", d.tell)
	w.Header().Set("Retry-After", "10")
	w.Header().Set("Connection", "close") // the body is not read
	http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
}
