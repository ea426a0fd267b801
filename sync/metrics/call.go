package metrics

import (
	"strconv"

	"github.com/urbanhub/crmsync/sync"
)

// Call counts a call of a system's API. Give it to the adapters as their
// option OnCall.
func (c *Collector) Call(call sync.Call) {
	of := []string{string(call.System), call.Operation}
	c.calls.WithLabelValues(append(of, class(call.Status))...).Inc()
	c.callFor.WithLabelValues(of...).Observe(call.Duration.Seconds())
	if call.Records > 0 {
		c.batches.WithLabelValues(of...).Observe(float64(call.Records))
	}
}

// class is the hundred of a status; what a quota refused is apart.
func class(status int) string {
	switch {
	case status == 429:
		return "429"
	case status >= 100 && status < 600:
		return strconv.Itoa(status/100) + "xx"
	}
	return "none"
}
