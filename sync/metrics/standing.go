package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/urbanhub/crmsync/sync"
)

// A standing tells at each scrape which modes are on and how the quotas stand.
type standing struct {
	modes  func() []sync.Mode
	quotas func() []sync.Quota
	mode   *prometheus.Desc
	used   *prometheus.Desc
	limit  *prometheus.Desc
}

func newStanding(modes func() []sync.Mode, quotas func() []sync.Quota) *standing {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prefix+name, help, labels, nil)
	}
	if modes == nil {
		modes = func() []sync.Mode { return nil }
	}
	if quotas == nil {
		quotas = func() []sync.Quota { return nil }
	}
	return &standing{modes: modes, quotas: quotas,
		mode:  desc("mode_active", "1 while something is done in another way than usual, such as calls that wait behind an open breaker.", "system", "mode"),
		used:  desc("quota_used", "Calls made of a system's quota in its present period.", "system", "quota"),
		limit: desc("quota_limit", "Calls that a system's quota allows in a period.", "system", "quota"),
	}
}

// Describe implements [prometheus.Collector].
func (s *standing) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{s.mode, s.used, s.limit} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *standing) Collect(ch chan<- prometheus.Metric) {
	seen := map[[2]string]bool{} // twice the same would spoil the scrape
	for _, m := range s.modes() {
		key := [2]string{string(m.System), m.Name}
		if !seen[key] {
			seen[key] = true
			ch <- prometheus.MustNewConstMetric(s.mode, prometheus.GaugeValue, 1, key[:]...)
		}
	}
	clear(seen)
	for _, q := range s.quotas() {
		key := [2]string{string(q.System), q.Name}
		if !seen[key] {
			seen[key] = true
			ch <- prometheus.MustNewConstMetric(s.used, prometheus.GaugeValue, float64(q.Used), key[:]...)
			ch <- prometheus.MustNewConstMetric(s.limit, prometheus.GaugeValue, float64(q.Limit), key[:]...)
		}
	}
}
