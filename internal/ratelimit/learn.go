package ratelimit

import "time"

// news is what the answers tell about the use that others make of the quota:
// other processes, and other programs with the same credentials.
type news struct {
	told   bool
	number uint64 // of the latest call whose answer told
	others int
}

// Told learns from an answer's headers how large the quota is and how much of
// it was left when the call was counted. Zero values are ignored.
func (p *Place) Told(limit, remaining int, per time.Duration) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if limit <= 0 || per <= 0 || p.number < w.news.number {
		return
	}
	w.limit, w.per = limit, per
	for i, latest := 0, time.Now().Add(per); i < len(w.ends); i++ {
		if w.ends[i].After(latest) {
			w.ends[i] = latest // the window has shrunk
		}
	}
	w.news = news{told: true, number: p.number, others: min(max(limit-remaining-p.used, 0), limit)}
	w.dispatch()
}

// margin is how much of the quota is left free where others use it too. Who
// has more of it leaves more, and so gives way to who has less until all have
// the same.
func (w *Window) margin() float64 {
	if !w.news.told {
		return 0
	}
	if w.news.others == 0 {
		return 1
	}
	own := float64(w.used())
	return 1 + 4*own/(own+float64(w.news.others))
}

// cuts is how far refusals have brought the rate down.
type cuts struct {
	rate float64 // after the last one
	at   time.Time
}

// What a refusal leaves of the rate, the least there is, and what comes back
// in each window without one.
const (
	cut     = 0.7
	least   = 0.1
	regrown = 0.1
)

func (c *cuts) factor(now time.Time, per time.Duration) float64 {
	return min(c.rate+regrown*float64(now.Sub(c.at))/float64(per), 1)
}

// Refused tells that the server refused the call for want of quota. Calls that
// were under way together are cut for once.
func (p *Place) Refused() {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if p.started.After(w.cuts.at) {
		now := time.Now()
		w.cuts = cuts{rate: max(cut*w.cuts.factor(now, w.per), least), at: now}
		w.dispatch()
	}
}

// factor is the part of the rate that may be used at present.
func (w *Window) factor(now time.Time) float64 {
	return min(w.cuts.factor(now, w.per), w.ramped(now))
}

// How a ramp begins, and how long it takes to the whole rate.
const (
	rampFrom = 0.25
	rampTime = 5 * time.Second
)

// Ramp lets the calls begin again slowly, after an outage: with a quarter of
// the rate, and with nothing saved up for a burst.
func (w *Window) Ramp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.accrue(now)
	w.ramp, w.tokens = now, min(w.tokens, 1)
	w.dispatch()
}

// ramped is the part of the rate that a ramp has reached.
func (w *Window) ramped(now time.Time) float64 {
	return min(rampFrom+(1-rampFrom)*float64(now.Sub(w.ramp))/float64(rampTime), 1)
}

// Usage is a view of a window.
type Usage struct {
	// Limit is the quota: calls in any span of Per.
	Limit int
	Per   time.Duration
	// Used is how much of it this process has in use, and Others how much
	// others seem to have.
	Used, Others int
	// Factor is the part of the rate that refusals and a ramp have left, at
	// most 1.
	Factor float64
	// Waiting is how many callers wait.
	Waiting int
	// Paused is until when all calls are held back, zero if they are not.
	Paused time.Time
}

// Usage returns how the window stands.
func (w *Window) Usage() Usage {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.accrue(now)
	u := Usage{Limit: w.limit, Per: w.per, Used: w.used(), Others: w.news.others,
		Factor: w.factor(now), Waiting: w.line.len()}
	if w.until.After(now) {
		u.Paused = w.until
	}
	return u
}

// Lasting returns how many calls a second all who use the quota can go on to
// make, from now on, without ever coming to a halt, if the others' calls are as
// many at all times as this process's own.
func (w *Window) Lasting() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.accrue(now)
	limit, own := float64(w.limit), float64(w.used())
	each := (own + float64(w.news.others)) / max(own, 1) // calls of all for one of ours
	rate := limit / w.per.Seconds()
	for i, end := range w.ends {
		rate = min(rate, max(limit-each*(own-float64(i)), 0)/end.Sub(now).Seconds())
	}
	return rate
}
