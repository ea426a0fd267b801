package metrics

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// A registry makes and registers metrics, and keeps what went wrong.
type registry struct {
	to  prometheus.Registerer
	err error
}

const prefix = "crmsync_"

func (r *registry) register(c prometheus.Collector) {
	r.err = errors.Join(r.err, r.to.Register(c))
}

func (r *registry) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	r.register(c)
	return c
}

func (r *registry) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, labels)
	r.register(c)
	return c
}

func (r *registry) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	c := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, labels)
	r.register(c)
	return c
}

func (r *registry) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	c := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets}, labels)
	r.register(c)
	return c
}
