//go:build unix

package failover

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"time"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/alert"
)

// A ledger is a queue that notes which messages lose an attempt. Two signals
// about one pair at the same time are raced: who comes second begins anew, on a
// good day too.
type ledger struct {
	sync.Queue
	burnt, raced, buried atomic.Int64
	mu                   stdsync.Mutex
	first                string // why one was
}

func (l *ledger) Retry(ctx context.Context, now time.Time, lane sync.Lane, at time.Time, cause sync.Failure) error {
	switch {
	case cause.Free:
	case cause.Error == sync.ErrStale.Error():
		l.raced.Add(1)
	default:
		l.burnt.Add(1)
		l.note(cause)
	}
	return l.Queue.Retry(ctx, now, lane, at, cause)
}

func (l *ledger) Bury(ctx context.Context, now time.Time, lane sync.Lane, cause sync.Failure) error {
	l.buried.Add(int64(len(lane.Messages)))
	l.note(cause)
	return l.Queue.Bury(ctx, now, lane, cause)
}

func (l *ledger) note(cause sync.Failure) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.first = cmp.Or(l.first, cause.Error)
}

func (l *ledger) why() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first
}

// A door counts what the receivers answer, and how long they take at most.
type door struct {
	next    http.Handler
	mu      stdsync.Mutex
	answers map[int]int // by status
	slowest time.Duration
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began, answer := time.Now(), &answer{w, http.StatusOK}
	d.next.ServeHTTP(answer, r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.answers[answer.status]++
	d.slowest = max(d.slowest, time.Since(began))
}

// take returns the counts since the last call.
func (d *door) take() (answers map[int]int, slowest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	answers, slowest = d.answers, d.slowest
	d.answers, d.slowest = map[int]int{}, 0
	return answers, slowest
}

// An answer notes its status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// A pager notes when each alert fired, which it may do again in the rush after
// an outage, and when it was over.
type pager struct {
	mu    stdsync.Mutex
	fired map[string][]time.Time
	over  map[string]time.Time
}

func (p *pager) Notify(_ context.Context, a alert.Alert) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fired == nil {
		p.fired, p.over = map[string][]time.Time{}, map[string]time.Time{}
	}
	if a.Ended.IsZero() {
		p.fired[a.Key()] = append(p.fired[a.Key()], time.Now())
		delete(p.over, a.Key())
	} else {
		p.over[a.Key()] = time.Now()
	}
	return nil
}

// told returns when an alert whose key begins so fired first from a moment on,
// and when all of them were over; zero for what was not told.
func (p *pager) told(begins string, from time.Time) (fired, over time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, all := range p.fired {
		if !strings.HasPrefix(key, begins) {
			continue
		}
		for _, at := range all {
			if !at.Before(from) && (fired.IsZero() || at.Before(fired)) {
				fired = at
			}
		}
		if p.over[key].IsZero() {
			return fired, time.Time{}
		}
		if p.over[key].After(over) {
			over = p.over[key]
		}
	}
	return fired, over
}

// String lists the alerts.
func (p *pager) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprint(p.fired)
}

// impatient makes rules fire within a short outage.
func impatient(rules []alert.Rule) []alert.Rule {
	for i := range rules {
		rules[i].For = min(rules[i].For, *outage/8)
	}
	return rules
}

// A speech is the last of what an engine said.
type speech struct {
	mu    stdsync.Mutex
	lines []string
}

func (l *speech) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(p))
	l.lines = l.lines[max(0, len(l.lines)-20):]
	return len(p), nil
}

func (l *speech) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "")
}
