package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// The metrics tell what the daemon asks of both vendors, and of which quotas.
func TestTheMetricsTellCallsAndQuotas(t *testing.T) {
	t.Parallel()
	r := newRig(t, "engine: {sweep_interval: 1s}\n")
	stop := r.serve()
	defer stop()
	r.eventually("every metric of the vendors is there", func() bool {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`crmsync_vendor_calls_total{code="`, `system="bird"} `, `operation="search",system="hubspot"} `,
			`crmsync_quota_limit{quota="reads",system="bird"} 40`, `crmsync_quota_limit{quota="window",system="hubspot"} `} {
			if !strings.Contains(string(page), want) {
				return false
			}
		}
		return true
	})
}
