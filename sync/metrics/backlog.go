package metrics

import (
	"cmp"
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/urbanhub/crmsync/sync"
)

// A backlog tells at each scrape what waits in the queue.
type backlog struct {
	queue   sync.Queue
	timeout time.Duration
	pending *prometheus.Desc
	waiting *prometheus.Desc
	oldest  *prometheus.Desc
	dead    *prometheus.Desc
	deadAge *prometheus.Desc
	up      *prometheus.Desc
}

func newBacklog(q sync.Queue, timeout time.Duration) *backlog {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, labels, nil)
	}
	return &backlog{queue: q, timeout: cmp.Or(timeout, 2*time.Second),
		pending: desc("events_pending", "Messages in the queue: waiting, in flight in this process, or sleeping until a retry.", "state"),
		waiting: desc("events_waiting", "Waiting messages by priority.", "priority"),
		oldest:  desc("oldest_pending_age_seconds", "Age of the oldest waiting message, 0 without one."),
		dead:    desc("dlq_events", "Dead letters."),
		deadAge: desc("dlq_oldest_age_seconds", "Since the oldest dead letter died, 0 without one."),
		up:      desc("queue_up", "1 if the queue answered in time."),
	}
}

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{b.pending, b.waiting, b.oldest, b.dead, b.deadAge, b.up} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector]. When the queue does not answer it
// tells that, and nothing else.
func (b *backlog) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	s, err := b.queue.Stats(ctx, now)
	var letters []sync.DeadLetter
	if err == nil {
		letters, err = b.queue.Dead(ctx, sync.DeadFilter{Limit: 1})
	}
	if err != nil {
		gauge(b.up, 0)
		return
	}
	gauge(b.up, 1)
	gauge(b.pending, float64(s.Waiting-s.Sleeping), "waiting")
	gauge(b.pending, float64(s.Leased), "inflight")
	gauge(b.pending, float64(s.Sleeping), "sleeping")
	for p, n := range s.ByPriority {
		gauge(b.waiting, float64(n), sync.Priority(p).String())
	}
	gauge(b.oldest, age(now, s.OldestAt))
	gauge(b.dead, float64(s.Dead))
	died := time.Time{}
	if len(letters) > 0 {
		died = letters[0].DiedAt
	}
	gauge(b.deadAge, age(now, died))
}

// age is how long ago something was in seconds, 0 if it never was.
func age(now, at time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return max(0, now.Sub(at).Seconds())
}
